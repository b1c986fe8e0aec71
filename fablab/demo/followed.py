"""What the played machines follow: the reservations that run, and the print of the real OctoPrint."""

import http.client
import json
import logging
import threading
import time

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from fablab.demo.behaviour import PRINT_EVERY_S, is_printing
from iot.models import ReportedState
from printing.octoprint_server import OctoPrintServer
from reservations.models import Reservation, Status

log = logging.getLogger(__name__)

ASK_TIMEOUT_S = 1.5
RESERVATIONS_EVERY_S = 4.0


class RunningReservations:
    """The slugs of machines whose reservation was checked in and runs; read anew every few seconds."""

    def __init__(self) -> None:
        self._slugs: frozenset[str] = frozenset()
        self._read_at_s: float | None = None

    def slugs(self) -> frozenset[str]:
        """What was read last; while the database is away nothing changes."""
        now_s = time.monotonic()
        if self._read_at_s is None or now_s - self._read_at_s >= RESERVATIONS_EVERY_S:
            self._read_at_s = now_s
            try:
                self._slugs = running_slugs()
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s).", str(error).split("\n")[0])
                connection.close()
        return self._slugs


def running_slugs() -> frozenset[str]:
    now = timezone.now()
    rows = Reservation.objects.filter(status=Status.IN_USE, start__lte=now, end__gt=now)
    return frozenset(rows.values_list("machine__slug", flat=True))


def last_energies() -> dict[str, float]:
    """The meter of each machine as the lab last saw it, in Wh: a meter that jumps would be counted as use."""
    rows = ReportedState.objects.exclude(energy_wh=None).values_list("machine__slug", "energy_wh")
    return {slug: energy_wh for slug, energy_wh in rows if energy_wh is not None}


class FollowedPrint:
    """Asks OctoPrint every two seconds whether it prints; no answer counts as no print."""

    def __init__(self, server: OctoPrintServer) -> None:
        self._server = server
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="octoprint-watch", daemon=True)
        self.is_printing = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(PRINT_EVERY_S):
            self.is_printing = is_printing(job_state(self._server))


def job_state(server: OctoPrintServer) -> str:
    """OctoPrint's word for what it does, or an empty text when it does not answer."""
    asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ASK_TIMEOUT_S)
    try:
        asking.request("GET", "/api/job", headers={"X-Api-Key": server.api_key})
        answer = asking.getresponse()
        told = json.loads(answer.read()) if answer.status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    finally:
        asking.close()
    return str(told.get("state", "")) if isinstance(told, dict) else ""

"""The worker's printer loop: rows are claimed, so that several workers never visit one printer at once."""

import datetime as dt
import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, connection, connections
from django.utils import timezone

from printing.dispatch import broke_off, visit
from printing.models import ACTIVE, Printer

log = logging.getLogger(__name__)

# Short, so that after a kill another worker goes on soon; renewed while a visit lasts, for an upload takes minutes.
CLAIM_FOR = dt.timedelta(seconds=60)
RENEW_EVERY_S = 15.0
THREADS = 8
PAUSE_S = 0.25

CLAIM_SQL = """
UPDATE printing_printer SET claimed_until = %(until)s
WHERE id IN (
    SELECT id FROM printing_printer
    WHERE (is_enabled OR EXISTS (
              SELECT 1 FROM printing_printjob job
              WHERE job.machine_id = printing_printer.machine_id AND job.state = ANY(%(active)s)
          ))
          AND kind <> 'by_hand' AND next_poll_at <= %(now)s
          AND (claimed_until IS NULL OR claimed_until < %(now)s) AND NOT id = ANY(%(but)s)
    ORDER BY next_poll_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def claim_due(now: dt.datetime, most: int, but: Iterable[int] = ()) -> list[int]:
    """Ids of printers that are due, now ours until `CLAIM_FOR` has passed or the visit ends.

    One that was taken out of service is visited until the print that has it is over: somebody may want it stopped.
    `but`: those that are being visited here; claimed again they would be visited by nobody once that visit ends.
    """
    with connection.cursor() as cursor:
        params: dict[str, Any] = {
            "now": now,
            "until": now + CLAIM_FOR,
            "most": most,
            "but": list(but),
            "active": sorted(ACTIVE),
        }
        cursor.execute(CLAIM_SQL, params)
        return [row[0] for row in cursor.fetchall()]


def renew_claims(ids: Iterable[int], now: dt.datetime) -> None:
    """Keep these printers ours for `CLAIM_FOR` more; a visit that has just ended stays ended."""
    Printer.objects.filter(pk__in=list(ids), claimed_until__isnull=False).update(claimed_until=now + CLAIM_FOR)


def run(stopping: threading.Event) -> None:
    """Visit printers as they fall due, several at once: one that hangs holds up no other."""
    busy: set[int] = set()
    freed = threading.Event()
    renewed_s = time.monotonic()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="printer") as pool:
        while not stopping.is_set():
            try:
                if busy and time.monotonic() - renewed_s >= RENEW_EVERY_S:
                    renew_claims(busy.copy(), timezone.now())
                    renewed_s = time.monotonic()
                freed.clear()
                free = THREADS - len(busy)
                claimed = claim_due(timezone.now(), free, but=busy.copy()) if free else []
                for pk in claimed:
                    busy.add(pk)
                    pool.submit(_visit, pk).add_done_callback(partial(_done, busy, pk, freed))
                # As many as there was room for: more may be due, and the next thread that is free takes one at once.
                (freed if len(claimed) == free else stopping).wait(PAUSE_S)
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s); printers wait.", str(error).split("\n")[0])
                connection.close()
                stopping.wait(2)
    connections.close_all()


def _done(busy: set[int], pk: int, freed: threading.Event, visiting: Future[None]) -> None:
    busy.discard(pk)
    freed.set()
    # A pool keeps what its tasks raise to itself.
    if error := visiting.exception():
        log.error("The visit of printer %s broke off", pk, exc_info=error)


def _visit(pk: int) -> None:
    printer = None
    try:
        printer = Printer.objects.select_related("machine__unit__site", "machine__category", "spool").get(pk=pk)
        visit(printer, now=timezone.now())
    except (OperationalError, InterfaceError) as error:
        log.warning("A visit was cut short: the database is away (%s).", str(error).split("\n")[0])
    except Printer.DoesNotExist:
        log.info("Printer %s is gone.", pk)
    except Exception:
        # `_done` logs it; without a word here it would be visited in vain, and nobody would see that.
        if printer is not None:
            broke_off(printer, now=timezone.now())
        raise
    finally:
        # The pool's threads rest between visits, and end without closing what they hold.
        connection.close()

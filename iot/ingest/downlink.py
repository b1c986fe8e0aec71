"""What goes down to the devices: orders as soon as they are given, and who may start while the lab is out of reach."""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from fablab.lib.secretbox import SecretUnreadable
from iot.access.roster import Asked, devices_with_roster, revoked_with_roster, roster_of
from iot.clocks import stamp
from iot.drivers import foreign_driver
from iot.home_assistant import HomeAssistant
from iot.models import Device, DeviceCommand, DriverKind
from iot.orders import CHANNEL, take_to_send
from iot.protocol import Command

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 2.0
ROSTERS_EVERY_S = 300.0
# `publish(topic, payload, is_retained)`.
Publish = Callable[[str, bytes, bool], None]


class Downlink:
    """A thread that listens to the database and publishes; what was given while it was away is found on return."""

    def __init__(self, publish: Publish, clock: Callable[[], dt.datetime], stopping: threading.Event) -> None:
        self.publish = publish
        self.clock = clock
        self.stopping = stopping
        self.connected = threading.Event()
        self.thread = threading.Thread(target=self._run, name="downlink", daemon=True)
        self._rosters_at = float("-inf")
        self._home_assistant = HomeAssistant() if settings.HOMEASSISTANT else None

    def _run(self) -> None:
        try:
            self._send_all()
        finally:
            connection.close()

    def _send_all(self) -> None:
        while not self.stopping.is_set():
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                while not self.stopping.is_set():
                    self._send()
                    for _news in connection.connection.notifies(timeout=LOOKS_EVERY_S, stop_after=1):
                        continue
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s); orders wait.", str(error).split("\n")[0])
                connection.close()
                self.stopping.wait(1.0)
            except Exception:
                log.exception("Orders could not be sent; trying again.")
                connection.close()
                self.stopping.wait(1.0)

    def _send(self) -> None:
        # What is taken counts as sent: with no broker it would only be asked for again ten seconds later.
        if not self.connected.is_set():
            return
        now = self.clock()
        self._send_orders(now)
        if time.monotonic() - self._rosters_at >= ROSTERS_EVERY_S:
            self._rosters_at = time.monotonic()
            self.send_rosters(now)
        if self._home_assistant is not None:
            for news in self._home_assistant.changes(now):
                self.publish(news.topic, news.payload, True)

    def _send_orders(self, now: dt.datetime) -> None:
        for command in take_to_send(now=now):
            message = message_of(command, now)
            if message is not None:
                self.publish(*message, False)

    def begin_anew(self) -> None:
        """After each connection: a broker that was restarted has forgotten what it kept."""
        self._rosters_at = float("-inf")
        if self._home_assistant is not None:
            self._home_assistant.told.clear()
        self.connected.set()

    def send_rosters(self, now: dt.datetime) -> None:
        """Retained: a device that comes back finds the newest at once. Of those that were shut out, none is left."""
        for device in revoked_with_roster():
            self.publish(f"fablab/v1/{device.slug}/down/roster", b"", True)
            Device.objects.filter(pk=device.pk).update(roster_version=0)
        asked: Asked = {}
        for device in devices_with_roster():
            # An order is void after half a minute, and a hundred rosters take longer.
            self._send_orders(self.clock())
            try:
                roster = roster_of(device, now, asked)
            except (SecretUnreadable, ValueError):
                log.warning("%s: its key cannot be opened; let it enrol again.", device.slug)
                continue
            self.publish(f"fablab/v1/{device.slug}/down/roster", msgspec.json.encode(roster), True)


def message_of(command: DeviceCommand, now: dt.datetime) -> tuple[str, bytes] | None:
    """Topic and payload in the language of the device; None when it has no word for it."""
    device = command.device
    if device.kind != DriverKind.FABLAB:
        make = getattr(foreign_driver(device.kind), "command", None)
        said: tuple[str, bytes] | None = make(device.topic, command.kind) if make is not None else None
        return said
    body = Command(
        command.reference,
        command.kind,  # type: ignore[arg-type]
        stamp(command.expires_at),
        command.data,
        stamp(now),
    )
    return f"fablab/v1/{device.slug}/down/command", msgspec.json.encode(body)

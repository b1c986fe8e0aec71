"""Badges are answered on a path of their own: no telemetry stands before them, and none waits for them."""

import datetime as dt
import logging
import queue
import threading
from collections.abc import Callable, Sequence

import msgspec
from django.db import InterfaceError, OperationalError, connection

from iot.access.decide import answer, too_late
from iot.clocks import parsed
from iot.drivers import rfid
from iot.drivers.routing import Route
from iot.ingest.raw import RawMessage
from iot.models import Device, DeviceBoot
from iot.protocol import Access, Decision, MalformedMessage, parse_numbered, parse_topic
from people.badges import badge_digest

log = logging.getLogger(__name__)

# Whoever presented a badge longer ago has left.
FRESH_FOR = dt.timedelta(seconds=15)
WAITING_MOST = 1000
SAME_TAP = dt.timedelta(seconds=3)
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
Publish = Callable[[str, bytes], None]


def is_access(topic: str) -> bool:
    return topic.startswith("fablab/v1/") and topic.endswith("/up/access")


class Asking:
    """A thread that decides, one badge after another; what cannot be decided in time is left unanswered."""

    def __init__(
        self,
        publish: Publish,
        routes: Callable[[str], Sequence[Route]],
        clock: Callable[[], dt.datetime],
        stopping: threading.Event,
    ) -> None:
        self.publish = publish
        self.routes = routes
        self.last_taps: dict[tuple[str, str], dt.datetime] = {}
        self.clock = clock
        self.stopping = stopping
        self.waiting: queue.Queue[RawMessage] = queue.Queue(WAITING_MOST)
        self.thread = threading.Thread(target=self._run, name="asking", daemon=True)

    def put(self, raw: RawMessage) -> None:
        """To be answered soon; when too many wait, this one is not: its device asks again or gives up."""
        try:
            self.waiting.put_nowait(raw)
        except queue.Full:
            log.warning("Too many badges at once: one is left unanswered.")

    def _run(self) -> None:
        try:
            self._answer_all()
        finally:
            connection.close()

    def _answer_all(self) -> None:
        while not self.stopping.is_set():
            try:
                raw = self.waiting.get(timeout=0.5)
            except queue.Empty:
                continue
            try:
                if is_access(raw.topic):
                    self._answer(raw)
                else:
                    tapped_at_reader(raw, self.routes(raw.topic), self.clock(), self.last_taps)
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s): a badge is asked about again.", str(error).split("\n")[0])
                connection.close()
                self.stopping.wait(0.2)
                if self.clock() - raw.received_at < FRESH_FOR:
                    self.put(raw)
            except Exception:
                # One request that cannot be answered must not silence all readers.
                log.exception("A badge at %s could not be answered.", raw.topic)

    def _answer(self, raw: RawMessage) -> None:
        decision = decision_on(raw, self.clock())
        if decision is not None:
            slug, _leaf = parse_topic(raw.topic)
            self.publish(f"fablab/v1/{slug}/down/decision", msgspec.json.encode(decision))


def tapped_at_reader(
    raw: RawMessage, routes: Sequence[Route], now: dt.datetime, last_taps: dict[tuple[str, str], dt.datetime]
) -> None:
    """A badge at a reader of another make: it hears no answer, so the plugs of its machine are switched instead.
    `last_taps`: when each badge was read last at each reader."""
    if raw.is_retained or now - raw.received_at > FRESH_FOR:
        return
    for route in (each for each in routes if each.kind == rfid.KIND):
        device = Device.objects.filter(slug=route.slug, revoked_at=None).first()
        try:
            told = rfid.parse(route.base, route.subtopic, raw.payload)
        except MalformedMessage:
            # The ordinary path sets it aside, with its reason.
            continue
        for asked in told:
            if device is not None and isinstance(asked, Access):
                # Such readers number nothing: a badge that lies there is one request, however long.
                place = (route.slug, badge_digest(asked.credential))
                before, last_taps[place] = last_taps.get(place, LONG_AGO), raw.received_at
                # The very same message is one that could not be answered at first: it keeps its number.
                if before == raw.received_at or raw.received_at - before >= SAME_TAP:
                    number = f"{place[1][:16]}-{int(raw.received_at.timestamp() * 1000)}"
                    answer(device, msgspec.structs.replace(asked, request_id=number), now)


def decision_on(raw: RawMessage, now: dt.datetime) -> Decision | None:
    """What is answered; None for what is no question of a device that is let in, or was decided there already."""
    try:
        slug, leaf = parse_topic(raw.topic)
        message = parse_numbered(leaf, raw.payload)
    except MalformedMessage:
        # The ordinary path sets it aside, with its reason.
        return None
    asked = message.data
    device = Device.objects.filter(slug=slug, revoked_at=None).first()
    if device is None or not isinstance(asked, Access) or asked.decided or raw.is_retained:
        return None
    boot = DeviceBoot.objects.filter(device=device, boot=message.boot, is_anchored=True).first()
    # A live sign of life makes its uptime exact; before that only a clock that agrees with ours can be believed.
    asked_at = boot.booted_at + dt.timedelta(seconds=message.uptime_s) if boot is not None else parsed(message.at)
    if asked_at is None or abs(now - asked_at) > FRESH_FOR or now - raw.received_at > FRESH_FOR:
        return too_late(asked, now)
    return answer(device, asked, now)

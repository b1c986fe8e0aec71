"""Badges are answered on a path of their own: no telemetry stands before them, and none waits for them."""

import datetime as dt
import logging
import queue
import threading
from collections.abc import Callable

import msgspec
from django.db import InterfaceError, OperationalError, connection

from iot.access.decide import answer, too_late
from iot.clocks import parsed
from iot.ingest.raw import RawMessage
from iot.models import Device, DeviceBoot
from iot.protocol import Access, Decision, MalformedMessage, parse_numbered, parse_topic

log = logging.getLogger(__name__)

# Whoever presented a badge longer ago has left.
FRESH_FOR = dt.timedelta(seconds=15)
WAITING_MOST = 1000
Publish = Callable[[str, bytes], None]


def is_access(topic: str) -> bool:
    return topic.startswith("fablab/v1/") and topic.endswith("/up/access")


class Asking:
    """A thread that decides, one badge after another; what cannot be decided in time is left unanswered."""

    def __init__(self, publish: Publish, clock: Callable[[], dt.datetime], stopping: threading.Event) -> None:
        self.publish = publish
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
                self._answer(raw)
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s): a badge is left unanswered.", str(error).split("\n")[0])
                connection.close()
            except Exception:
                # One request that cannot be answered must not silence all readers.
                log.exception("A badge at %s could not be answered.", raw.topic)

    def _answer(self, raw: RawMessage) -> None:
        decision = decision_on(raw, self.clock())
        if decision is not None:
            slug, _leaf = parse_topic(raw.topic)
            self.publish(f"fablab/v1/{slug}/down/decision", msgspec.json.encode(decision))


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
    boot = DeviceBoot.objects.filter(device=device, boot=message.boot).first()
    asked_at = boot.booted_at + dt.timedelta(seconds=message.uptime_s) if boot is not None else parsed(message.at)
    if boot is not None and asked_at is not None and now - asked_at > FRESH_FOR:
        return too_late(device, asked, now)
    return answer(device, asked, now)

"""What a device has sent lately, looked at point by point: for whoever builds one, and for whoever wonders.

Reads only. Every point is a sentence, and what is not right comes with the next step.
"""

import datetime as dt
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Max, Min, Q, QuerySet

from iot.clocks import TOLERANCE, parsed
from iot.ingest.store import GAP_PATIENCE
from iot.models import (
    AccessAttempt,
    Device,
    DeviceBoot,
    DeviceCommand,
    DriverKind,
    InboxMessage,
    QuarantinedMessage,
    Reading,
    ReportedState,
)  # fmt: skip
from iot.quarantine import reasons_in

# Nobody at a machine waits longer without a second try.
SLOW_DECISION_MS = 1000
REASONS_SHOWN = 5


class Mark(enum.StrEnum):
    """Whether a point is right, is wrong, or was not tried in this time."""

    RIGHT = "✓"
    WRONG = "✗"
    NOT_TRIED = "–"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the list; `step` says what to do next, and is empty where all is right."""

    name: str
    mark: Mark
    words: str
    step: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """The device, and the stretch of time (`since`, `now`] that is looked at. `boot` is its newest run."""

    device: Device
    since: dt.datetime
    now: dt.datetime
    boot: DeviceBoot | None

    @property
    def inbox(self) -> QuerySet[InboxMessage]:
        """The numbered messages that came in this time."""
        return InboxMessage.objects.filter(device=self.device, received_at__gt=self.since, received_at__lte=self.now)


def check_device(device: Device, *, now: dt.datetime, span: dt.timedelta) -> list[Point]:
    """Every point about the device over the last `span`, in the order in which one would mend them.

    A device that is not ours numbers nothing: its list is shorter. At most 15 queries.
    """
    boot = DeviceBoot.objects.filter(device=device).order_by("first_received_at", "pk").last()
    look = Look(device, now - span, now, boot)
    checks = OURS if device.kind == DriverKind.FABLAB else FOREIGN
    return [check(look) for check in checks]


def _right(name: str, words: str) -> Point:
    return Point(name, Mark.RIGHT, words)


def _wrong(name: str, words: str, step: str) -> Point:
    return Point(name, Mark.WRONG, words, step)


def _not_tried(name: str, words: str, step: str) -> Point:
    return Point(name, Mark.NOT_TRIED, words, step)


def _enrolled(look: Look) -> Point:
    name, device = "enrolled", look.device
    if device.revoked_at is not None:
        return _wrong(name, "it was shut out", "Enrol another device in its place: this one stays out.")
    if not device.password_hash:
        return _wrong(name, "it has no password", "Make a one-time code on its page, and enrol it with that.")
    if device.machine is None:
        return _wrong(name, "it belongs to no machine", "Choose its machine: nothing it says counts for one.")
    return _right(name, f"for {device.machine.name}")


def _heard(look: Look) -> Point:
    name, device = "heard", look.device
    if device.last_seen_at is None:
        return _wrong(name, "never", "Look in the broker's log: a wrong user name or password is refused there.")
    ago_s = (look.now - device.last_seen_at).total_seconds()
    if device.is_silent(look.now):
        return _wrong(name, f"last {_seconds(ago_s)} ago", "Look at its power, its network and the broker's log.")
    return _right(name, f"{_seconds(ago_s)} ago; “no news” after {_seconds(device.silent_after.total_seconds())}")


def _status(look: Look) -> Point:
    name = "up/status"
    if look.boot is None:
        return _wrong(name, "never seen", "Publish up/status, retained, first of all on each connection.")
    if not look.boot.is_anchored:
        return _wrong(
            name, f"not seen in the run {look.boot.boot}",
            "Publish up/status with state online, boot, at and uptime_s on each connection, before anything else.",
        )  # fmt: skip
    return _right(name, f"seen in the run {look.boot.boot}")


def _last_will(look: Look) -> Point:
    name, device = "last will", look.device
    if not device.is_online and device.last_seen_at is not None:
        return _right(name, "it said goodbye, or its last will came")
    if device.is_silent(look.now):
        return _wrong(
            name, "it is silent, and no last will came",
            'Give the broker {"state": "offline"} on up/status as the last will, retained, QoS 1.',
        )  # fmt: skip
    return _not_tried(name, "it is connected", "Pull its plug, wait for the keep-alive and a half, and look again.")


def _hello(look: Look) -> Point:
    name = "up/hello"
    if look.boot is None:
        return _wrong(name, "never seen", "Send up/hello once in each run, as its first numbered message.")
    rows = InboxMessage.objects.filter(device=look.device, boot=look.boot.boot, leaf="hello")
    if not rows.exists():
        return _wrong(
            name, f"not seen in the run {look.boot.boot}", "Send up/hello once in each run, as its first message."
        )
    return _right(name, f"firmware {look.device.firmware or 'not named'}")


def _runs(look: Look) -> Point:
    """A device that starts anew every minute has a loose plug, or a watchdog that bites."""
    name = "runs"
    count = DeviceBoot.objects.filter(device=look.device, first_received_at__gt=look.since).count()
    if count > 3:
        return _wrong(name, f"{count} new ones", "It restarts all the time, or makes a new boot for each connection.")
    return _right(name, f"{count} new" if count else "none new")


def _numbering(look: Look) -> Point:
    name = "numbering"
    runs = look.inbox.values("boot").annotate(first=Min("seq"), last=Max("seq"), count=Count("pk")).order_by("boot")
    holes = {run["boot"]: run["last"] - run["first"] + 1 - run["count"] for run in runs}
    missing = sum(holes.values())
    if missing:
        where = ", ".join(boot for boot, hole in holes.items() if hole)
        return _wrong(
            name, f"{missing} missing in {where}",
            "Keep each message until down/ack names its seq, then send what is left again, oldest first.",
        )  # fmt: skip
    late = _runs_that_begin_late(look)
    if late:
        return _wrong(name, f"{late} does not begin at 1", "Begin seq at 1 in each run, and choose boot anew.")
    if not holes:
        return _not_tried(name, "nothing came", "Send something, or look further back with --minutes.")
    return _right(name, f"{sum(run['count'] for run in runs)} messages without a hole")


def _runs_that_begin_late(look: Look) -> str:
    """Of the runs that began in this time, those whose first message never came."""
    began = DeviceBoot.objects.filter(device=look.device, first_received_at__gt=look.since).values("boot")
    rows = look.inbox.filter(boot__in=began).values("boot").annotate(first=Min("seq")).filter(first__gt=1)
    return ", ".join(row["boot"] for row in rows.order_by("boot"))


def _acknowledged(look: Look) -> Point:
    """What lies beyond a hole is stored, and not yet acknowledged."""
    name = "down/ack"
    if look.boot is None:
        return _not_tried(name, "nothing to acknowledge", "Send a numbered message.")
    last = InboxMessage.objects.filter(device=look.device, boot=look.boot.boot).aggregate(last=Max("seq"))["last"] or 0
    behind = max(0, last - look.boot.done_seq)
    if behind:
        return _wrong(
            name, f"up to {look.boot.done_seq} of {last}",
            f"{look.boot.done_seq + 1} never came: send it again. The lab goes on without it after "
            f"{_seconds(GAP_PATIENCE.total_seconds())}.",
        )  # fmt: skip
    return _right(name, f"up to {look.boot.done_seq}, all that came")


def _clock(look: Look) -> Point:
    """Its own time against the lab's count of its uptime; a message that comes late says nothing about its clock."""
    name = "clock"
    row = look.inbox.filter(boot=look.boot.boot, is_void=False).order_by("-seq").first() if look.boot else None
    if look.boot is None or row is None:
        return _not_tried(name, "nothing came", "Send something, or look further back with --minutes.")
    claimed = parsed(row.device_at)
    try:
        known = look.boot.booted_at + dt.timedelta(seconds=row.uptime_s)
    except OverflowError:
        known = None
    if claimed is None or known is None:
        return _wrong(name, f"at {row.device_at!r}, uptime_s {row.uptime_s:g}", "Send a time that a calendar knows.")
    offset_s = (claimed - known).total_seconds()
    if abs(offset_s) > TOLERANCE.total_seconds():
        words = f"{_seconds(abs(offset_s))} {'ahead' if offset_s > 0 else 'behind'}"
        return _wrong(name, words, "Set it by NTP. Until then the lab trusts uptime_s, and all times are right.")
    return _right(name, f"right to {_seconds(abs(offset_s))}")


def _readable(look: Look) -> Point:
    name = "readable"
    rows = QuarantinedMessage.objects.filter(
        Q(device=look.device) | Q(device=None, topic__startswith=f"fablab/v1/{look.device.slug}/"),
        received_at__gt=look.since, received_at__lte=look.now, replayed_at=None,
    )  # fmt: skip
    reasons = reasons_in(rows)
    if not reasons:
        return _right(name, "nothing was set aside")
    details = dict(rows.order_by("received_at").values_list("code", "detail"))
    words = "; ".join(
        f"{reason.count} × {reason.code}" + (f" ({details[reason.code]})" if details.get(reason.code) else "")
        for reason in reasons[:REASONS_SHOWN]
    )
    return _wrong(name, words, "Look at them under Manage → Devices → the device → what nobody could read.")


def _measures(look: Look) -> Point:
    """Either measured values or events: without one of them nobody knows whether the machine runs."""
    name, device = "measures", look.device
    values = Reading.objects.filter(device=device, at__gt=look.since, at__lte=look.now).count()
    reported = ReportedState.objects.filter(device=device).values_list("state", flat=True).first()
    state = f", the machine is {reported}" if reported else ""
    if values:
        return _right(name, f"{values} values{state}")
    events = look.inbox.filter(leaf="event", is_void=False).count()
    if events:
        return _right(name, f"{events} events{state}")
    return _not_tried(name, f"nothing{state}", "Send up/reading with power_w every 10 s, or up/event busy and idle.")


def _decided(look: Look) -> Point:
    name = "access"
    rows = AccessAttempt.objects.filter(device=look.device, at__gt=look.since, at__lte=look.now)
    found = rows.aggregate(
        count=Count("pk"), allowed=Count("pk", filter=Q(is_allowed=True)), slowest=Max("took_ms")
    )  # fmt: skip
    if not found["count"]:
        return _not_tried(name, "nobody presented a badge", "Present one, or send up/access: down/decision answers.")
    words = f"{found['count']} asked, {found['allowed']} let in"
    if found["slowest"] is not None and found["slowest"] > SLOW_DECISION_MS:
        return _wrong(name, f"{words}, the slowest after {found['slowest']:.0f} ms", "Run manage.py doctor in the lab.")
    return _right(name, words)


def _orders(look: Look) -> Point:
    name = "orders"
    orders = DeviceCommand.objects.filter(device=look.device, created_at__gt=look.since, created_at__lte=look.now)
    rows = list(orders.annotate(took=F("answered_at") - F("sent_at")).order_by("pk"))
    if not rows:
        return _not_tried(name, "none was given", "Give one on its page, such as a message for its display.")
    states = [row.state(look.now) for row in rows]
    void = states.count("expired")
    words = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    if void:
        ours = "Subscribe to down/command, and answer each with up/ack, also one that is refused or void."
        other = "It reported nothing of the kind within 30 s: look whether it listens on its topic and tells on or off."
        return _wrong(name, words, ours if look.device.kind == DriverKind.FABLAB else other)
    took = [row.took.total_seconds() for row in rows if row.took is not None]
    return _right(name, f"{words}; the slowest answer after {_seconds(max(took))}" if took else words)


def _seconds(number: float) -> str:
    """As a person says it: `0.4 s`, `90 s`, `3 min`, `2 h`, `3 d`."""
    for least, size, unit in ((172_800, 86_400, "d"), (7_200, 3_600, "h"), (120, 60, "min"), (10, 1, "s")):
        if number >= least:
            return f"{number / size:.0f} {unit}"
    return f"{max(0.0, number):.1f} s"


Check = Callable[[Look], Point]
OURS: Sequence[Check] = (
    _enrolled, _heard, _status, _hello, _runs, _numbering, _acknowledged, _clock, _readable, _measures, _decided,
    _orders, _last_will,
)  # fmt: skip
FOREIGN: Sequence[Check] = (_enrolled, _heard, _readable, _measures, _decided, _orders, _last_will)

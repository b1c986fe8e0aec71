"""What the page of a device is made of: what it was told beside what it says, its curve and its log."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fablab.forms_devices import order_words
from fablab.power_curve import Curve, power_curve
from fablab.power_spans import Span, SpanCurve, span_curve
from iot.access.sessions import was_never_begun
from iot.capabilities import capability_words, gaps, why_not
from iot.device_log import LINES_MOST, LogKind, LogLine, device_log
from iot.heat import is_hot
from iot.models import Device, DeviceCommand, ReportedState, StopReason, UseState
from iot.orders import FOR_MANAGERS, can_order
from iot.recorded_power import recorded_power
from iot.refusal_words import refusal_words
from machines.models import Outage
from people.models import Person
from people.permissions import is_manager

Kind = DeviceCommand.Kind
ORDERS_SHOWN = 4
OFFERED = (Kind.ENABLE, Kind.DISABLE, Kind.LOCK, Kind.MESSAGE, Kind.REBOOT)
# Word, tone and shape of each state of an order.
ORDER_STATES: dict[str, tuple[str | Promise, str, str]] = {
    "waiting": (_("waits to be sent"), "reserved", "clock"),
    "sent": (_("sent, no answer yet"), "reserved", "reserved"),
    "done": (_("done"), "free", "check2"),
    "refused": (_("it refused"), "out", "x-lg"),
    "expired": (_("void: no answer in time"), "quiet", "x-circle"),
}
# What agents answer; see iot/agent/orders.py.
ANSWER_WORDS: dict[str, str | Promise] = {
    "busy": _("it is working just now"),
    "hot": _("it is still hot"),
    "locked": _("it is locked"),
    "safety_input": _("its safety input is open"),
    "unsupported": _("it cannot do that"),
    "relay": _("its relay or its screen lock does not answer"),
    "not_configured": _("it is not set up for that"),
    "expired": _("it came too late"),
    "stopped_again": _("the machine was stopped again before"),
}
COMMANDED_WORDS: dict[str, str | Promise] = {
    "enabled": _("may be switched on"),
    "disabled": _("switched off"),
    "locked": _("locked: nobody may start it"),
}
STATE_TONES: dict[str, tuple[str, str]] = {
    UseState.UNKNOWN: ("no-news", "no-news"),
    UseState.OFF: ("quiet", "stop-fill"),
    UseState.IDLE: ("free", "free"),
    UseState.BUSY: ("in-use", "in-use"),
    UseState.FAULT: ("care", "care"),
}
# As a print job that is paused: somebody may be waited for.
PAUSED_TONE = ("care", "care")
LOG_WORDS: dict[LogKind, str | Promise] = {
    LogKind.ATTEMPTS: _("Badges"),
    LogKind.ORDERS: _("Orders"),
    LogKind.SESSIONS: _("Who had it"),
    LogKind.RUNS: _("What ran"),
    LogKind.UNREAD: _("Unreadable messages"),
}


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order and what became of it, as far as anybody knows."""

    order: DeviceCommand
    name: str
    state: str
    reason: str

    @property
    def word(self) -> str:
        return str(ORDER_STATES[self.state][0])

    @property
    def tone(self) -> str:
        return ORDER_STATES[self.state][1]

    @property
    def shape(self) -> str:
        return ORDER_STATES[self.state][2]

    @property
    def is_pending(self) -> bool:
        return self.state in ("waiting", "sent")


def order_line(order: DeviceCommand, device: Device, now: dt.datetime) -> OrderLine:
    """One that is not ours answers by what it reports next: until then it is sent, and void when nothing comes."""
    state = order.state(now)
    return OrderLine(order, order_words(device, order.kind)[0], state, _reason_of(order) if state == "refused" else "")


def _reason_of(order: DeviceCommand) -> str:
    code, _colon, rest = order.answer.partition(":")
    words = ANSWER_WORDS.get(code.strip())
    return str(words) if words and not rest else order.answer


@dataclass(frozen=True, slots=True)
class DevicePage:
    """Everything the page shows of the device itself; `reported` is what this very device said last of its machine."""

    device: Device
    is_silent: bool
    reported: ReportedState | None
    orders: Sequence[OrderLine]
    lock_out: Outage | None
    log: Sequence[LogLine] = ()
    is_hot: bool = False

    @property
    def commanded(self) -> str:
        return str(COMMANDED_WORDS.get(self.device.commanded, ""))

    @property
    def reported_tone(self) -> tuple[str, str]:
        if self.reported is not None and self.reported.is_paused:
            return PAUSED_TONE
        return STATE_TONES[self.reported.state] if self.reported else STATE_TONES[UseState.UNKNOWN]

    @property
    def has(self) -> Sequence[str]:
        return capability_words(self.device)

    @property
    def gaps(self) -> Sequence[str]:
        return gaps(self.device, getattr(self.device.machine, "access", None) if self.device.machine else None)

    @property
    def is_waiting(self) -> bool:
        """Whether an order may be answered any second."""
        return any(line.is_pending for line in self.orders)

    @property
    def is_config_taken(self) -> bool:
        return self.device.reported_config_version >= self.device.config_version


def device_page(device: Device, now: dt.datetime, *, only: LogKind | None = None, is_whole: bool = True) -> DevicePage:
    """The page, or only its part that changes by itself. The device comes with its machine and what that last
    reported. Two queries; six for the whole."""
    rows = DeviceCommand.objects.filter(device=device).select_related("by").order_by("-created_at", "-pk")
    orders = list(rows[: LINES_MOST if is_whole else ORDERS_SHOWN])
    reported = getattr(device.machine, "reported", None) if device.machine else None
    return DevicePage(
        device=device,
        is_silent=device.is_silent(now),
        reported=reported if reported is not None and reported.device_id == device.pk else None,
        orders=[order_line(order, device, now) for order in orders[:ORDERS_SHOWN]],
        lock_out=_lock_out(device, now),
        is_hot=is_hot(reported, now),
        log=device_log(device, only=only, orders=orders) if is_whole else (),
    )


def drawn_power(device: Device, span: Span, now: dt.datetime, zone: ZoneInfo) -> Curve | SpanCurve | None:
    """Its power over the span, up to now; None when nothing was measured. One query for an hour, else two."""
    if span == Span.HOUR:
        return power_curve(recorded_power(device, now), device, now)
    return span_curve(device, span, now, zone)


def _lock_out(device: Device, now: dt.datetime) -> Outage | None:
    if device.machine_id is None:
        return None
    rows = Outage.objects.filter(machine=device.machine_id, kind=Outage.Kind.LOCK_OUT)
    return rows.holding_at(now).first()


def log_words(line: LogLine, device: Device, now: dt.datetime) -> str:
    """One line of the log without its time and without who: what happened."""
    thing = line.thing
    if line.kind == LogKind.ATTEMPTS:
        if thing.is_allowed:
            return gettext("let in")
        return gettext("refused: %(why)s") % {"why": refusal_words(thing.codes)}
    if line.kind == LogKind.ORDERS:
        told = order_line(thing, device, now)
        words = f"{told.name}: {told.word}"
        return f"{words} ({told.reason})" if told.reason else words
    if line.kind == LogKind.UNREAD:
        return f"{thing.code}: {thing.detail}" if thing.detail else thing.code
    is_lapsed = line.kind == LogKind.SESSIONS and thing.stop_reason == StopReason.IDLE_TIMEOUT
    if is_lapsed and was_never_begun(thing):
        return gettext("nobody pressed the button")
    return str(thing.get_stop_reason_display()) if thing.stop_reason else gettext("under way")


def offered_orders(device: Device, person: Person) -> list[Kind]:
    """What the person may tell this device: none where its language has no word for it, or it has not what it takes."""
    if device.revoked_at is not None:
        return []
    may = is_manager(person, device.machine)
    return [kind for kind in OFFERED if can_order(device, kind) and (may or kind not in FOR_MANAGERS)]


def orders_beyond(device: Device, person: Person) -> list[tuple[str, str]]:
    """What a device of ours cannot be told, by what it says that it has: the order in words, and why."""
    if device.revoked_at is not None:
        return []
    may = is_manager(person, device.machine)
    reasons = [(kind, why_not(device, kind)) for kind in OFFERED if may or kind not in FOR_MANAGERS]
    return [(order_words(device, kind)[0], reason) for kind, reason in reasons if reason]


def order_data(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    """What goes with the order on the wire; see docs/protocol.md."""
    if kind == Kind.DISABLE:
        return {"when_idle": said.get("when_idle", False), "reason": "supervisor"}
    if kind == Kind.LOCK:
        return {"reason": "supervisor"}
    return {"text": said["text"], "for_s": 20} if kind == Kind.MESSAGE else {}

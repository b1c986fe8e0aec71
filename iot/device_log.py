"""What happened at one device, of all kinds in one list: badges, orders, who had the machine, what ran, what nobody
could read."""

import datetime as dt
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from iot.models import AccessAttempt, AccessSession, Device, DeviceCommand, QuarantinedMessage, UsageSession

LINES_MOST = 50


class LogKind(enum.StrEnum):
    """The kinds of lines, as the page's address names them."""

    ATTEMPTS = "attempts"
    ORDERS = "orders"
    SESSIONS = "sessions"
    RUNS = "runs"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class LogLine:
    """`thing` is the row behind it; at most one line for each row."""

    kind: LogKind
    at: dt.datetime
    thing: Any


def device_log(
    device: Device,
    *,
    only: LogKind | None = None,
    most: int = LINES_MOST,
    orders: Sequence[DeviceCommand] | None = None,
) -> list[LogLine]:
    """The newest lines, newest first. One query for each kind; none for the orders where their newest are given."""
    kinds = [kind for kind in LogKind if only in (None, kind)]
    lines = [LogLine(LogKind.ORDERS, order.created_at, order) for order in orders or () if LogKind.ORDERS in kinds]
    asked = [kind for kind in kinds if orders is None or kind != LogKind.ORDERS]
    lines += [line for kind in asked for line in _lines(kind, device, most)]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:most]


def _lines(kind: LogKind, device: Device, most: int) -> list[LogLine]:
    rows, field = READ[kind](device)
    return [LogLine(kind, getattr(row, field), row) for row in rows.order_by(f"-{field}")[:most]]


def _attempts(device: Device) -> tuple[QuerySet[Any], str]:
    return AccessAttempt.objects.filter(device=device).select_related("person"), "at"


def _orders(device: Device) -> tuple[QuerySet[Any], str]:
    return DeviceCommand.objects.filter(device=device).select_related("by"), "created_at"


def _sessions(device: Device) -> tuple[QuerySet[Any], str]:
    return AccessSession.objects.filter(device=device).select_related("person", "device"), "allowed_at"


def _runs(device: Device) -> tuple[QuerySet[Any], str]:
    return UsageSession.objects.filter(device=device).select_related("person"), "start"


def _unread(device: Device) -> tuple[QuerySet[Any], str]:
    return QuarantinedMessage.objects.filter(device=device).defer("payload"), "received_at"


READ: dict[LogKind, Callable[[Device], tuple[QuerySet[Any], str]]] = {
    LogKind.ATTEMPTS: _attempts,
    LogKind.ORDERS: _orders,
    LogKind.SESSIONS: _sessions,
    LogKind.RUNS: _runs,
    LogKind.UNREAD: _unread,
}

"""What is hot keeps its power until it has cooled down: our own device is told so, for it cannot know."""

import datetime as dt

from django.db.models import Q, QuerySet

from iot.heat import is_hot, is_left_hot
from iot.models import AccessSession, DeviceCommand, DriverKind, MachineAccess, ReportedState
from iot.orders import COMMANDED, order

# The device goes on for so long without hearing of it again.
HOLDS = dt.timedelta(minutes=15)
AGAIN_AFTER = dt.timedelta(minutes=10)
LASTS = dt.timedelta(minutes=2)


def is_cooling(
    session: AccessSession, state: ReportedState | None, access: MachineAccess | None, now: dt.datetime
) -> bool:
    """Whether the machine is hot and its fan is waited for: not for ever, since a heater that was left on never cools.

    One query, none while it is cool.
    """
    if state is None or not is_hot(state, now):
        return False
    due = session.until
    if access is not None and access.idle_off_after:
        due = min(due, max(state.since or session.allowed_at, session.allowed_at) + access.idle_off_after)
    return not is_left_hot(state, now, due=due)


def cools_first(session: AccessSession, now: dt.datetime) -> bool:
    """Whether its device ends it by itself, once it has cooled down. A few queries, none without such a device."""
    if session.device is None or session.device.kind != DriverKind.FABLAB:
        return False
    state = ReportedState.objects.filter(machine=session.machine_id).first()
    return is_cooling(session, state, MachineAccess.objects.filter(machine=session.machine_id).first(), now)


def was_told_hot(session: AccessSession, now: dt.datetime) -> bool:
    """Whether the session's device has said that it knows. One query."""
    told = _told(session, now).filter(is_done=True).first()
    return told is not None and bool(told.data["hot_s"])


def _told(session: AccessSession, now: dt.datetime) -> QuerySet[DeviceCommand]:
    """What the device was told of heat, the newest first; what it refused or never answered in time, it does not
    know."""
    rows = DeviceCommand.objects.filter(
        Q(is_done=True) | Q(answered_at=None, expires_at__gt=now),
        device=session.device_id, kind=DeviceCommand.Kind.ENABLE, created_at__gt=now - HOLDS,
    )  # fmt: skip
    return rows.filter(data__session_id=session.reference, data__hot_s__isnull=False).order_by("-pk")


def tell_heat(session: AccessSession, *, now: dt.datetime) -> None:
    """Tell the session's device that the machine is hot, or that it no longer is. A few queries."""
    device = session.device
    if device is None or device.kind != DriverKind.FABLAB or device.revoked_at is not None:
        return
    if session.ended_at is not None or session.energised_at is None:
        return
    told = _told(session, now).first()
    was_hot = told is not None and bool(told.data["hot_s"])
    hot = cools_first(session, now)
    is_due = hot and (not was_hot or told is None or now - told.created_at >= AGAIN_AFTER)
    if not (is_due or (was_hot and not hot)) or _is_another_pending(session, now):
        return
    data = {"session_id": session.reference, "hot_s": int(HOLDS.total_seconds()) if hot else 0}
    order(device=device, kind=DeviceCommand.Kind.ENABLE, data=data, by=None, now=now, lasts=LASTS)


def _is_another_pending(session: AccessSession, now: dt.datetime) -> bool:
    """Of orders that switch only the newest is sent: this one must not take the place of another."""
    rows = DeviceCommand.objects.filter(device=session.device, answered_at=None, expires_at__gt=now)
    return rows.filter(kind__in=[str(kind) for kind in COMMANDED]).exists()

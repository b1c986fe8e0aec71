"""Where a badge reader of another make stands at a machine, the machine's plug is its relay."""

import datetime as dt

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from iot.device_services import DeviceError
from iot.heat import is_left_hot
from iot.models import AccessSession, Device, DeviceCommand, DriverKind, ReportedState
from iot.orders import COMMANDED, can_order, order

NO_PLUGS = (DriverKind.FABLAB, DriverKind.RFID)
# A plug that was left on when its session ended is looked at for this long: a print may take a weekend.
LATE = dt.timedelta(days=3)


def switch_plugs(session: AccessSession, *, is_on: bool, now: dt.datetime, is_for_safety: bool = False) -> None:
    """Switch the plugs of the session's machine with it, when its reader has no relay of its own; never off while the
    machine works, unless it is for safety."""
    if session.device is None or session.device.kind != DriverKind.RFID:
        return
    kind = DeviceCommand.Kind.ENABLE if is_on else DeviceCommand.Kind.DISABLE
    for device in Device.objects.filter(machine=session.machine_id, revoked_at=None).select_related("machine"):
        if device.kind in NO_PLUGS or not can_order(device, kind):
            continue
        _switch(device, kind, now, is_for_safety=is_for_safety)


def _switch(device: Device, kind: DeviceCommand.Kind, now: dt.datetime, *, is_for_safety: bool = False) -> None:
    try:
        order(device=device, kind=kind, by=None, now=now, is_for_safety=is_for_safety)
    except DeviceError:
        # A machine that can hurt is not switched on by a plug, badge or no badge; one that works or is hot is not cut.
        return


def left_on(*, now: dt.datetime) -> list[Device]:
    """The plugs of machines that nobody has any more, and that were left on: it worked or was hot when its session
    ended, or the plug was out of reach and is heard again. One query."""
    theirs = AccessSession.objects.filter(machine=OuterRef("machine"), device__kind=DriverKind.RFID)
    late = theirs.filter(ended_at__gt=now - LATE)
    switching = DeviceCommand.objects.filter(device=OuterRef("pk"), kind__in=[str(kind) for kind in COMMANDED])
    rows = Device.objects.filter(revoked_at=None, machine__isnull=False).exclude(kind__in=NO_PLUGS)
    rows = rows.exclude(Exists(AccessSession.objects.filter(machine=OuterRef("machine"), ended_at=None)))
    rows = rows.annotate(missed_at=Subquery(_missed(switching, now).values("expires_at")[:1]))
    was_on = Q(Exists(late.filter(ended_at__gte=OuterRef("commanded_at"))), commanded="enabled")
    is_back = Q(Exists(late), missed_at__isnull=False, last_seen_at__gt=F("missed_at"))
    return list(rows.filter(was_on | is_back).select_related("machine"))


def _missed(switching: QuerySet[DeviceCommand], now: dt.datetime) -> QuerySet[DeviceCommand]:
    """The newest of these orders, if it was to switch off and nobody heard it."""
    later = switching.model.objects.filter(
        device=OuterRef("device"), kind__in=[str(kind) for kind in COMMANDED], pk__gt=OuterRef("pk")
    )
    rows = switching.filter(kind=DeviceCommand.Kind.DISABLE, answered_at=None, created_at__gt=now - LATE)
    return rows.filter(expires_at__lte=now).exclude(Exists(later))


def switch_off(device: Device, *, now: dt.datetime) -> None:
    """Off, if the machine neither works nor is hot; all the same when its heater was left on and nobody comes."""
    last = AccessSession.objects.filter(machine=device.machine_id, ended_at__isnull=False).order_by("-ended_at").first()
    due = now if last is None or last.ended_at is None else min(last.ended_at, last.until)
    state = ReportedState.objects.filter(machine=device.machine_id).first()
    _switch(device, DeviceCommand.Kind.DISABLE, now, is_for_safety=is_left_hot(state, now, due=due))

"""Laptops and public computers hear of their reservations: from the desk, from a phone, from the clock alike.

Only they: what has a relay is opened by whoever stands at it, and what leaves the place is no seat, since out of reach
it would lock itself in the hands of somebody whose loan was extended. A seat that the team locked stays locked.
Registered by `iot.apps`.
"""

import datetime as dt
import logging
import math
from typing import Any

from django.db.models import QuerySet
from django.dispatch import receiver
from django.utils import timezone

from fablab.lib.jobs import periodic
from iot.access.sessions import SEAT, State, end_access, one_at_a_time, open_access, prolong, start_access
from iot.access.time_for import outage_denials
from iot.access.words import SAFETY_INPUT
from iot.device_services import DeviceError
from iot.models import AccessSession, Device, DeviceCommand, DriverKind, MachineAccess, StopReason
from iot.orders import COMMANDED, order
from machines.models import Machine
from people.models import Person
from people.permissions import is_staff
from reservations.lent import leaves_the_place
from reservations.models import HeldUnit, Reservation, Status
from reservations.signals import reservation_changed
from reservations.wishes import companions_of

log = logging.getLogger(__name__)

Kind = DeviceCommand.Kind
# A computer that is switched off is told when it is back; the order names its session, and is refused by any other.
OFF_LASTS = dt.timedelta(hours=24)
# What was told just now is on its way: an order, or the answer to a badge.
ON_ITS_WAY = dt.timedelta(seconds=20)
# For less nobody's screen is unlocked again.
LEAST_LEFT = dt.timedelta(seconds=30)
# What a seat refused so often is looked after by somebody.
TRIES = 5


def seat_devices() -> QuerySet[Device]:
    """Our agents that say that they lock a screen, and that were not shut out."""
    rows = Device.objects.filter(kind=DriverKind.FABLAB, revoked_at=None, machine__isnull=False)
    return rows.filter(capabilities__contains=[SEAT]).order_by("-is_online", "pk")


@receiver(reservation_changed, dispatch_uid="iot.seats")
def hear_changed(reservation: Reservation, by: Person | None, now: dt.datetime, **_news: Any) -> None:
    """Each seat that it holds is opened, told another end, or locked. One query where it holds none."""
    held = HeldUnit.objects.filter(reservation=reservation).values("unit")
    for machine_id, device in _by_machine(seat_devices().filter(machine__unit__in=held)).items():
        _try_to_settle(machine_id, device, reservation.pk, by, now)


@periodic("* * * * *")
def look_at_seats() -> None:
    sweep_seats(now=timezone.now())


def sweep_seats(*, now: dt.datetime) -> None:
    """Find what was missed: a seat whose time has come since, one that has not answered, one that has been lifted.

    A late, skipped or doubled sweep changes nothing but when. Four queries and one for each seat in use, one without
    seats.
    """
    devices = _by_machine(seat_devices())
    if not devices:
        return
    running = HeldUnit.objects.filter(
        unit__machine__in=devices, is_holding=True, reservation__status=Status.IN_USE, reservation__end__gt=now
    ).order_by("-reservation__start")
    rows = dict(running.values_list("unit__machine", "reservation"))
    opened = AccessSession.objects.filter(machine__in=devices, ended_at=None)
    is_open = dict(opened.values_list("machine", "reservation"))
    for machine_id, reservation_id in rows.items():
        if is_open.get(machine_id) != reservation_id:
            _try_to_settle(machine_id, devices[machine_id], reservation_id, None, now)
    active = opened.filter(state=State.ACTIVE, until__gt=now, reservation__isnull=False)
    for session in active.select_related("device"):
        try:
            _tell_again(session, _device_of(session, devices[session.machine_id]), now)
        except DeviceError as error:
            log.warning("%s is not told again: %s", session.machine_id, error.code)


def _by_machine(devices: QuerySet[Device]) -> dict[int, Device]:
    found: dict[int, Device] = {}
    for device in devices:
        found.setdefault(device.machine_id or 0, device)
    return found


def _try_to_settle(machine_id: int, device: Device, reservation_id: int, by: Person | None, now: dt.datetime) -> None:
    try:
        _settle(machine_id, device, reservation_id, by, now)
    except Exception:
        # One seat that cannot be told must not keep the seven others of a workshop locked.
        log.exception("%s was not told of its reservation", device.slug)


def _settle(machine_id: int, device: Device, reservation_id: int, by: Person | None, now: dt.datetime) -> None:
    with one_at_a_time(machine_id):
        # As it is now: what was told last may have been overtaken.
        reservation = Reservation.objects.with_places().select_related("holder").get(pk=reservation_id)
        session = open_access(machine_id)
        runs = reservation.status == Status.IN_USE and reservation.end > now
        if session is None or session.reservation_id != reservation_id:
            if runs and _may_begin(machine_id, reservation, session, now):
                _begin(machine_id, device, reservation, session, by, now)
        elif not runs:
            _leave(session, _device_of(session, device), now)
        elif session.until != reservation.end:
            prolong(session, until=reservation.end)
            _tell(session, _device_of(session, device), now)


def _may_begin(machine_id: int, reservation: Reservation, open_now: AccessSession | None, now: dt.datetime) -> bool:
    """Not what somebody else still has, what needs somebody at the seat itself, or what ended before its time."""
    machine = Machine.objects.with_places().get(pk=machine_id)
    if machine.category.is_lent or leaves_the_place(reservation) or machine.risk >= 1:
        return False
    if MachineAccess.objects.filter(machine=machine).exclude(needs_button=False, needs_two_people=False).exists():
        return False
    other = open_now.reservation if open_now is not None else None
    if other is not None and other.status in (Status.CONFIRMED, Status.IN_USE) and other.end > now:
        return False
    earlier = AccessSession.objects.filter(machine=machine, reservation=reservation).order_by("-allowed_at").first()
    # Its end had come, and was moved after all. Whoever left otherwise, or was locked out, begins anew themselves.
    may_again = earlier is None or earlier.stop_reason == StopReason.BOOKING_END
    if not may_again or (earlier is not None and reservation.end - now < LEAST_LEFT):
        return False
    return all(denial.code != SAFETY_INPUT for denial in outage_denials(machine, now))


def _begin(
    machine_id: int,
    device: Device,
    reservation: Reservation,
    before: AccessSession | None,
    by: Person | None,
    now: dt.datetime,
) -> None:
    machine = Machine.objects.get(pk=machine_id)
    session = start_access(
        machine=machine, device=device, access=_access(machine_id), person=_who_sits(reservation, by),
        until=reservation.end, now=now, reservation=reservation,
    )  # fmt: skip
    if before is not None and before.state == State.ACTIVE and before.until > now:
        # A seat refuses whoever comes while it still has somebody: the next look opens it.
        _send_off(before, _device_of(before, device), StopReason.TAKEOVER, now)
    else:
        _tell(session, device, now)


def _device_of(session: AccessSession, device: Device) -> Device:
    """The seat that it began at, while there are two of the machine; the seat, where a reader beside it let them in."""
    own = session.device
    return own if own is not None and own.revoked_at is None and SEAT in own.capabilities else device


def screen_device(machine: Machine) -> Device | None:
    """The agent of the seat's screen, not a reader beside it: the one where somebody sits, while there are two of the
    machine. One that has not said yet what it has is taken for it where there is no other. Two queries at most."""
    device = seat_devices().filter(machine=machine).first()
    if device is not None:
        session = open_access(machine.pk)
        return _device_of(session, device) if session is not None else device
    rows = Device.objects.filter(machine=machine, kind=DriverKind.FABLAB, revoked_at=None)
    return rows.order_by("-is_online", "pk").first()


def _access(machine_id: int) -> MachineAccess:
    return MachineAccess.objects.filter(machine=machine_id).first() or MachineAccess(machine_id=machine_id)


def _who_sits(reservation: Reservation, by: Person | None) -> Person | None:
    """Whoever checked themselves in; whom the desk checked in, the holder. None for a ticket without a name."""
    holder = reservation.holder if reservation.holder_takes_part else None
    if by is None or by == reservation.holder:
        return by or holder
    if by in companions_of(reservation):
        return by
    is_of_the_team = reservation.team is not None and reservation.team.memberships.filter(person=by).exists()
    return by if is_of_the_team and not is_staff(by, reservation) else holder


def _leave(session: AccessSession, device: Device, now: dt.datetime) -> None:
    """The lab knows that they left; the seat locks when it hears of it."""
    reason = StopReason.BOOKING_END if session.until <= now else StopReason.NORMAL
    was_on = session.state == State.ACTIVE
    end_access(session, at=min(now, max(session.until, session.allowed_at)), reason=reason, now=now)
    if was_on:
        _send_off(session, device, reason, now)


def _send_off(session: AccessSession, device: Device, reason: StopReason, now: dt.datetime) -> None:
    data = {"when_idle": True, "reason": str(reason), "session_id": session.reference}
    order(device=device, kind=Kind.DISABLE, data=data, by=None, now=now, lasts=OFF_LASTS)


def _tell(session: AccessSession, device: Device, now: dt.datetime) -> None:
    """Unlock until the session's end, or another end for what is unlocked. Nothing that the team locked."""
    if session.state == State.ACTIVE and not _is_locked_by_the_team(device) and session.until > now:
        order(device=device, kind=Kind.ENABLE, data=_told(session, now), by=None, now=now, lasts=session.until - now)


def _told(session: AccessSession, now: dt.datetime) -> dict[str, Any]:
    """Seconds and not an hour: the seat counts them by the lab's clock, whatever its own says. No name: an order is
    kept for longer than somebody's file may be."""
    return {
        "session_id": session.reference,
        "most_s": max(1, math.ceil((session.until - now).total_seconds())),
        "warn_s": int(_access(session.machine_id).warn_before.total_seconds()),
    }


def _is_locked_by_the_team(device: Device) -> bool:
    return device.is_locked or device.commanded == COMMANDED[Kind.LOCK]


def _tell_again(session: AccessSession, device: Device, now: dt.datetime) -> None:
    """What waits for a computer that is off grants what is left by now; what it has not heard of is told anew."""
    mine = DeviceCommand.objects.filter(device=device, kind=Kind.ENABLE, data__session_id=session.reference)
    waiting = mine.filter(answered_at=None, expires_at__gt=now, data__has_key="most_s")
    if waiting.exists():
        waiting.update(data=_told(session, now))
        return
    if session.energised_at is not None or now - session.allowed_at < ON_ITS_WAY or mine.filter(is_done=True).exists():
        return
    refused = list(mine.filter(is_done=False).order_by("-pk")[:TRIES])
    if len(refused) >= TRIES:
        return
    with one_at_a_time(session.machine_id):
        fresh = open_access(session.machine_id)
        if fresh is None or fresh.pk != session.pk:
            return
        if refused and refused[0].answer == "busy" and not _was_sent_off_since(device, refused[0]):
            data = {"when_idle": True, "reason": StopReason.TAKEOVER.value}
            order(device=device, kind=Kind.DISABLE, data=data, by=None, now=now)
        else:
            _tell(fresh, device, now)


def _was_sent_off_since(device: Device, refused: DeviceCommand) -> bool:
    return DeviceCommand.objects.filter(device=device, kind=Kind.DISABLE, pk__gt=refused.pk).exists()

"""What devices tell about access after the fact: that power is on, that somebody left, that they decided themselves."""

import datetime as dt
import logging

from django.db import transaction

from iot.access.sessions import State, end_access, energise, one_at_a_time, open_access
from iot.device_services import DeviceError
from iot.lifting import void_lifts
from iot.models import AccessAttempt, AccessSession, Device, DeviceCommand, MachineAccess, StopReason
from iot.orders import order
from iot.protocol import Access, Event
from machines.closing_services import lock_out
from machines.models import Machine, Outage
from people.badges import digest_in
from people.models import Badge
from reservations.errors import ReservationError
from reservations.life import check_in
from reservations.models import Reservation
from reservations.selectors import to_start_at

log = logging.getLogger(__name__)

ENDS = {"stop", "de_energised"}
# A device that is away is told when it is back: the order names its session, and is refused once that is over.
OFF_LASTS = dt.timedelta(hours=24)


def told_event(device: Device, told: Event, at: dt.datetime, now: dt.datetime) -> None:
    """What an event means for who has the machine. `device` comes with its machine; `at` is by our clock."""
    machine = device.machine
    if machine is None:
        return
    if told.event == "safety_input" or (told.event == "stop" and told.reason == StopReason.EMERGENCY_STOP):
        _stopped_for_safety(device, told, at, now)
    if not told.session_id:
        return
    with one_at_a_time(machine.pk):
        rows = AccessSession.objects.select_related("machine", "reservation")
        session = rows.filter(reference=told.session_id, machine=machine).first()
        if session is None:
            return
        if session.ended_at is not None:
            if told.event == "energised":
                _switch_off_again(device, session, now)
        elif told.event == "energised":
            energise(session, at=at, now=now)
        elif told.event in ENDS:
            end_access(session, at=at, reason=_reason(told), now=now)


def _switch_off_again(device: Device, session: AccessSession, now: dt.datetime) -> None:
    """The button was pressed when the time for it was over: nobody has the machine, and power is on."""
    data = {"session_id": session.reference, "reason": StopReason.IDLE_TIMEOUT.value, "when_idle": True}
    if Outage.objects.filter(machine=session.machine, kind=Outage.Kind.LOCK_OUT).holding_at(now).exists():
        # Nobody may begin there: what works is cut, as the safety input cut it.
        data |= {"reason": StopReason.SAFETY_INPUT.value, "at_once": True}
    try:
        order(device=device, kind=DeviceCommand.Kind.DISABLE, data=data, by=None, now=now, lasts=OFF_LASTS)
    except DeviceError as error:
        log.warning("%s stays on after its session: %s", device.slug, error.code)


def _reason(told: Event) -> StopReason:
    return StopReason(told.reason) if told.reason in StopReason.values else StopReason.NORMAL


def _stopped_for_safety(device: Device, told: Event, at: dt.datetime, now: dt.datetime) -> None:
    """A human lifts it: no report that all is well again does."""
    assert device.machine is not None  # asked by the caller
    is_emergency = told.reason == StopReason.EMERGENCY_STOP
    # Its kind says it in every language; which input it was stands in the device's log.
    lock_out(machine=device.machine, reason="", at=min(at, now), now=now)
    void_lifts(device.machine, now=now)
    with one_at_a_time(device.machine.pk):
        session = open_access(device.machine.pk)
        # What was stopped before this one began does not end it.
        if session is not None and session.allowed_at <= at:
            reason_code = StopReason.EMERGENCY_STOP if is_emergency else StopReason.SAFETY_INPUT
            end_access(session, at=at, reason=reason_code, now=now)


def told_offline(device: Device, asked: Access, at: dt.datetime) -> None:
    """The device let somebody in, or not, by its roster: written down as it was. The credential is a mark by now."""
    machine = device.machine
    badge = Badge.objects.filter(digest=digest_in(asked.credential)).select_related("person").first()
    person, is_allowed, session = badge.person if badge else None, asked.decided == "allowed", None
    if machine is None:
        return
    known = AccessAttempt.objects.filter(device=device, request_id=asked.request_id).first()
    if known is not None:
        if not is_allowed:
            _turned_away(machine, known, at)
        return
    if is_allowed and asked.session_id:
        with one_at_a_time(machine.pk):
            before = open_access(machine.pk)
            is_over = before is not None and before.allowed_at > at
            if before is not None and not is_over:
                end_access(before, at=at, reason=StopReason.TAKEOVER, now=at, is_handed_on=True)
            session = _session_of(device, asked, badge, before, at, is_over=is_over)
    AccessAttempt.objects.create(
        device=device, request_id=asked.request_id, kind=asked.kind, at=at, person=person, session=session,
        is_allowed=is_allowed, codes=[] if is_allowed else ["offline"],
    )  # fmt: skip


def _turned_away(machine: Machine, attempt: AccessAttempt, at: dt.datetime) -> None:
    """Our yes came too late: the device no longer waited for it. What the yes began is over before power came."""
    with one_at_a_time(machine.pk):
        session = AccessSession.objects.filter(attempts=attempt, ended_at=None, energised_at=None).first()
        earlier = AccessAttempt.objects.filter(session=session, pk__lt=attempt.pk)
        if attempt.is_allowed and session is not None and not earlier.exists():
            end_access(session, at=at, reason=StopReason.IDLE_TIMEOUT, now=at)


def _session_of(
    device: Device,
    asked: Access,
    badge: Badge | None,
    before: AccessSession | None,
    at: dt.datetime,
    *,
    is_over: bool,
) -> AccessSession:
    """`is_over`: somebody has begun since; what was decided out of reach is history."""
    assert device.machine is not None  # asked by the caller
    person = badge.person if badge is not None else None
    reservation = to_start_at(device.machine, person, at, ahead=dt.timedelta(0)) if person is not None else None
    access = MachineAccess.objects.filter(machine=device.machine).first() or MachineAccess(machine=device.machine)
    if reservation is not None:
        check_in_seen(reservation, at)
    session, _is_new = AccessSession.objects.get_or_create(
        reference=asked.session_id,
        defaults={
            "machine": device.machine, "device": device, "person": person, "reservation": reservation,
            "state": State.ACTIVE, "allowed_at": at, "until": reservation.end if reservation else at + access.walk_up,
            "is_offline": True,
            "took_over": before if before and not is_over and before.person_id != (person and person.pk) else None,
        } | ({"state": State.ENDED, "ended_at": at, "stop_reason": StopReason.TAKEOVER} if is_over else {}),
    )  # fmt: skip
    return session


def check_in_seen(reservation: Reservation, at: dt.datetime) -> None:
    """Whoever let themselves in out of reach was there: their time is not given to others."""
    try:
        with transaction.atomic():
            check_in(reservation=reservation, now=at)
    except ReservationError:
        # It ended meanwhile, or began otherwise.
        return

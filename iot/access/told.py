"""What devices tell about access after the fact: that power is on, that somebody left, that they decided themselves."""

import datetime as dt
import logging

from django.db import transaction

from iot.access.followers import follow
from iot.access.sessions import State, end_access, energise, one_at_a_time, open_access, tell_end
from iot.capabilities import cuts_unseen
from iot.device_services import DeviceError
from iot.lifting import void_lifts
from iot.models import AccessAttempt, AccessSession, Device, DeviceCommand, MachineAccess, StopReason
from iot.orders import order
from iot.protocol import Access, Event
from machines.closing_services import lock_out
from machines.models import Outage
from people.badges import digest_in
from people.models import Badge
from reservations.errors import ReservationError
from reservations.life import check_in
from reservations.models import Reservation
from reservations.selectors import to_start_at

log = logging.getLogger(__name__)

# By a team-mate, or by the team over a refusal.
HANDED_ON = (StopReason.TAKEOVER, StopReason.SUPERVISOR)
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


def _switch_off_again(
    device: Device, session: AccessSession, now: dt.datetime, reason: StopReason = StopReason.IDLE_TIMEOUT
) -> None:
    """The button was pressed when the time for it was over, or the device never heard that somebody left: nobody has
    the machine, and power is on."""
    data = {"session_id": session.reference, "reason": str(reason), "when_idle": True}
    is_for_safety = Outage.objects.filter(machine=session.machine, kind=Outage.Kind.LOCK_OUT).holding_at(now).exists()
    if is_for_safety:
        # Nobody may begin there: what works is cut, as the safety input cut it.
        data |= {"reason": StopReason.SAFETY_INPUT.value, "at_once": True}
    kind = DeviceCommand.Kind.DISABLE
    # One that does not see the work is told once it is over.
    waits = cuts_unseen(device) and not is_for_safety
    try:
        order(
            device=device, kind=kind, data=data, by=None, now=now, lasts=OFF_LASTS, is_for_safety=is_for_safety,
            waits_for_rest=waits,
        )  # fmt: skip
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
            _turned_away(device, known, at)
        return
    if is_allowed and asked.session_id:
        with one_at_a_time(machine.pk):
            before = open_access(machine.pk)
            is_over = before is not None and before.allowed_at > at
            if before is not None and not is_over:
                end_access(before, at=at, reason=StopReason.TAKEOVER, now=at, is_handed_on=True)
            session = _session_of(device, asked, badge, before, at, is_over=is_over)
            if session.ended_at is None:
                # Nothing else does: for the lab it never waited for power.
                follow(machine, is_on=True, now=at)
    written = {
        "kind": asked.kind, "at": at, "person": person, "session": session, "is_allowed": is_allowed,
        "codes": [] if is_allowed else ["offline"],
    }  # fmt: skip
    # The lab may be writing its own answer down just now: it is waited for, and the batch goes on.
    known, is_new = AccessAttempt.objects.get_or_create(
        device=device, request_id=asked.request_id, defaults=written
    )  # fmt: skip
    if not is_new and not is_allowed:
        _turned_away(device, known, at)


def _turned_away(device: Device, attempt: AccessAttempt, at: dt.datetime) -> None:
    if attempt.is_allowed and attempt.answer and attempt.session_id is not None:
        take_back(device, attempt.session_id, attempt, leaves=not attempt.answer.get("most_s"), at=at)


def take_back(device: Device, session_id: int, attempt: AccessAttempt, *, leaves: bool, at: dt.datetime) -> None:
    """Our yes came too late: the device no longer waited for it, and goes on as before. What the yes began is over
    before power came; that somebody left (`leaves`), or has more time, the device is told by an order."""
    machine_id = device.machine_id or 0
    with one_at_a_time(machine_id):
        session = AccessSession.objects.select_related("machine", "reservation", "device").get(pk=session_id)
        if leaves:
            _switch_off_again(device, session, at, StopReason(session.stop_reason or StopReason.NORMAL))
        elif session.ended_at is not None:
            return
        elif session.energised_at is not None:
            tell_end(session, now=at)
        elif not AccessAttempt.objects.filter(session=session, pk__lt=attempt.pk).exists():
            end_access(session, at=at, reason=StopReason.IDLE_TIMEOUT, now=at)
            _switch_off_before(device, session, at)


def _switch_off_before(device: Device, session: AccessSession, at: dt.datetime) -> None:
    """Whoever this one took the machine from is over at the lab, and still has power."""
    rows = AccessSession.objects.filter(machine=session.machine_id, ended_at=session.allowed_at).exclude(pk=session.pk)
    before = rows.filter(energised_at__isnull=False, stop_reason__in=HANDED_ON).first()
    if before is not None:
        _switch_off_again(device, before, at, StopReason(before.stop_reason))


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

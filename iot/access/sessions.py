"""Access sessions: opened, energised, prolonged, taken over, ended. One at a time for each machine."""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from fablab.lib.live import announce_machines
from iot.access.cooling import is_cooling, tell_heat
from iot.access.followers import follow, is_needed, left_running, stop_follower
from iot.access.idle import WARNS_BEFORE, is_unwarned, warn_of_rest
from iot.access.plugs import left_on, switch_off, switch_plugs
from iot.device_services import DeviceError
from iot.models import (
    AccessSession,
    Device,
    DeviceCommand,
    DriverKind,
    MachineAccess,
    ReportedState,
    StopReason,
    UsageSession,
    UseState,
)
from iot.orders import LASTS, granted_until, order
from machines.closing_services import declare_outage
from machines.errors import MachinesError
from machines.models import Machine, Outage
from people.models import Person
from reservations.errors import ReservationError
from reservations.life import finish_reservation
from reservations.models import Origin, Reservation, Status

log = logging.getLogger(__name__)

State = AccessSession.State
# What the device waits for the button, and some time to say so.
WAITS = dt.timedelta(seconds=45)
# Where no device stands, the second person takes out their phone first: see `iot.manual_pairs`.
WAITS_BY_HAND = dt.timedelta(minutes=5)
# A machine that is not heard any more may still work; after this long nobody waits for it.
UNKNOWN_AT_MOST = dt.timedelta(hours=12)
FOR_SAFETY = frozenset({StopReason.EMERGENCY_STOP, StopReason.SAFETY_INPUT})
# After the end the device has this long to say that it ended; then nobody waits for it.
TELLS_WITHIN = dt.timedelta(minutes=2)
LOCK_SPACE = 7_213_020
WAITING = (State.WAITING_SECOND, State.WAITING_BUTTON)
# What an agent says that it has on a laptop or a public computer.
SEAT = "seat"


@contextmanager
def one_at_a_time(machine_id: int) -> Iterator[None]:
    """Within a transaction: nobody else opens or ends a session of this machine meanwhile. Measured values go on."""
    with transaction.atomic():
        lock_access([machine_id])
        yield


def lock_access(machine_ids: Iterable[int]) -> None:
    """Until the transaction ends; before any row is locked, so that everybody locks in the same order."""
    with connection.cursor() as cursor:
        for machine_id in sorted(set(machine_ids)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, machine_id % 2**31])


def open_access(machine_id: int) -> AccessSession | None:
    """The session that is open at the machine, if any. One query."""
    rows = AccessSession.objects.filter(machine=machine_id, ended_at=None)
    return rows.select_related("person", "reservation", "device").first()


def start_access(
    *,
    machine: Machine,
    device: Device | None,
    access: MachineAccess,
    person: Person | None,
    until: dt.datetime,
    now: dt.datetime,
    reservation: Reservation | None = None,
    overridden: tuple[str, ...] = (),
) -> AccessSession:
    """Somebody may begin now; whoever had it is taken over from, both recorded. Within `one_at_a_time`.

    It waits for a second person or for the button where the machine asks for it. A seat that their check-in has opened
    just now is theirs: see `iot.seats`. `person` is None for a ticket without a name.
    """
    before = open_access(machine.pk)
    if before is not None and _is_opened_already(before, person, reservation, now):
        return _taken_up(before, device, person, until)
    if before is not None:
        reason = StopReason.SUPERVISOR if overridden else StopReason.TAKEOVER
        end_access(before, at=now, reason=reason, now=now, is_handed_on=True)
    session = AccessSession.objects.create(
        machine=machine, device=device, person=person, reservation=reservation, allowed_at=now, until=until,
        state=_first_state(access, is_override=bool(overridden)), overridden=list(overridden),
        took_over=before if before is not None and before.person != person else None,
    )  # fmt: skip
    if session.state == State.ACTIVE:
        _switch_on(session, now)
    announce_machines([machine.pk])
    return session


def _is_opened_already(
    before: AccessSession, person: Person | None, reservation: Reservation | None, now: dt.datetime
) -> bool:
    if reservation is None or before.reservation_id != reservation.pk or before.state != State.ACTIVE:
        return False
    return _is_seat(before) and (before.allowed_at == now or (before.person == person and before.until > now))


def _is_seat(session: AccessSession) -> bool:
    return session.device is not None and SEAT in session.device.capabilities


def _taken_up(
    session: AccessSession, device: Device | None, person: Person | None, until: dt.datetime
) -> AccessSession:
    """The answer to their badge says all that the order would have said."""
    if device is not None and device.pk == session.device_id:
        _withdraw_orders(session)
    session.person = person
    session.save(update_fields=["person"])
    if session.until != until:
        prolong(session, until=until)
    return session


def _withdraw_orders(session: AccessSession) -> None:
    """Those that let its device go on and were not sent yet."""
    orders = DeviceCommand.objects.filter(device=session.device_id, kind=DeviceCommand.Kind.ENABLE, sent_at=None)
    orders.filter(data__session_id=session.reference, data__has_key="most_s").delete()


def _switch_on(session: AccessSession, now: dt.datetime) -> None:
    follow(session.machine, is_on=True, now=now)
    switch_plugs(session, is_on=True, now=now)


def _first_state(access: MachineAccess, *, is_override: bool) -> str:
    if access.needs_two_people and not is_override:
        return State.WAITING_SECOND
    return State.WAITING_BUTTON if access.needs_button else State.ACTIVE


def add_second_person(session: AccessSession, *, second: Person, access: MachineAccess, now: dt.datetime) -> None:
    """The other one of two is there."""
    session.second_person = second
    session.state = State.WAITING_BUTTON if access.needs_button else State.ACTIVE
    session.save(update_fields=["second_person", "state"])
    if session.state == State.ACTIVE:
        _switch_on(session, now)
    announce_machines([session.machine_id])


def energise(session: AccessSession, *, at: dt.datetime, now: dt.datetime) -> None:
    """The device says that power is on: the button was pressed."""
    if session.ended_at is not None or session.energised_at is not None:
        return
    was_waiting = session.state != State.ACTIVE
    session.state, session.energised_at = State.ACTIVE, max(at, session.allowed_at)
    session.save(update_fields=["state", "energised_at"])
    if was_waiting:
        _switch_on(session, now)
    announce_machines([session.machine_id])


def prolong(session: AccessSession, *, until: dt.datetime) -> None:
    """Another end for it. Where it has that end already, whoever asks for it at the machine is answered there."""
    if until == session.until:
        _withdraw_orders(session)
    session.until, session.warned_at = until, None
    session.save(update_fields=["until", "warned_at"])
    announce_machines([session.machine_id])


def end_access(
    session: AccessSession, *, at: dt.datetime, reason: StopReason, now: dt.datetime, is_handed_on: bool = False
) -> None:
    """It ends, once. Side effects in order: the row; what follows it goes off; what nobody reserved before is given
    back; the machine waits to be checked where it is asked for; the boards are told."""
    if session.ended_at is not None:
        return
    was_on = session.state == State.ACTIVE
    session.state, session.stop_reason = State.ENDED, reason
    session.ended_at = max(at, session.allowed_at)
    session.save(update_fields=["state", "stop_reason", "ended_at"])
    _void_orders(session, now)
    machine = session.machine
    if was_on and not is_handed_on:
        follow(machine, is_on=False, now=now)
        switch_plugs(session, is_on=False, now=now, is_for_safety=reason in FOR_SAFETY)
    _give_back(session, reason, now)
    was_used = was_on and not was_never_begun(session)
    if was_used and not is_handed_on and MachineAccess.objects.filter(machine=machine, is_checked_after=True).exists():
        _to_be_checked(machine, now)
    announce_machines([machine.pk])


def _void_orders(session: AccessSession, now: dt.datetime) -> None:
    """More time for a session that is over would open its machine to whoever stands there."""
    waiting = DeviceCommand.objects.filter(device=session.device_id, kind=DeviceCommand.Kind.ENABLE, answered_at=None)
    waiting = waiting.filter(data__session_id=session.reference, expires_at__gt=now, created_at__lt=now)
    waiting.update(expires_at=now)


def was_never_begun(session: AccessSession) -> bool:
    """Whether power never came, whatever it ended for: our agent says when power is on."""
    if session.energised_at is not None:
        return False
    return session.device is not None and session.device.kind == DriverKind.FABLAB


def _give_back(session: AccessSession, reason: StopReason, now: dt.datetime) -> None:
    """What was reserved at the machine ends with it; what was reserved before only when they say so themselves."""
    reservation = session.reservation
    if reservation is None or reservation.status not in (Status.CONFIRMED, Status.IN_USE):
        return
    is_leaving = reservation.origin == Origin.WALK_UP or reason == StopReason.NORMAL
    if not is_leaving or reservation.end <= now:
        return
    try:
        with transaction.atomic():
            finish_reservation(reservation=reservation, now=now)
    except ReservationError:
        # Ended or given away by somebody else meanwhile: nothing is left to give back.
        return


def _to_be_checked(machine: Machine, now: dt.datetime) -> None:
    try:
        declare_outage(machine=machine, kind=Outage.Kind.TO_CHECK, reason="", start=now, by=None, now=now)
    except MachinesError:
        # It is out of service already, for more than this.
        return


def sweep_access(*, now: dt.datetime) -> int:
    """End what waited too long, what is over and what has been idle for too long; how many. Never what works: it may
    go on until it is idle. A late, skipped or doubled sweep changes nothing but when."""
    ended = 0
    rows = AccessSession.objects.filter(ended_at=None).select_related("machine__access", "machine__reported", "device")
    for row in rows.order_by("pk"):
        try:
            ended += _swept(row, now)
        except Exception:
            # One that cannot be ended must not keep all the others open.
            log.exception("%s could not be ended", row)
    _switch_off_late(now)
    _stop_followers(now)
    return ended


def _stop_followers(now: dt.datetime) -> None:
    for device, machine_ids in left_running():
        with transaction.atomic():
            # One of its machines may begin just now: it is waited for, and then seen.
            lock_access(machine_ids)
            if not is_needed(device):
                stop_follower(device, now=now)


def _switch_off_late(now: dt.datetime) -> None:
    for device in left_on(now=now):
        machine_id = device.machine_id or 0
        with one_at_a_time(machine_id):
            # Somebody may have come meanwhile.
            if open_access(machine_id) is None:
                switch_off(device, now=now)


def _swept(row: AccessSession, now: dt.datetime) -> int:
    with one_at_a_time(row.machine_id):
        session = AccessSession.objects.select_related("machine", "reservation", "device").get(pk=row.pk)
        _follow_reservation(session, now)
        tell_heat(session, now=now)
        access = getattr(row.machine, "access", None)
        reason = _reason_to_end(session, access, now)
        if is_unwarned(session, _reason_to_end(session, access, now + WARNS_BEFORE), now):
            warn_of_rest(session, now=now)
        if session.ended_at is not None or reason is None or is_unwarned(session, reason, now):
            return 0
        try:
            _tell_device(session, reason, now)
        except DeviceError:
            # A print that is paused works, and its device would cut it: it goes on.
            return 0
        if not _is_nobody_telling(session, reason, now):
            return 0
        end_access(session, at=now, reason=reason, now=now)
        return 1


def _follow_reservation(session: AccessSession, now: dt.datetime) -> None:
    """What was extended, shortened or given back on a page holds at the machine too, and the device is told."""
    reservation = session.reservation
    if reservation is None or session.ended_at is not None or session.is_offline:
        return
    is_over = reservation.status not in (Status.CONFIRMED, Status.IN_USE)
    until = min(reservation.end, now) if is_over else reservation.end
    if until == session.until or (is_over and session.until <= now):
        return
    prolong(session, until=until)
    tell_end(session, now=now)


def tell_end(session: AccessSession, *, now: dt.datetime) -> None:
    """Order its device of ours to go on until the session's end; one that is out of reach hears of it once it is
    back."""
    if session.state != State.ACTIVE or session.until <= now or not _takes_orders(session) or session.device is None:
        return
    # It may have ended out of reach: what is over does not begin anew by this.
    data = {"session_id": session.reference, "only_running": True} | granted_until(session.until, now)
    lasts = max(LASTS, session.until - now)
    order(device=session.device, kind=DeviceCommand.Kind.ENABLE, data=data, by=None, now=now, lasts=lasts)


def _reason_to_end(session: AccessSession, access: MachineAccess | None, now: dt.datetime) -> StopReason | None:
    if session.ended_at is not None:
        return None
    if session.state in WAITING:
        waits = WAITS if session.device_id is not None else WAITS_BY_HAND
        return StopReason.IDLE_TIMEOUT if now - session.allowed_at > waits else None
    state = ReportedState.objects.filter(machine=session.machine_id).first()
    # Its last word was that it works: whether it still does, nobody knows while it is not heard.
    if state is not None and state.state == UseState.BUSY:
        return None
    if state is not None and state.state == UseState.UNKNOWN and state.is_metered:
        return StopReason.AGENT_LOST if now - session.until > UNKNOWN_AT_MOST else None
    if is_cooling(session, state, access, now) or _is_begun_by_hand(session):
        # Its fan goes on until it has cooled down. What was begun on a phone ends there, whatever a device said once.
        return None
    if session.until <= now:
        return StopReason.BOOKING_END
    # A seat cannot tell whether somebody works at it.
    idle_after = access.idle_off_after if access is not None and not _is_seat(session) else None
    since = max(state.since, session.allowed_at) if state is not None and state.since else session.allowed_at
    is_idle = state is not None and state.state in (UseState.IDLE, UseState.OFF)
    return StopReason.IDLE_TIMEOUT if idle_after and is_idle and now - since > idle_after else None


def _is_begun_by_hand(session: AccessSession) -> bool:
    if session.device_id is not None:
        return False
    return UsageSession.objects.filter(machine=session.machine_id, source="manual", end=None).exists()


def _is_nobody_telling(session: AccessSession, reason: StopReason, now: dt.datetime) -> bool:
    """Whether the device will not say itself that it ended: it is not there, or it had its time."""
    device = session.device
    if session.state in WAITING or device is None or not _takes_orders(session) or device.is_silent(now):
        return True
    return reason == StopReason.BOOKING_END and now - session.until > TELLS_WITHIN


def _tell_device(session: AccessSession, reason: StopReason, now: dt.datetime) -> None:
    device = session.device
    if device is None or session.state in WAITING or not _takes_orders(session):
        return
    pending = DeviceCommand.objects.filter(device=device, kind="disable", created_at__gt=now - TELLS_WITHIN)
    if not pending.filter(data__session_id=session.reference).exists():
        # One that works again meanwhile is not told to end once it has finished.
        is_patient = reason != StopReason.IDLE_TIMEOUT
        data = {"when_idle": is_patient, "reason": str(reason), "session_id": session.reference}
        order(device=device, kind=DeviceCommand.Kind.DISABLE, data=data, by=None, now=now, lasts=TELLS_WITHIN)


def _takes_orders(session: AccessSession) -> bool:
    device = session.device
    return device is not None and device.revoked_at is None and device.kind == DriverKind.FABLAB

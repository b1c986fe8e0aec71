"""Use of a machine that no device watches: begun and ended on a phone, by whoever stands at it.

A claim of use, of whatever risk: nothing is switched and no order is sent. A photographed square read at home starts
nothing but the account of somebody's time, under the rules of the booking page.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from fablab.lib.denials import Denial
from fablab.lib.live import announce_machines
from iot.access.sessions import one_at_a_time
from iot.access.time_for import standing_denials, time_for
from iot.access.words import SECOND_PHONE
from iot.manual_pairs import end_pair, second_came, wait_for_second, waiting_for
from iot.models import AccessSession, Device, MachineAccess, StopReason, UsageSession
from iot.sessions import close_session, locked_states, open_session
from iot.why_ended import reason_at_end
from machines.closing_services import declare_outage
from machines.errors import MachinesError
from machines.models import Machine, Outage
from people.errors import NotAllowed, WrongState
from people.models import Person
from people.permissions import is_staff
from reservations.errors import ReservationError, ReservationRefused
from reservations.life import finish_reservation
from reservations.models import Origin, Reservation, Status

# Nobody is at a machine for longer: what has no reservation to end with ends then.
LONGEST = dt.timedelta(hours=12)
MANUAL = UsageSession.Source.MANUAL
BY_YOU = gettext_lazy("You have started it already. End it first to begin anew.")
BY_SOMEBODY = gettext_lazy("It is written down as in use. If nobody is at it, ask the team to end that use.")
HAS_DEVICE = gettext_lazy("This machine has a device of its own, which sees when it runs.")
IS_OVER = gettext_lazy("This use has ended already.")
NOT_YOURS = gettext_lazy("Only whoever started it, or the team, ends it.")


def start_manual(machine: Machine, person: Person, now: dt.datetime) -> UsageSession:
    """The person says that they begin at the machine. No power is switched and no device is told.

    Side effects in order: an earlier use whose time is over ends; the reservation checked in, or one made on the spot
    by the rules of reserving; the usage session opened. Where two people are asked for, the first one's reservation
    waits five minutes for the second, who may use it too and says so on their own phone: the use is the first one's.

    Raises:
        ReservationRefused: with every reason, as for a badge at a reader; `second_phone` while the second is awaited.
        WrongState: `has_device`, or `in_use` when one is open.
    """
    if Device.objects.filter(machine=machine, revoked_at=None).exists():
        raise WrongState("has_device", HAS_DEVICE)
    _end_what_is_over(UsageSession.objects.filter(machine=machine), now)
    _check_nobody_uses_it(machine, person)
    access = MachineAccess.objects.filter(machine=machine).first() or MachineAccess(machine=machine)
    first = waiting_for(machine, person, now) if access.needs_two_people else None
    if first is not None:
        return _begun_by_two(machine, first, person, now)
    # Of its own: a refusal stays recorded, and nobody waits for the machine's row meanwhile.
    reservation = time_for(machine=machine, access=access, person=person, now=now)
    if access.needs_two_people:
        wait_for_second(machine, person, reservation, now)
        announce_machines([machine.pk])
        raise ReservationRefused([Denial(SECOND_PHONE)])
    try:
        session = _begun(machine, person, reservation, now)
    except WrongState:
        _give_back(reservation, now)
        raise
    announce_machines([machine.pk])
    return session


def _begun(machine: Machine, person: Person, reservation: Reservation, now: dt.datetime) -> UsageSession:
    with transaction.atomic():
        locked_states([machine.pk])
        _check_nobody_uses_it(machine, person)
        return _opened(machine, person, reservation, now)


def _begun_by_two(machine: Machine, first: AccessSession, second: Person, now: dt.datetime) -> UsageSession:
    """The use is the first one's; the second is asked what a reader asks of them."""
    if denials := standing_denials(machine, second, now):
        raise ReservationRefused(denials)
    if first.person is None or first.reservation is None:
        raise WrongState("in_use", BY_SOMEBODY)
    with one_at_a_time(machine.pk):
        if not second_came(first, second, now):
            raise WrongState("in_use", BY_SOMEBODY)
        session = _begun(machine, first.person, first.reservation, now)
    announce_machines([machine.pk])
    return session


def stop_manual(session: UsageSession, by: Person, now: dt.datetime) -> UsageSession:
    """Whoever started it has finished, or the team says so for them.

    Side effects in order: the session closed and its hours counted; a time that was reserved on the spot given back;
    the machine waits to be checked where that is asked for.

    Raises:
        NotAllowed: `not_yours`.
        WrongState: `is_over`.
    """
    if by.pk != session.person_id and not is_staff(by, session.machine):
        raise NotAllowed("not_yours", NOT_YOURS)
    reason = StopReason.NORMAL if by.pk == session.person_id else StopReason.SUPERVISOR
    ended = _end(session, at=now, reason=reason, now=now)
    if ended is None:
        raise WrongState("is_over", IS_OVER)
    return ended


def sweep_manual(*, now: dt.datetime) -> int:
    """End what was forgotten, when its reservation did; how many. Safe to repeat or to skip."""
    return _end_what_is_over(UsageSession.objects.all(), now)


def open_manual(machine: Machine) -> UsageSession | None:
    """The use that is open at the machine by hand, if any. One query."""
    rows = UsageSession.objects.filter(machine=machine, source=MANUAL, end=None)
    return rows.select_related("person", "machine__unit__site", "reservation").first()


def _check_nobody_uses_it(machine: Machine, person: Person) -> None:
    running = UsageSession.objects.filter(machine=machine, end=None).first()
    if running is not None:
        raise WrongState("in_use", BY_YOU if running.person_id == person.pk else BY_SOMEBODY)


def _opened(machine: Machine, person: Person, reservation: Reservation, now: dt.datetime) -> UsageSession:
    session = open_session(machine_id=machine.pk, at=now, source=MANUAL, person=person)
    # Whoever stands there, also where somebody else holds the time: it is they who said so.
    session.person, session.reservation, session.team = person, reservation, reservation.team
    session.save(update_fields=["person", "reservation", "team"])
    return session


def _end_what_is_over(rows: QuerySet[UsageSession], now: dt.datetime) -> int:
    is_over = Q(reservation__end__lte=now) | Q(reservation=None, start__lte=now - LONGEST)
    ended = 0
    found = rows.filter(is_over, source=MANUAL, end=None)
    for row in found.select_related("reservation", "machine__category", "machine__unit__site").order_by("pk"):
        at, reason = row.start + LONGEST, StopReason.BOOKING_END
        if row.reservation is not None:
            at, reason = row.reservation.end, reason_at_end(row.machine, row.reservation, row.reservation.end)
        ended += _end(row, at=at, reason=reason, now=now) is not None
    return ended


def _end(session: UsageSession, *, at: dt.datetime, reason: StopReason, now: dt.datetime) -> UsageSession | None:
    """Closed once; None when it was already."""
    with transaction.atomic():
        locked_states([session.machine_id])
        rows = UsageSession.objects.filter(pk=session.pk, source=MANUAL, end=None)
        fresh = rows.select_related("machine__unit__site", "reservation").first()
        if fresh is None:
            return None
        fresh.last_busy_at = max(at, fresh.start)
        close_session(fresh, at=at, reason=reason)
        end_pair(fresh.machine_id, at=at, reason=reason)
    if fresh.reservation is not None:
        _give_back(fresh.reservation, now)
    if MachineAccess.objects.filter(machine=fresh.machine_id, is_checked_after=True).exists():
        _to_be_checked(fresh.machine, now)
    announce_machines([fresh.machine_id])
    return fresh


def _give_back(reservation: Reservation, now: dt.datetime) -> None:
    """What was reserved on the spot ends with the use; what was reserved before is theirs until they say so."""
    if reservation.origin != Origin.WALK_UP or reservation.status != Status.IN_USE or reservation.end <= now:
        return
    try:
        with transaction.atomic():
            finish_reservation(reservation=reservation, now=now)
    except ReservationError:
        # Ended or given away by somebody else meanwhile: nothing is left to give back.
        return


def _to_be_checked(machine: Machine, now: dt.datetime) -> None:
    with override("fr"):
        reason = _("to be looked at after use")
    try:
        declare_outage(machine=machine, kind=Outage.Kind.TO_CHECK, reason=reason, start=now, by=None, now=now)
    except MachinesError:
        # It is out of service already, for more than this.
        return

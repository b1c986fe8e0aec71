"""Whether somebody may begin at a machine now, and until when: their reservation, or one made on the spot by the very
rules of the booking page."""

import datetime as dt

from django.db.models import Q

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from iot.access.words import NO_RESERVATION, PREVIOUS_TO_CHECK, SAFETY_INPUT
from iot.models import MachineAccess
from machines.models import Machine, Outage
from people.models import Person
from reservations.availability import free_time
from reservations.check_in_rules import check_in_denials, person_denials
from reservations.errors import ReservationRefused, WrongState
from reservations.life import CHECK_IN_OPENS, check_in
from reservations.models import HeldUnit, Origin, Reservation, Status
from reservations.refusals import record_refusal
from reservations.rules import Code, Purpose
from reservations.services import reserve_unexplained
from reservations.wishes import Wish


def standing_denials(machine: Machine, person: Person, now: dt.datetime) -> list[Denial]:
    """What stands in the way whatever the time: qualification, suspension, signatures, age; and the machine itself."""
    return outage_denials(machine, now) + person_denials(machine, person, now)


def outage_denials(machine: Machine, now: dt.datetime) -> list[Denial]:
    """Locked for safety, or to be checked first. Other outages are answered by the rules of reserving."""
    kinds = set(Outage.objects.filter(machine=machine).holding_at(now).values_list("kind", flat=True))
    if Outage.Kind.LOCK_OUT in kinds:
        return [Denial(SAFETY_INPUT)]
    return [Denial(PREVIOUS_TO_CHECK)] if Outage.Kind.TO_CHECK in kinds else []


def time_for(*, machine: Machine, access: MachineAccess, person: Person, now: dt.datetime) -> Reservation:
    """The reservation under which the person begins now, checked in; made on the spot where they have none.

    Raises:
        ReservationRefused: with every reason, those of `iot.access.words` among them.
    """
    mine = _own(machine, person, now)
    # Who reserves on the spot is asked the rules of the person with all the others.
    is_made_now = mine is None and bool(access.walk_up)
    if denials := outage_denials(machine, now) if is_made_now else standing_denials(machine, person, now):
        raise ReservationRefused(denials)
    if mine is None:
        mine = _reserved_now(machine, access, person, now)
    elif mine.start > now:
        _check_nobody_is_before(mine, machine, now)
    if denials := [] if mine.status == Status.IN_USE else check_in_denials(mine, person, now):
        raise ReservationRefused(denials)
    try:
        return check_in(reservation=mine, now=now, by=person)
    except WrongState:
        # It was given away between the two questions.
        raise ReservationRefused([Denial(NO_RESERVATION)]) from None


def _own(machine: Machine, person: Person, now: dt.datetime) -> Reservation | None:
    """Held by the person, by somebody who brings them, or by a team of theirs; one that runs before one that begins."""
    # By what it holds: who leads a workshop holds eight computers with one reservation. Mostly there is none at all.
    here = HeldUnit.objects.filter(
        unit=machine.unit_id,
        is_holding=True,
        reservation__status__in=[Status.CONFIRMED, Status.IN_USE],
        reservation__start__lte=now + CHECK_IN_OPENS,
        reservation__end__gt=now,
    )
    keys = list(here.values_list("reservation", flat=True))
    if not keys:
        return None
    theirs = Q(holder=person) | Q(participants__person=person) | Q(team__memberships__person=person)
    rows = Reservation.objects.filter(theirs, pk__in=keys)
    return rows.select_related("machine", "holder", "team", "site").order_by("start", "pk").first()


def _check_nobody_is_before(mine: Reservation, machine: Machine, now: dt.datetime) -> None:
    """Before its own time a reservation opens the machine only while nobody else has it."""
    held = HeldUnit.objects.filter(
        unit=machine.unit_id, is_holding=True, period__contains=now, reservation__status=Status.IN_USE
    )
    other = held.exclude(reservation=mine).values_list("reservation__start", "reservation__end").first()
    if other is not None:
        facts = {"start": other[0], "end": other[1], "zone": mine.site.zone}
        raise ReservationRefused([Denial(Code.TAKEN, facts)])


def _reserved_now(machine: Machine, access: MachineAccess, person: Person, now: dt.datetime) -> Reservation:
    if not access.walk_up:
        raise ReservationRefused([Denial(NO_RESERVATION)])
    wish = Wish(
        machine, now, _walk_up_end(machine, access, now), person, person, origin=Origin.WALK_UP, purpose=Purpose.START
    )
    try:
        return reserve_unexplained(wish, now)
    except ReservationRefused as refusal:
        # Recorded like every refusal; other times are not looked for: a display has one line.
        record_refusal(machine, wish.asked, refusal.denials, person, Origin.WALK_UP, now)
        raise


def _walk_up_end(machine: Machine, access: MachineAccess, now: dt.datetime) -> dt.datetime:
    """As long as it is free, at most what a walk-up is given and what the machine allows at a time."""
    until = now + min(access.walk_up, machine.booking.longest)
    for free in free_time([machine], Interval(now, until)):
        if free.interval.start <= now:
            return free.interval.end
    return until

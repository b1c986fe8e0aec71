"""What stands in the way of somebody who is there and wants to begin."""

import datetime as dt

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person
from reservations.facts import standing_facts
from reservations.models import Reservation
from reservations.rules import RISK_OF_INJURY, Purpose
from reservations.rules_of_people import age_limit, qualification, rules_unsigned, supervision_required, suspended
from reservations.wishes import Wish, companions_of

SHORTEST_USE = dt.timedelta(minutes=1)
ASKED_OF_THEM = (qualification, suspended, rules_unsigned, age_limit)


def check_in_denials(reservation: Reservation, by: Person, now: dt.datetime) -> list[Denial]:
    """Every reason why this person cannot begin now: nobody watches over a risky machine; or they come in the
    holder's place, and may not use it themselves."""
    return [*_of_the_machine(reservation, now), *_of_the_person(reservation, by, now)]


def _of_the_machine(reservation: Reservation, now: dt.datetime) -> list[Denial]:
    machine = reservation.machine
    if machine is None or machine.risk < RISK_OF_INJURY:
        return []
    wish = Wish(
        machine, reservation.start, reservation.end, reservation.holder, None, purpose=Purpose.START,
        companions=companions_of(reservation), holder_takes_part=reservation.holder_takes_part,
    )  # fmt: skip
    facts = wish.facts(now, ignoring=reservation)
    return supervision_required(facts, Interval(max(now, reservation.start), reservation.end), now)


def _of_the_person(reservation: Reservation, by: Person, now: dt.datetime) -> list[Denial]:
    """Of the holder this was asked when they reserved."""
    machine = reservation.machine
    if machine is None or by.pk == reservation.holder_id:
        return []
    return _asked_of(by, machine, Interval(max(now, reservation.start), reservation.end), now)


def person_denials(machine: Machine, person: Person, now: dt.datetime) -> list[Denial]:
    """What the person lacks for this machine, whatever the time: qualification, signatures, age, suspension."""
    return _asked_of(person, machine, Interval(now, now + SHORTEST_USE), now)


def _asked_of(person: Person, machine: Machine, asked: Interval, now: dt.datetime) -> list[Denial]:
    facts = standing_facts(machine=machine, holder=person, at=now)
    return [denial for rule in ASKED_OF_THEM for denial in rule(facts, asked, now)]

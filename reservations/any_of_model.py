"""Any of a model: machines of one model at one site stand in for each other, the least worn first."""

import datetime as dt
from dataclasses import replace

from machines.models import Machine
from machines.selectors import machines_of_model
from reservations.errors import ReservationRefused
from reservations.models import Reservation
from reservations.rules import reservation_denials
from reservations.services import explain_refusal, reserve_unexplained
from reservations.wishes import Wish


def reserve_any_of_model(wish: Wish, now: dt.datetime) -> Reservation:
    """Reserve the least worn machine of the model that the rules allow; `wish.machine` is one of them.

    Each is tried in turn by the same way as a single one, so that a lost race goes on to the next. When all refuse,
    one refusal is recorded: that of whichever has the fewest reasons, with alternatives.

    Raises:
        NotOfTheTeam: as `create_reservation`.
        ReservationRefused: with the reasons of that machine.
    """
    refusals: list[tuple[Wish, ReservationRefused]] = []
    for machine in machines_of_model(wish.machine):
        tried = replace(wish, machine=machine)
        try:
            return reserve_unexplained(tried, now)
        except ReservationRefused as refusal:
            refusals.append((tried, refusal))
    nearest, final = min(refusals, key=lambda pair: len(pair[1].denials))
    explain_refusal(nearest, final, now)
    raise final


def likely_machine(wish: Wish, now: dt.datetime) -> Machine:
    """Which of the model would be taken now; the one with the fewest reasons against when none. Nothing is recorded."""
    counted: list[tuple[int, Machine]] = []
    for machine in machines_of_model(wish.machine):
        facts = replace(wish, machine=machine).facts(now)
        denials = reservation_denials(facts=facts, start=wish.start, end=wish.end, now=now)
        if not denials:
            return machine
        counted.append((len(denials), machine))
    return min(counted, key=lambda pair: pair[0])[1]

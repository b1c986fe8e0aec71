"""Many at once for the same companion: they are promised to one of them. On a real database, with real commits."""

import pytest
from django.conf import settings

from reservations.errors import ReservationRefused
from reservations.models import Participant, Reservation
from reservations.participants import set_participants
from reservations.services import create_reservation, move_reservation
from tests.factories import NOW, at, make_machine, make_person, make_site, make_team, minutes, reserve
from tests.reservations.test_races import at_once, deadlocks

pytestmark = [
    pytest.mark.serial,
    # Naming the apps makes Django empty tables with CASCADE: the partitioned readings are not its own.
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

ROUNDS = 5
TEN = at("2026-03-14 10:00")


class Lab:
    """Two who each reserve a machine of their own, and one whom both would like to come along."""

    def __init__(self):
        site = make_site()
        self.holders, self.bo = [make_person(), make_person()], make_person()
        self.team = make_team(site=site, members=[*self.holders, self.bo])
        self.machines = [make_machine(site=site), make_machine(site=site)]

    def pairs(self):
        return zip(self.machines, self.holders, strict=True)

    def alone(self, start):
        return [
            reserve(machine=machine, start=start, end=start + minutes(60), holder=holder, team=self.team)
            for machine, holder in self.pairs()
        ]


def outcomes_of(found):
    """How many got what they wanted, and why the others did not."""
    refused = [outcome for outcome in found if isinstance(outcome, ReservationRefused)]
    made = [outcome for outcome in found if isinstance(outcome, Reservation)]
    return len(made), [[str(denial.code) for denial in refusal.denials] for refusal in refused]


def test_two_reservations_with_the_same_companion_make_one_winner():
    lab, before = Lab(), deadlocks()

    for round_number in range(ROUNDS):
        start = TEN + minutes(60 * round_number)
        found = at_once([
            lambda m=machine, h=holder, s=start: create_reservation(
                machine=m, start=s, end=s + minutes(60), holder=h, by=h, now=NOW, team=lab.team, companions=[lab.bo]
            )
            for machine, holder in lab.pairs()
        ])  # fmt: skip

        assert outcomes_of(found) == (1, [["person_busy"]])

    assert Participant.objects.filter(person=lab.bo).count() == ROUNDS
    assert deadlocks() == before


def test_one_companion_named_later_by_two_at_once_goes_with_one():
    lab = Lab()

    for round_number in range(ROUNDS):
        booked = lab.alone(TEN + minutes(60 * round_number))
        found = at_once([
            lambda b=row: set_participants(reservation=b, people=[lab.bo], holder_takes_part=True, by=b.holder, now=NOW)
            for row in booked
        ])  # fmt: skip

        assert outcomes_of(found) == (1, [["person_busy"]])

    assert Participant.objects.filter(person=lab.bo).count() == ROUNDS


def test_naming_somebody_while_it_moves_onto_their_other_time_leaves_them_at_one_place():
    lab = Lab()

    for round_number in range(ROUNDS):
        start = TEN + minutes(180 * round_number)
        first, _second = lab.alone(start)
        later = start + minutes(60)
        reserve(machine=make_machine(), start=later, end=later + minutes(60), holder=lab.bo)
        at_once([
            lambda b=first: set_participants(
                reservation=b, people=[lab.bo], holder_takes_part=True, by=b.holder, now=NOW
            ),
            lambda b=first, s=later: move_reservation(
                reservation=b, start=s, end=s + minutes(60), by=b.holder, now=NOW
            ),
        ])  # fmt: skip

        first.refresh_from_db()
        comes = Participant.objects.filter(reservation=first, person=lab.bo).exists()
        assert not (comes and first.start == later)

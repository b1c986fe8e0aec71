"""Any of a model: the least worn that is free, one refusal when none is."""

import pytest

from machines.models import Machine
from machines.selectors import machines_of_model
from people.models import Role
from reservations.any_of_model import likely_machine, reserve_any_of_model
from reservations.errors import ReservationRefused
from reservations.models import Refusal
from reservations.wishes import Wish
from tests.factories import NOW, at, make_category, make_machine, make_outage, make_site, make_staff, reserve

pytestmark = pytest.mark.django_db
START, END = at("14:00"), at("15:00")


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def person(site):
    return make_staff(site=site, role=Role.MEMBER)


@pytest.fixture
def three(site) -> list[Machine]:
    """Worn for 30, 10 and 20 hours."""
    category = make_category()
    return [make_machine(site=site, category=category, model_name="MK4", used_s=hours * 3600) for hours in (30, 10, 20)]


def wish(machine, person):
    return Wish(machine, START, END, person, person)


def test_machines_of_a_model_come_by_their_wear(three, site):
    make_machine(site=site, model_name="Other")
    make_machine(site=make_site(), model_name="MK4")
    make_machine(site=site, model_name="MK4", retired_at=NOW)

    assert machines_of_model(three[0]) == [three[1], three[2], three[0]]


def test_machine_without_a_model_stands_for_itself(site):
    make_machine(site=site)
    alone = make_machine(site=site)

    assert machines_of_model(alone) == [alone]


def test_least_worn_that_is_free_is_taken(three, person):
    make_outage(machine=three[1])

    made = reserve_any_of_model(wish(three[0], person), NOW)

    assert made.machine == three[2]
    assert not Refusal.objects.exists(), "nobody was refused"


def test_each_next_one_takes_the_next_machine(three, site):
    people = [make_staff(site=site, role=Role.MEMBER) for _ in range(3)]

    made = [reserve_any_of_model(wish(three[0], person), NOW).machine for person in people]

    assert made == [three[1], three[2], three[0]]


def test_refusal_is_recorded_once_with_alternatives(three, person, site):
    for machine in three:
        reserve(machine=machine, start=START, end=END)

    with pytest.raises(ReservationRefused) as refused:
        reserve_any_of_model(wish(three[0], person), NOW)

    assert [denial.code for denial in refused.value.denials] == ["taken"]
    assert refused.value.alternatives
    assert Refusal.objects.count() == 1


def test_likely_machine_is_looked_for_without_a_trace(three, person):
    make_outage(machine=three[1])

    assert likely_machine(wish(three[0], person), NOW) == three[2]
    for machine in three:
        make_outage(machine=machine)
    assert likely_machine(wish(three[0], person), NOW) in three
    assert not Refusal.objects.exists()

"""Something lent, as the tests of loans begin with it."""

import datetime as dt

import pytest

from machines.parts import set_parts
from people.models import Role
from reservations.loans import hand_over
from reservations.models import Condition
from tests.factories import at, every_day, make_category, make_machine, make_person, make_site, make_staff, reserve

WEDNESDAY_TEN, THURSDAY_TEN = at("10:00"), at("2026-03-12 10:00")


@pytest.fixture
def site():
    return make_site(hours=every_day("10:00", "19:00"))


@pytest.fixture
def kind():
    return make_category(is_lent=True, longest=dt.timedelta(days=14))


@pytest.fixture
def laptop(site, kind):
    return make_machine(site=site, category=kind, name="Laptop 1")


@pytest.fixture
def kit(site, kind):
    """A case with a camera and a tripod that leave with it, and a charger of the desk that stays."""
    case = make_machine(site=site, category=kind, name="Case")
    parts = [make_machine(site=site, name=name) for name in ("Camera", "Tripod")]
    charger = make_machine(site=site, name="Charger")
    set_parts(whole=case.unit, exclusive=[part.unit for part in parts], shared=[charger.unit])
    return case


@pytest.fixture
def mediator(site):
    return make_staff(site=site, role=Role.MEDIATOR)


@pytest.fixture
def borrowed(laptop):
    """From Wednesday ten to Thursday ten."""
    return reserve(machine=laptop, start=WEDNESDAY_TEN, end=THURSDAY_TEN, holder=make_person())


@pytest.fixture
def out(borrowed, laptop, mediator):
    return hand_over(reservation=borrowed, conditions={laptop.pk: Condition.GOOD}, by=mediator, now=WEDNESDAY_TEN)

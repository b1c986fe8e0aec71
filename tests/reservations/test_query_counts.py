"""How many statements a reservation costs, whatever the number of machines and the years behind."""

import pytest

from machines.models import Machine
from reservations.errors import ReservationRefused
from reservations.models import Reservation
from tests.factories import (
    at,
    grant,
    make_category,
    make_machine,
    make_person,
    make_qualification,
    make_site,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

# The person's other reservations are asked twice: before the locks and under them.
MOST_TO_CREATE = 20
MOST_TO_REFUSE = 20


@pytest.fixture(params=[3, 60], ids=["3 machines", "60 machines"])
def machine(request):
    """One of several twins that want a qualification."""
    site, category = make_site(), make_category(qualification=make_qualification(), cleanup_buffer=minutes(15))
    for _ in range(request.param):
        made = make_machine(site=site, category=category)
        reserve_without_rules(made)
    return Machine.objects.with_places().get(pk=made.pk)


def reserve_without_rules(machine):
    """Twenty reservations of the past, as rows."""
    days = [at("2026-02-01 10:00") + minutes(60 * 24 * day) for day in range(20)]
    Reservation.objects.bulk_create(
        Reservation(
            site=machine.site, machine=machine, start=day, end=day + minutes(60),
            booked_start=day, booked_end=day + minutes(60),
            status="completed", created_at=day,
        )
        for day in days
    )  # fmt: skip


@pytest.fixture
def holder(machine):
    person = make_person()
    grant(person=person, qualification=machine.category.qualification)
    return person


def test_creating_takes_few_queries(machine, holder, django_assert_max_num_queries):
    with django_assert_max_num_queries(MOST_TO_CREATE):
        reserve(machine=machine, start=at("10:00"), end=at("11:00"), holder=holder)


def test_refusing_with_alternatives_takes_few_queries(machine, holder, django_assert_max_num_queries):
    other = make_person()
    grant(person=other, qualification=machine.category.qualification)
    reserve(machine=machine, start=at("10:00"), end=at("11:00"), holder=other)

    with django_assert_max_num_queries(MOST_TO_REFUSE), pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=at("10:00"), end=at("11:00"), holder=holder)

    assert len(refused.value.alternatives) == 3

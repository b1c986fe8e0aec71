"""Who is here: arriving twice is once, leaving can be undone, a forgotten visit ends by itself."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from people.models import AgeBand, Visit
from people.visits import LONGEST_STAY, arrive, arrive_unnamed, come_back, end_forgotten_visits, leave
from tests.factories import NOW, make_person, make_site, minutes

pytestmark = pytest.mark.django_db


def test_arriving_twice_is_one_visit() -> None:
    site, person = make_site(), make_person()

    first = arrive(site=site, person=person, by=None, now=NOW)
    again = arrive(site=site, person=person, by=None, now=NOW + minutes(5))

    person.refresh_from_db()
    assert again == first
    assert person.last_seen_at == NOW


def test_database_refuses_a_second_open_visit() -> None:
    site, person = make_site(), make_person()
    arrive(site=site, person=person, by=None, now=NOW)

    with pytest.raises(IntegrityError, match="visit_open_once"), transaction.atomic():
        Visit.objects.create(site=site, person=person, arrived_at=NOW)


def test_people_without_a_name_are_counted() -> None:
    site = make_site()

    visit = arrive_unnamed(site=site, headcount=4, by=None, now=NOW, age_band=AgeBand.FROM_70)

    assert (visit.person, visit.headcount, visit.age_band) == (None, 4, "soixante_dix_plus")


def test_leaving_twice_keeps_the_first_time_and_can_be_undone() -> None:
    visit = arrive(site=make_site(), person=make_person(), by=None, now=NOW)

    leave(visit=visit, now=NOW + minutes(30))
    leave(visit=visit, now=NOW + minutes(40))
    left_at = visit.left_at
    come_back(visit=visit, now=NOW + minutes(41))

    assert left_at == NOW + minutes(30)
    assert visit.left_at is None


def test_leaving_is_not_undone_over_a_new_visit() -> None:
    site, person = make_site(), make_person()
    visit = arrive(site=site, person=person, by=None, now=NOW)
    leave(visit=visit, now=NOW + minutes(30))
    arrive(site=site, person=person, by=None, now=NOW + minutes(35))

    come_back(visit=visit, now=NOW + minutes(41))

    assert visit.left_at == NOW + minutes(30)


def test_forgotten_visit_ends_without_claiming_hours() -> None:
    visit = arrive(site=make_site(), person=make_person(), by=None, now=NOW)
    recent = arrive(site=make_site(), person=make_person(), by=None, now=NOW + LONGEST_STAY)

    ended = end_forgotten_visits(now=NOW + LONGEST_STAY + dt.timedelta(seconds=1))

    visit.refresh_from_db()
    recent.refresh_from_db()
    assert (ended, visit.left_at, recent.left_at) == (1, NOW, None)

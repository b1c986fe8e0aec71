"""Whose file somebody of the team may open, how people are found, and who is likely on file already."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from people.duplicates import Described, Likeness
from people.models import Person, Site, Visit
from people.selectors import likely_duplicates, matching, people_of, staff_sites, who_is_here
from tests.factories import NOW, give_role, make_machine, make_person, make_staff, make_team, reserve

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


def tied(kind: str, site: Site) -> Person:
    """Somebody known at the site in one way."""
    person = make_person(last_name=f"By {kind}")
    if kind == "role":
        give_role(person=person, site=site)
    elif kind == "visit":
        Visit.objects.create(site=site, person=person, arrived_at=NOW, left_at=NOW)
    elif kind == "reservation":
        reserve(machine=make_machine(site=site), start=NOW + HOUR, end=NOW + 2 * HOUR, holder=person)
    elif kind == "team":
        make_team(site=site, members=[person])
    else:
        person.registered_by = make_staff(site=site)
        person.save()
    return person


@pytest.mark.parametrize("kind", ["role", "visit", "reservation", "team", "registration"])
def test_file_is_open_to_the_team_of_the_site_that_knows_the_person(here, there, mediator, kind):
    known, foreign = tied(kind, here), tied(kind, there)

    seen = set(people_of(mediator))

    assert known in seen
    assert foreign not in seen


def test_who_is_known_nowhere_is_found_by_every_desk_but_no_erased_one_nor_a_superuser(mediator):
    newcomer = make_person()
    make_person(is_superuser=True)
    make_person(erased_at=NOW)

    assert set(people_of(mediator)) == {newcomer, mediator}
    assert set(staff_sites(mediator)) == set(Site.objects.filter(name="Riverside"))


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("lefevre", True),
        ("ÉLODIE LEF", True),
        ("lefevre elodie", True),
        ("d’arc", True),
        ("06 12 34", True),
        ("0612345678", True),
        ("+33 6 12 34 56 78", True),
        ("abcd2345efgh", True),
        ("ABCD 2345 EFGH", True),
        ("ABCD2345", False),
        ("elodie@lab.example", True),
        ("lefebvre", False),
        ("612", False),
        ("   ", False),
        ("%", False),
    ],
)
def test_search_finds_by_name_telephone_card_and_address(text, is_found):
    person = make_person(
        first_name="Élodie", last_name="Lefèvre d'Arc", phone="+33 6 12 34 56 78", card_code="ABCD2345EFGH",
        contact_email="elodie@lab.example",
    )  # fmt: skip
    make_person(first_name="Paul", last_name="Morel", phone="02 99 00 00 00")

    found = list(matching(Person.objects.all(), text))

    assert found == ([person] if is_found else [])


def test_who_is_here_has_a_visit_that_is_not_over(here, there):
    inside, gone, elsewhere = make_person(), make_person(), make_person()
    Visit.objects.create(site=here, person=inside, arrived_at=NOW)
    Visit.objects.create(site=here, person=gone, arrived_at=NOW, left_at=NOW + HOUR)
    Visit.objects.create(site=there, person=elsewhere, arrived_at=NOW)

    assert list(who_is_here(Person.objects.all(), Site.objects.filter(pk=here.pk))) == [inside]


def test_duplicates_come_likeliest_first_in_two_queries():
    near = make_person(first_name="Mary", last_name="Dupont", birth_year=1980)
    same = make_person(first_name="Marie", last_name="Dupont", birth_year=1980)
    make_person(first_name="Marie", last_name="Dupont", birth_year=1950)
    make_person(first_name="Paul", last_name="Dupont", birth_year=1980)

    with CaptureQueriesContext(connection) as queries:
        found = likely_duplicates(Person.objects.all(), Described("Marie", "Dupont", 1980))

    assert [(d.person, d.likeness) for d in found] == [(same, Likeness.SAME), (near, Likeness.NEAR)]
    assert len(queries) == 2


def test_duplicates_of_a_year_that_makes_no_sense_are_none():
    make_person(first_name="Odile", last_name="Faure", birth_year=1948)

    assert likely_duplicates(Person.objects.all(), Described("Ana", "Faure", -5, "")) == []


def test_search_looks_at_no_more_than_120_letters():
    person = make_person(first_name="Odile")

    assert list(matching(Person.objects.all(), "Odile" + " " * 115 + "nobody")) == [person]

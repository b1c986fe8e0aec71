"""Somebody read before they were erased and written after, as by an edit that waited for the erasure's lock: nothing
comes back into the row, since no later erasure would take it out."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress

from people.access import issue_code, reset_card
from people.erasure import erase_person
from people.errors import PeopleError
from people.group_services import add_to_group, create_group
from people.households import leave_household, share_household
from people.models import AccessCode, FileAccess, GroupMembership, Household, Person, RoleGrant, Suspension, Visit
from people.services import grant_role, register_person, suspend_person, update_person
from people.sign_in import give_email_sign_in, take_email_sign_in
from people.teams import create_team, join_team, open_joining
from people.visits import arrive
from tests.factories import NOW, make_person, make_site

pytestmark = pytest.mark.django_db
SAID = "La fiche de cette personne vient d’être effacée."
Write = Callable[[Person, Person], object]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def person() -> Person:
    return make_person(first_name="Odile", last_name="Faure", phone="06 11 22 33 44", contact_email="odile@lab.example")


def _join_a_group(person: Person, by: Person) -> None:
    plan = create_group(kind="plan", name_fr="Mensuel", name_en="Monthly", by=by, now=NOW)
    add_to_group(person=person, group=plan, start=NOW.date(), end=None, by=by, now=NOW)


def _join_a_team(person: Person, by: Person) -> None:
    team = create_team(site=make_site(), name="Robots", by=by, now=NOW)
    join_team(code=open_joining(team=team, by=by), person=person, now=NOW)


WRITES: dict[str, Write] = {
    "contact": lambda who, by: update_person(person=who, by=by, now=NOW, first_name="Odile", phone="06 11 22 33 44"),
    "household": lambda who, by: share_household(person=who, other=make_person(), by=by, now=NOW),
    "household, the other one": lambda who, by: share_household(person=make_person(), other=who, by=by, now=NOW),
    "out of the household": lambda who, by: leave_household(person=who, by=by, now=NOW),
    "code": lambda who, by: issue_code(person=who, by=by, now=NOW),
    "card": lambda who, by: reset_card(person=who, by=by, now=NOW),
    "address to sign in": lambda who, by: give_email_sign_in(person=who, email="odile@lab.example", by=by, now=NOW),
    "card only": lambda who, by: take_email_sign_in(person=who, by=by, now=NOW),
    "role": lambda who, by: grant_role(person=who, site=make_site(), role="member", by=by, now=NOW),
    "suspension": lambda who, by: suspend_person(person=who, reason="Odile was rude", by=by, now=NOW),
    "group": _join_a_group,
    "team": _join_a_team,
    "team of their own": lambda who, by: create_team(site=make_site(), name="Robots of Odile", by=who, now=NOW),
    "visit": lambda who, by: arrive(site=make_site(), person=who, by=by, now=NOW),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_nothing_is_written_about_somebody_erased_meanwhile(person: Person, write: Write) -> None:
    by = make_person(is_superuser=True)
    erase_person(person=Person.objects.get(pk=person.pk), by=None, now=NOW)

    with pytest.raises(PeopleError) as refused:
        write(person, by)

    gone = Person.objects.get(pk=person.pk)
    assert (refused.value.code, str(refused.value)) == ("person_is_gone", SAID)
    assert (gone.first_name, gone.last_name, gone.phone, gone.contact_email, gone.household) == ("", "", "", "", None)
    for rows in (AccessCode, RoleGrant, Suspension, GroupMembership, Visit, FileAccess):
        assert not rows.objects.filter(person=person).exists()
    assert not EmailAddress.objects.filter(user=person).exists()
    assert not person.team_memberships.exists()
    assert not Household.objects.exists()


def test_adult_erased_meanwhile_does_not_become_responsible_for_a_child(person: Person) -> None:
    child = make_person(birth_year=NOW.year - 10, guardian_name="Ana Roy", guardian_phone="06 00 00 00 00")
    by = make_person(is_superuser=True)
    erase_person(person=Person.objects.get(pk=person.pk), by=None, now=NOW)

    with pytest.raises(PeopleError, match=SAID):
        update_person(person=child, by=by, now=NOW, guardian=person, guardian_name="", guardian_phone="")

    child.refresh_from_db()
    assert (child.guardian, child.guardian_name) == (None, "Ana Roy")


def test_child_is_not_registered_with_an_adult_erased_meanwhile(person: Person) -> None:
    by = make_person(is_superuser=True)
    erase_person(person=Person.objects.get(pk=person.pk), by=None, now=NOW)

    with pytest.raises(PeopleError, match=SAID):
        register_person(
            first_name="Nino", last_name="Roy", birth_year=NOW.year - 10, guardian=person, by=by, now=NOW
        )  # fmt: skip

    assert not Person.objects.filter(first_name="Nino").exists()

"""People, their names, suspensions, and what the database refuses."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from people.models import IdempotentRequest, Person, RoleGrant, Suspension, TeamMembership
from people.models.site import validate_time_zone
from tests.factories import NOW, at, give_role, make_person, make_site, make_team, suspend


@pytest.mark.django_db
def test_people_are_sorted_without_accents_or_capitals():
    for last_name in ("Zola", "émile", "Eluard", "de Staël", "Ångström"):
        make_person(first_name="", last_name=last_name)

    assert [person.last_name for person in Person.objects.all()] == ["Ångström", "de Staël", "Eluard", "émile", "Zola"]


@pytest.mark.django_db
@pytest.mark.parametrize("update_fields", [None, ["last_name"]], ids=["whole row", "one field"])
def test_sort_name_follows_the_name(update_fields):
    person = make_person(first_name="Zoé", last_name="Petit")

    person.last_name = "Grand"
    person.save(update_fields=update_fields)

    assert Person.objects.get().sort_name == "grand zoe"


@pytest.mark.django_db
def test_name_that_grows_when_unaccented_is_kept():
    # One character of an Arabic ligature is eighteen without it.
    person = make_person(first_name="ﷺ" * 80, last_name="ß" * 80)

    assert Person.objects.get(pk=person.pk).first_name == "ﷺ" * 80


@pytest.mark.django_db
def test_people_without_email_are_many():
    first, second = make_person(), make_person()

    assert (first.contact_email, second.contact_email) == ("", "")
    assert first.card_code != second.card_code
    assert not first.has_usable_password()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("start", "end", "is_suspended"),
    [
        ("09:00", None, True),
        ("08:00", "09:00", False),
        ("08:00", "09:01", True),
        ("09:01", None, False),
    ],
    ids=["from now", "ends now", "ends later", "begins later"],
)
def test_suspension_holds_from_its_start_until_its_end(start, end, is_suspended):
    person = make_person()
    suspension = suspend(person=person, start=at(start), end=at(end) if end else None)

    assert list(Suspension.objects.holding_at(NOW)) == ([suspension] if is_suspended else [])


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "Paris"])
def test_time_zone_that_does_not_exist_is_refused(name):
    with pytest.raises(ValidationError):
        validate_time_zone(name)


def same_role_twice():
    person, site = make_person(), make_site()
    give_role(person=person, site=site)
    give_role(person=person, site=site)


def same_member_twice():
    team, person = make_team(site=make_site()), make_person()
    TeamMembership.objects.create(team=team, person=person)
    TeamMembership.objects.create(team=team, person=person)


def same_key_twice():
    person = make_person()
    for _ in range(2):
        IdempotentRequest.objects.create(person=person, key="k", fingerprint="f", created_at=NOW)


def unknown_role():
    RoleGrant.objects.create(person=make_person(), site=make_site(), role="king", granted_at=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("role_granted_once", same_role_twice),
        ("role_is_known", unknown_role),
        ("team_member_once", same_member_twice),
        ("idempotency_key_once", same_key_twice),
        ("suspension_ends_after_it_starts", lambda: suspend(person=make_person(), end=NOW)),
        ("people_person_card_code", lambda: [make_person(card_code="AB") for _ in range(2)]),
    ],
)
def test_database_refuses(name, write):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        write()

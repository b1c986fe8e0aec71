"""Who may be registered, given a role or suspended, and how the team changes how somebody signs in."""

import datetime as dt

import pytest
from django.db import IntegrityError
from django.db.models.signals import pre_save
from django.utils import translation

from people.errors import NotAllowed, NotValid, PeopleError, WrongState
from people.households import leave_household, share_household
from people.models import FileAccess, Household, Person, Role, RoleGrant, Site, Suspension, Team
from people.ranks import may_change_access, roles_to_grant
from people.services import (
    create_site,
    grant_role,
    lift_suspension,
    note_access,
    note_accesses,
    register_person,
    revoke_role,
    suspend_person,
    update_person,
)
from people.sign_in import give_email_sign_in, take_email_sign_in
from people.teams import create_team
from tests.factories import NOW, make_person, make_staff

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
Deed = FileAccess.Deed


def deeds_about(person: Person) -> list[str]:
    return list(FileAccess.objects.filter(person=person).order_by("pk").values_list("deed", flat=True))


# --- registration -----------------------------------------------------------------------------------------------


def test_registered_person_is_a_member_who_signs_in_with_the_card_only(here, mediator):
    person = register_person(
        first_name=" Odile ", last_name="Faure", birth_year=1948, town="Redon", by=mediator, now=NOW, site=here
    )

    assert (str(person), person.sort_name, person.joined_at) == ("Odile Faure", "faure odile", NOW)
    assert (person.registered_by, person.has_usable_password()) == (mediator, False)
    assert [(g.role, g.site, g.granted_by) for g in person.role_grants.all()] == [(Role.MEMBER, here, mediator)]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"birth_year": 2015}, "minor_has_a_responsible_adult"),
        ({"birth_year": 2015, "guardian_name": "Ana Roy"}, "guardian_phone_missing"),
        ({"birth_year": 2015, "guardian_name": "Ana Roy", "guardian_phone": "06 11 22 33 44"}, None),
        ({"birth_year": 2009}, "minor_has_a_responsible_adult"),
        ({"birth_year": 2008}, None),
        ({"birth_year": 19}, "birth_year_is_sane"),
        ({"first_name": " ", "last_name": ""}, "no_name"),
        ({"contact_email": "nonsense"}, "invalid"),
        ({}, None),
    ],
    ids=["child alone", "adult without telephone", "adult who can be called", "17 this year", "18 this year",
         "two digits", "no name", "no address", "an adult's age is not asked"],
)  # fmt: skip
def test_registration_asks_what_the_database_holds(here, mediator, fields, code):
    wanted = {"first_name": "Nino", "last_name": "Roy"} | fields
    found = None

    try:
        register_person(**wanted, by=mediator, now=NOW, site=here)
    except NotValid as error:
        found = error.code

    assert found == code
    assert Person.objects.filter(registered_by=mediator).count() == (code is None)


def test_child_may_have_a_responsible_adult_on_file_but_no_other_child(here, mediator):
    adult = make_person(birth_year=1985)

    child = register_person(
        first_name="Nino", last_name="Roy", birth_year=2015, guardian=adult, by=mediator, now=NOW, site=here
    )

    assert list(adult.wards.all()) == [child]
    with translation.override("en"), pytest.raises(NotValid, match="18 or older"):
        register_person(first_name="Lou", last_name="Roy", birth_year=2015, guardian=child, by=mediator, now=NOW)


def test_update_is_noted_and_keeps_what_was_not_named(mediator):
    person = make_person(first_name="Odile", last_name="Faure", town="Redon")

    update_person(person=person, by=mediator, now=NOW, phone="02 99 11 22 33", last_name="Faure-Roy")

    person.refresh_from_db()
    assert (person.phone, person.town, person.sort_name) == ("02 99 11 22 33", "Redon", "faure-roy odile")
    assert deeds_about(person) == [Deed.CHANGED]


def test_site_gets_a_short_name_of_its_own(mediator):
    first = create_site(name="Éclat d’idées", by=mediator, now=NOW)
    second = create_site(name="Éclat d’idées", by=mediator, now=NOW, holiday_country="FR")

    assert (first.slug, second.slug) == ("eclat-didees", "eclat-didees-2")
    with pytest.raises(NotValid) as refused:
        create_site(name="Nowhere", by=mediator, now=NOW, time_zone="Mars/Base")
    assert refused.value.field == "time_zone"


@pytest.mark.parametrize("kind", [Site, Team], ids=["site", "team"])
def test_short_name_taken_at_this_very_moment_is_tried_again(here, mediator, kind):
    tried = []

    def somebody_is_faster(instance, **_signal):
        tried.append(instance.slug)
        if len(tried) == 1:
            raise IntegrityError

    pre_save.connect(somebody_is_faster, sender=kind)
    try:
        if kind is Site:
            create_site(name="Mill", by=mediator, now=NOW)
        else:
            create_team(site=here, name="Mill", by=mediator, now=NOW)
    finally:
        pre_save.disconnect(somebody_is_faster, sender=kind)

    assert tried == ["mill", "mill"]
    assert kind.objects.filter(slug="mill").count() == 1


# --- roles ------------------------------------------------------------------------------------------------------

MEMBERS = [Role.VISITOR, Role.MEMBER]
TEAM = [*MEMBERS, Role.SUPERVISOR, Role.MEDIATOR, Role.FAB_MANAGER]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.MEMBER, []),
        (Role.SUPERVISOR, MEMBERS),
        (Role.MEDIATOR, MEMBERS),
        (Role.FAB_MANAGER, TEAM),
        (Role.ADMINISTRATOR, [*TEAM, Role.ADMINISTRATOR]),
    ],
)
def test_role_gives_what_is_below_it_and_only_at_its_own_site(here, there, role, expected):
    person = make_staff(site=here, role=role)

    assert roles_to_grant(person, here) == expected
    assert roles_to_grant(person, there) == []


def test_grant_given_twice_is_one(here):
    manager, person = make_staff(site=here, role=Role.FAB_MANAGER), make_person()

    grants = [grant_role(person=person, site=here, role=Role.MEDIATOR, by=manager, now=NOW) for _ in range(2)]

    assert grants[0] == grants[1]
    assert (grants[0].granted_by, deeds_about(person)) == (manager, [Deed.CHANGED])


@pytest.mark.parametrize(
    ("case", "code"),
    [("administrator", "role_too_high"), ("other site", "role_too_high"), ("self", "own_role")],
)
def test_manager_cannot_give(here, there, case, code):
    manager, person = make_staff(site=here, role=Role.FAB_MANAGER), make_person()
    wanted = {
        "administrator": {"person": person, "site": here, "role": Role.ADMINISTRATOR},
        "other site": {"person": person, "site": there, "role": Role.MEMBER},
        "self": {"person": manager, "site": here, "role": Role.MEDIATOR},
    }[case]

    with pytest.raises(NotAllowed) as refused:
        grant_role(**wanted, by=manager, now=NOW)

    assert refused.value.code == code
    assert RoleGrant.objects.count() == 1


def test_last_administrator_stays_until_there_is_another(here):
    first = make_staff(site=here, role=Role.ADMINISTRATOR)
    grant = first.role_grants.get()

    with pytest.raises(WrongState) as refused:
        revoke_role(grant=grant, by=first, now=NOW)
    grant_role(person=make_person(), site=here, role=Role.ADMINISTRATOR, by=first, now=NOW)
    revoke_role(grant=grant, by=first, now=NOW)

    assert refused.value.code == "last_administrator"
    assert "Riverside" in str(refused.value)
    assert not first.role_grants.exists()


def test_manager_cannot_take_an_administrators_role(here):
    manager, administrator = (make_staff(site=here, role=role) for role in (Role.FAB_MANAGER, Role.ADMINISTRATOR))

    with pytest.raises(NotAllowed):
        revoke_role(grant=administrator.role_grants.get(), by=manager, now=NOW)

    assert administrator.role_grants.exists()


# --- sign-in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        (Role.SUPERVISOR, None, True),
        (Role.SUPERVISOR, Role.MEMBER, True),
        (Role.SUPERVISOR, Role.SUPERVISOR, False),
        (Role.MEDIATOR, Role.FAB_MANAGER, False),
        (Role.FAB_MANAGER, Role.MEDIATOR, True),
        (Role.FAB_MANAGER, Role.FAB_MANAGER, False),
        (Role.ADMINISTRATOR, Role.FAB_MANAGER, True),
    ],
)
def test_access_of_the_team_is_changed_from_above_only(here, mine, theirs, expected):
    person = make_person() if theirs is None else make_staff(site=here, role=theirs)

    assert may_change_access(make_staff(site=here, role=mine), person) == expected


def test_access_is_not_changed_from_another_site_nor_of_a_superuser(here, there):
    manager, elsewhere = make_staff(site=here, role=Role.FAB_MANAGER), make_staff(site=there)

    assert not may_change_access(manager, elsewhere)
    assert not may_change_access(manager, make_person(is_superuser=True))
    with pytest.raises(NotAllowed):
        give_email_sign_in(person=elsewhere, email="a@b.example", by=manager, now=NOW)


def test_email_signs_in_one_person_and_another_one_replaces_it(mediator):
    person, other = make_person(), make_person()
    give_email_sign_in(person=person, email="First@lab.example", by=mediator, now=NOW)

    give_email_sign_in(person=person, email="second@lab.example", by=mediator, now=NOW)

    assert list(person.emailaddress_set.values_list("email", "primary")) == [("second@lab.example", True)]
    with pytest.raises(NotValid) as refused:
        give_email_sign_in(person=other, email="SECOND@lab.example", by=mediator, now=NOW)
    assert refused.value.code == "email_taken"


def test_taken_email_leaves_neither_address_nor_password(mediator):
    person = make_person()
    give_email_sign_in(person=person, email="first@lab.example", by=mediator, now=NOW)
    person.set_password("correct horse")
    person.save()

    take_email_sign_in(person=person, by=mediator, now=NOW)

    person.refresh_from_db()
    assert not person.has_usable_password()
    assert not person.emailaddress_set.exists()


# --- suspension, notes, households ------------------------------------------------------------------------------


def test_suspension_holds_until_lifted(mediator):
    person = make_person()
    suspension = suspend_person(person=person, reason="Left the laser alone", by=mediator, now=NOW)

    with pytest.raises(WrongState):
        suspend_person(person=person, reason="Again", by=mediator, now=NOW + HOUR)
    lift_suspension(suspension=suspension, by=mediator, now=NOW + HOUR)
    lift_suspension(suspension=suspension, by=mediator, now=NOW + 2 * HOUR)

    assert Suspension.objects.get().end == NOW + HOUR
    assert deeds_about(person) == [Deed.SUSPENDED, Deed.CHANGED]


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"reason": " "}, "blank"), ({"end": NOW - HOUR}, "suspension_ends_after_it_starts")],
    ids=["no reason", "over before it begins"],
)
def test_suspension_needs_a_reason_and_an_end_to_come(mediator, fields, code):
    with pytest.raises(PeopleError) as refused:
        suspend_person(**({"person": make_person(), "reason": "Late", "by": mediator, "now": NOW} | fields))

    assert refused.value.code == code
    assert not Suspension.objects.exists()


def test_reading_counts_once_in_ten_minutes_for_each_reader(here, mediator):
    person, other = make_person(), make_staff(site=here)

    for minute in (0, 9, 11):
        note_access(person=person, by=mediator, deed=Deed.READ, now=NOW + dt.timedelta(minutes=minute))
    note_access(person=person, by=other, deed=Deed.READ, now=NOW)

    assert list(FileAccess.objects.filter(by=mediator).order_by("at").values_list("at", flat=True)) == [
        NOW,
        NOW + dt.timedelta(minutes=11),
    ]
    assert FileAccess.objects.filter(by=other).count() == 1


def test_list_read_again_within_ten_minutes_is_one_reading_of_each_and_taken_twice_is_two(here, mediator):
    first, second, other = make_person(), make_person(), make_staff(site=here)

    note_access(person=first, by=mediator, deed=Deed.READ, now=NOW)
    for minute in (1, 5, 11):
        now = NOW + dt.timedelta(minutes=minute)
        note_accesses(people=[first, second], by=mediator, deed=Deed.READ, now=now)
        note_accesses(people=[first], by=mediator, deed=Deed.EXPORTED, now=now)
    note_accesses(people=[first], by=other, deed=Deed.READ, now=NOW)

    rows = FileAccess.objects.filter(by=mediator).order_by("at", "pk")
    minutes_of = {
        (person, deed): [round((row.at - NOW).total_seconds() / 60) for row in rows.filter(person=person, deed=deed)]
        for person, deed in ((first, Deed.READ), (second, Deed.READ), (first, Deed.EXPORTED))
    }
    assert list(minutes_of.values()) == [[0, 11], [1, 11], [1, 5, 11]]
    assert FileAccess.objects.filter(by=other).count() == 1


def test_household_is_made_joined_and_gone_with_the_last_but_one(mediator):
    ana, nino, lou = (make_person(first_name=name, last_name="Roy") for name in ("Ana", "Nino", "Lou"))

    household = share_household(person=ana, other=nino, by=mediator, now=NOW)
    share_household(person=lou, other=nino, by=mediator, now=NOW)
    leave_household(person=nino, by=mediator, now=NOW)

    assert (household.name, set(household.members.all())) == ("Roy", {ana, lou})
    leave_household(person=lou, by=mediator, now=NOW)
    assert not Household.objects.exists()


def test_two_households_are_not_mixed_by_accident(mediator):
    people = [make_person() for _ in range(4)]
    for one, two in (people[:2], people[2:]):
        share_household(person=one, other=two, by=mediator, now=NOW)

    with pytest.raises(WrongState) as refused:
        share_household(person=people[0], other=people[2], by=mediator, now=NOW)

    assert refused.value.code == "other_household"

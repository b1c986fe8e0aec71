"""Rules to sign: each version once, the newest only; on paper before somebody of the team."""

import datetime as dt

import pytest

from machines.house_rules import (
    NothingNew,
    OldVersion,
    in_force,
    newest_rules,
    not_signed,
    publish_rules,
    rules_of_person,
    sign_rules,
    versions_of,
    waiting_count,
    withdraw_rules,
)
from machines.models import RulesSignature
from people.errors import NotAllowed
from people.models import FileAccess, Person, Role, Site
from tests.factories import NOW, make_machine, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db

LATER = NOW + dt.timedelta(days=1)


@pytest.fixture
def site():
    return make_site(name="Riverside")


@pytest.fixture
def manager(site):
    return make_staff(site=site, role=Role.FAB_MANAGER)


def publish(place, manager, words="Close the lid.", now=NOW):
    return publish_rules(place=place, text_fr=f"{words} (fr)", text_en=words, by=manager, now=now)


def test_versions_count_from_one_for_each_place(site, manager):
    machine = make_machine(site=site)

    versions = [publish(site, manager), publish(site, manager, "Wear glasses."), publish(machine, manager)]

    assert [rules.version for rules in versions] == [1, 2, 1]
    assert [rules.version for rules in in_force([site])] == [2, 1]


def test_same_text_is_no_new_version(site, manager):
    publish(site, manager)

    with pytest.raises(NothingNew):
        publish(site, manager, "Close the lid.")

    assert versions_of(site).count() == 1


def test_signing_twice_is_signing_once(site, manager):
    rules, person = publish(site, manager), make_person()

    first = sign_rules(rules=rules, person=person, by=person, now=NOW)
    again = sign_rules(rules=rules, person=person, by=person, now=LATER)

    assert (first.pk, again.signed_at, again.witness) == (again.pk, NOW, None)
    assert not FileAccess.objects.exists()


def test_paper_is_signed_before_a_witness_of_the_place(site, manager):
    rules, person, mediator = publish(site, manager), make_person(), make_staff(site=site, role=Role.MEDIATOR)

    signature = sign_rules(rules=rules, person=person, by=mediator, now=NOW)

    assert signature.witness == mediator
    assert FileAccess.objects.get().deed == FileAccess.Deed.CHANGED


def test_witness_is_of_the_team_of_that_place(site, manager):
    rules, stranger = publish(site, manager), make_staff(site=make_site())

    with pytest.raises(NotAllowed) as refused:
        sign_rules(rules=rules, person=make_person(), by=stranger, now=NOW)

    assert refused.value.code == "not_of_the_team"
    assert not RulesSignature.objects.exists()


def test_newer_version_is_signed_anew_and_the_old_one_no_more(site, manager):
    old, person = publish(site, manager), make_person()
    sign_rules(rules=old, person=person, by=person, now=NOW)
    signed_before = waiting_count(person, [site])

    publish(site, manager, "Wear glasses.", now=LATER)

    assert (signed_before, waiting_count(person, [site])) == (0, 1)
    with pytest.raises(OldVersion):
        sign_rules(rules=old, person=person, by=person, now=LATER)


def test_withdrawn_rules_wait_for_nobody_until_new_ones_come(site, manager):
    rules, person = publish(site, manager), make_person()

    withdraw_rules(place=site, by=manager, now=NOW)
    withdraw_rules(place=site, by=manager, now=NOW)

    assert [version.version for version in versions_of(site)] == [2, 1]
    assert waiting_count(person, [site]) == 0
    with pytest.raises(OldVersion):
        sign_rules(rules=rules, person=person, by=person, now=NOW)
    publish(site, manager, now=LATER)
    assert waiting_count(person, [site]) == 1


def test_person_sees_what_is_signed_and_what_waits(site, manager):
    machine, person = make_machine(site=site, name="Laser"), make_person()
    of_site = publish(site, manager)
    publish(machine, manager)
    publish(make_machine(site=site, retired_at=NOW), manager)
    sign_rules(rules=of_site, person=person, by=person, now=NOW)

    found = rules_of_person(person, Site.objects.filter(pk=site.pk))

    assert [(each.of, each.signature is not None) for each in found] == [("Riverside", True), ("Laser", False)]


def test_who_has_not_signed_shows_the_version_they_signed_last(site, manager):
    old, earlier, never = publish(site, manager), make_person(), make_person()
    sign_rules(rules=old, person=earlier, by=earlier, now=NOW)

    newest = publish(site, manager, "Wear glasses.")

    people = Person.objects.filter(pk__in=[earlier.pk, never.pk])
    assert {person.pk: person.last_version for person in not_signed(newest, people)} == {earlier.pk: 1, never.pk: None}
    assert newest_rules(site) == newest

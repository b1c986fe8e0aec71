"""Why somebody cannot reserve: each rule with its value and where that is set, for the team only, and noted."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from machines.models import BookingPolicy
from people.models import FileAccess, Role
from reservations.models import Quota, Refusal
from tests.fablab.settings_pages import open_site, signed_in, words_of
from tests.factories import (
    give_role,
    make_category,
    make_machine,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    minutes,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return open_site()


@pytest.fixture
def person(site):
    who = make_person(first_name="Ines", last_name="Moreau")
    give_role(person=who, site=site)
    return who


@pytest.fixture
def machine(site):
    category = make_category(name_en="Laser cutters", longest=minutes(240))
    return make_machine(site=site, name="Red laser", category=category, qualification=make_qualification())


def asked(machine, person, start="10:00", end="11:00"):
    day = timezone.now().astimezone(machine.site.zone).date() + dt.timedelta(days=1)
    chosen = f"machine={machine.slug}&day={day.isoformat()}&start={start}&end={end}"
    return f"{reverse('manage-why')}?{chosen}" + (f"&person={person.reference}" if person else "")


def line(page, name):
    return next(each for each in page.context["lines"] if each.name == name)


def test_each_rule_says_its_value_and_where_it_is_set(manager_client, machine, person, site):
    policy = BookingPolicy.objects.create(site=site, category=machine.category, longest=minutes(60))

    page = manager_client.get(asked(machine, person, end="12:00"))

    longest, qualification, shortest = (line(page, name) for name in ("Longest time", "Qualification", "Shortest time"))
    assert [each.is_kept for each in (longest, qualification, shortest)] == [False, False, True]
    assert longest.sources[0].words == "up to 1 h"
    assert longest.sources[0].url == reverse("rules-policy", args=[policy.pk])
    assert longest.sources[0].where == "rule for: Everybody, on Laser cutters, at Riverside"
    assert qualification.sources[0].url == reverse("settings-machine", args=[machine.slug])
    assert shortest.sources[0].url == reverse("settings-category", args=[machine.category.slug])
    assert "2 rules stand in the way" in words_of(page)
    assert page.context["lines"][0].is_kept is False


def test_limits_say_what_is_held_of_them(manager_client, machine, person):
    Quota.objects.create(measure="count", period="week", most=0, category=machine.category)

    page = manager_client.get(asked(machine, person))

    limits = line(page, "Limits over a day, a week or a month")
    assert limits.is_kept is False
    assert "holds 0 reservations" in limits.sources[0].words


@pytest.mark.parametrize(
    ("risk", "end", "words"),
    [
        (0, "12:00", "Reserve all the same"),
        (2, "12:00", "Something of this nobody sets aside"),
    ],
    ids=["the team may", "nobody may"],
)
def test_way_on_is_what_the_team_may_do(manager_client, machine, person, risk, end, words):
    type(machine).objects.filter(pk=machine.pk).update(risk_level=risk)

    page = manager_client.get(asked(machine, person, end=end))

    assert words in words_of(page)


def test_reserving_all_the_same_begins_where_the_question_was(manager_client, machine, person):
    page = manager_client.get(asked(machine, person))

    there = manager_client.get(page.context["reserve_url"])

    assert there.status_code == 200
    assert there.context["all_the_same"] is not None
    assert "Ines Moreau" in words_of(there)


def test_nothing_in_the_way_leads_to_the_reservation(manager_client, site, person):
    page = manager_client.get(asked(make_machine(site=site), person))

    assert "Nothing stands in the way" in words_of(page)
    assert "Reserve it for them" in words_of(page)


def test_looking_is_noted_in_the_file_and_is_no_refusal(manager_client, machine, person):
    manager_client.get(asked(machine, person))

    assert FileAccess.objects.get().deed == FileAccess.Deed.READ
    assert not Refusal.objects.exists()


def test_whoever_may_not_set_the_rules_gets_no_links_to_them(site, machine, person):
    browser = signed_in(make_staff(site=site, role=Role.MEDIATOR))

    page = browser.get(asked(machine, person))

    assert line(page, "Longest time").sources[0].url == ""
    assert "up to 4 h" in words_of(page).lower()
    assert reverse("people-rules", args=[person.reference]) in page.content.decode()


def test_name_finds_one_or_asks_which(manager_client, machine, person, site):
    url = asked(machine, None)
    one = manager_client.get(f"{url}&who=moreau")
    other = make_person(first_name="Jules", last_name="Moreau")
    give_role(person=other, site=site)

    several = manager_client.get(f"{url}&who=moreau")
    nobody = manager_client.get(f"{url}&who=zzz")

    assert one.context["person"] == person
    assert "Whom do you mean?" in words_of(several)
    assert several.context.get("lines") is None
    assert "Nobody of your places is called so" in words_of(nobody)


def test_machine_and_people_of_another_place_are_unknown_here(site, machine, person):
    browser = signed_in(make_staff(site=make_site(name="Hilltop"), role=Role.FAB_MANAGER))

    answer = browser.get(asked(machine, person))

    assert answer.status_code == 404


def test_links_lead_here_from_file_and_machine(manager_client, machine, person):
    pages = [
        manager_client.get(reverse("people-person", args=[person.reference])),
        manager_client.get(machine.get_absolute_url()),
    ]

    assert all(reverse("manage-why") in page.content.decode() for page in pages)

"""The pages about who may reserve what: in words, set in one form, tried on last month before they are saved."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from machines.models import BookingPolicy, Category, Machine
from people.groups import group_that_follows_roles
from people.models import GroupMembership, PersonGroup, Role
from reservations.models import Quota
from tests.api.lab import hold
from tests.fablab.settings_pages import manager_of, open_site, signed_in, words_of
from tests.factories import give_role, make_category, make_machine, make_person, make_site, make_staff, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return open_site()


@pytest.fixture
def machine(site):
    return make_machine(site=site, category=make_category(name_en="Laser cutters"), name="Red laser")


@pytest.fixture
def browser(site):
    return signed_in(manager_of(site))


@pytest.fixture
def plan():
    return PersonGroup.objects.create(kind="plan", name_fr="Forfait", name_en="Workshop plan")


def held_days_ago(machine, days, length_min=120, **person):
    start = (timezone.now() - dt.timedelta(days=days)).replace(hour=9, minute=0, second=0, microsecond=0)
    return hold(machine, make_person(**person), start, start + minutes(length_min), "completed")


def length(name, number, unit="h"):
    return {f"{name}_0": str(number), f"{name}_1": unit}


def test_what_holds_is_said_in_words_with_its_place(browser, site, machine, plan):
    Machine.objects.filter(pk=machine.pk).update(longest=minutes(360))
    policy = BookingPolicy.objects.create(group=plan, category=machine.category, longest=minutes(480))
    quota = Quota.objects.create(
        group=group_that_follows_roles("members"), category=machine.category, measure="count", period="to_come", most=3
    )

    page = browser.get(reverse("rules"))
    words = words_of(page)

    assert "This machine Red laser Up to 6 h." in words
    assert "Group Workshop plan, on Laser cutters Up to 8 h." in words
    assert "Limit Members may hold 3 reservations to come on Laser cutters." in words.replace("The members", "Members")
    for name, row in (("rules-policy", policy), ("rules-quota", quota)):
        assert reverse(name, args=[row.pk]) in page.content.decode()
    assert reverse("settings-machine", args=[machine.slug]) in page.content.decode()


def test_rules_of_another_place_are_not_shown(browser, machine):
    other = make_site(name="Hilltop")
    there = make_machine(site=other, category=machine.category, name="Blue laser", longest=minutes(60))
    rows = [
        BookingPolicy.objects.create(site=other, longest=minutes(60)),
        BookingPolicy.objects.create(group=group_that_follows_roles("members"), machine=there, longest=minutes(60)),
    ]

    words = words_of(browser.get(reverse("rules")))

    assert "Hilltop" not in words
    assert "Blue laser" not in words
    assert [browser.get(reverse("rules-policy", args=[row.pk])).status_code for row in rows] == [404, 404]


def test_rule_is_saved_with_only_what_was_typed(browser, machine, plan):
    data = {"group": plan.pk, "category": machine.category.pk, "needs_approval": "False"} | length("longest", 8)

    answer = browser.post(reverse("rules-policy-new"), data)

    assert answer.status_code == 302
    policy = BookingPolicy.objects.get()
    assert policy.values == {"longest": minutes(480), "needs_approval": False}
    browser.post(reverse("rules-policy", args=[policy.pk]), {"group": plan.pk} | length("rest", 1, "d"))
    policy.refresh_from_db()
    assert (policy.values, policy.category) == ({"rest": dt.timedelta(days=1)}, None)
    browser.post(reverse("rules-policy-remove", args=[policy.pk]))
    assert not BookingPolicy.objects.exists()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (length("longest", 8), "Say for whom, or at which place"),
        ({"site": "{site}"}, "Say at least one thing that differs"),
        ({"site": "{site}", "longest_0": "1", "longest_1": "h", "shortest_0": "2", "shortest_1": "h"},
         "at least as long as the shortest"),
        ({"machine": "{machine}", "longest_0": "1", "longest_1": "h"}, "is set on the machine itself"),
        ({"site": "{site}", "machine": "{machine}", "longest_0": "1", "longest_1": "h"}, "leave these two empty"),
    ],
    ids=["for nobody", "says nothing", "wrong order", "machine for everybody", "machine and its place"],
)  # fmt: skip
@pytest.mark.parametrize("button", [{}, {"preview": "1"}], ids=["saved", "tried"])
def test_what_cannot_be_kept_is_said_beside_the_form(browser, site, machine, data, sentence, button):
    filled = {name: str(value).format(site=site.pk, machine=machine.pk) for name, value in data.items()}

    page = browser.post(reverse("rules-policy-new"), filled | button)

    assert sentence in words_of(page)
    assert not BookingPolicy.objects.exists()


def test_trying_shows_whom_it_would_have_refused_and_saves_nothing(browser, site, machine):
    long = held_days_ago(machine, 3, first_name="Ines")
    held_days_ago(machine, 4, 30)
    data = {"site": site.pk, "category": machine.category.pk, "preview": "1"} | length("longest", 1)

    page = browser.post(reverse("rules-policy-new"), data)

    words = words_of(page)
    assert "1 of the last 30 days’ 2 reservations would have been refused" in words
    assert "That is too long for this machine." in words
    assert str(long.holder) in words
    assert long.get_absolute_url() in page.content.decode()
    assert not BookingPolicy.objects.exists()


def test_trying_looks_at_ones_own_places_only(site, machine):
    other = make_machine(site=make_site(name="Hilltop"), category=machine.category)
    stranger = held_days_ago(other, 3, first_name="Zorobabel")
    held_days_ago(machine, 3)
    manager = manager_of(site)
    give_role(person=manager, site=make_site(name="Third"), role=Role.FAB_MANAGER)
    quota = {"amount": "1", "measure": "minutes", "period": "day", "site": site.pk, "preview": "1"}

    page = signed_in(manager).post(reverse("rules-quota-new"), quota)

    assert "1 of the last 30 days’ 1 reservations would have been refused" in words_of(page)
    assert str(stranger.holder) not in words_of(page)


def test_many_are_shown_in_short(browser, site, machine):
    for day in range(2, 14):
        held_days_ago(machine, day)
    data = {"site": site.pk, "category": machine.category.pk, "preview": "1"} | length("longest", 1)

    words = words_of(browser.post(reverse("rules-policy-new"), data))

    assert "12 of the last 30 days’ 12 reservations would have been refused" in words
    assert "and 2 more" in words


def test_limit_is_typed_in_hours_and_kept_in_minutes(browser, site):
    url = reverse("rules-quota-new")
    data = {"site": site.pk, "amount": "1.5", "measure": "minutes", "period": "week", "is_peak_only": "on"}

    assert browser.post(url, data).status_code == 302

    quota = Quota.objects.get()
    assert (quota.most, quota.is_peak_only) == (90, True)
    assert b'value="1.5"' in browser.get(reverse("rules-quota", args=[quota.pk])).content
    assert "counted whole" in words_of(browser.post(url, data | {"measure": "count", "is_peak_only": ""}))
    assert "counted in hours" in words_of(browser.post(url, data | {"measure": "count", "amount": "2"}))
    assert "change that one" in words_of(browser.post(url, data))
    browser.post(reverse("rules-quota-remove", args=[quota.pk]))
    assert not Quota.objects.exists()


def test_what_holds_everywhere_is_for_those_who_manage_every_place_concerned(site, machine):
    other = make_site(name="Hilltop")
    make_machine(site=other, category=machine.category)
    manager = manager_of(site)
    data = {"group": group_that_follows_roles("members").pk} | length("longest", 1)
    kept = BookingPolicy.objects.create(group=group_that_follows_roles("team"), longest=minutes(60))
    url = reverse("rules-policy", args=[kept.pk])
    browser = signed_in(manager)

    refused = browser.post(reverse("rules-policy-new"), data)
    page, change = browser.get(url), browser.post(url, data)
    removal = browser.post(reverse("rules-policy-remove", args=[kept.pk]))

    assert "It would hold at Hilltop too" in words_of(refused)
    assert b"<fieldset disabled" in page.content
    assert (change.status_code, removal.status_code) == (403, 403)
    give_role(person=manager, site=other, role=Role.FAB_MANAGER)
    assert signed_in(manager).post(reverse("rules-policy-new"), data).status_code == 302


def test_group_is_added_and_people_are_put_in_from_their_file(browser, site):
    group = {"kind": "plan", "name_fr": "Forfait", "name_en": "Plan", "position": "4"}
    assert browser.post(reverse("rules-group-new"), group).status_code == 302
    made, person = PersonGroup.objects.get(), make_person()
    url = reverse("people-groups", args=[person.reference])
    data = {"group": made.pk, "start": "2031-01-01", "end": "2031-12-31"}

    saved, again = browser.post(url, data), browser.post(url, data | {"end": ""})

    assert (saved.status_code, again.status_code) == (302, 400)
    assert "in this group over some of that time" in words_of(again) or "written down already" in words_of(again)
    stay = GroupMembership.objects.get()
    assert "People are in it" in words_of(browser.post(reverse("rules-group-remove", args=[made.pk]), follow=True))
    browser.post(reverse("people-groups-end", args=[person.reference, stay.pk]))
    assert not GroupMembership.objects.exists()
    browser.post(reverse("rules-group", args=[made.pk]), group | {"name_en": "Year plan"})
    made.refresh_from_db()
    assert made.name_en == "Year plan"


def test_desk_puts_people_in_but_changes_no_group(site, plan):
    desk = signed_in(make_staff(site=site, role=Role.MEDIATOR))
    person = make_person()

    put = desk.post(reverse("people-groups", args=[person.reference]), {"group": plan.pk, "start": "2026-01-01"})

    assert put.status_code == 302
    assert "Workshop plan" in words_of(desk.get(reverse("people-person", args=[person.reference])))
    assert desk.get(reverse("rules")).status_code == 403


def test_new_settings_of_a_category_and_a_machine_are_kept(browser, site, machine):
    url = reverse("settings-category", args=[machine.category.slug])
    data = {
        "name_fr": "Laser", "name_en": "Laser", "icon": "laser", "position": "1", "risk_level": "0",
        "qualification_level": "2", "attendance": "throughout", "grid_min": "15", "needs_approval": "on",
        "least_age_y": "16", "no_show_min": "",
    } | length("shortest", 1) | length("longest", 4) | length("notice", 0) | length("window", 28, "d")  # fmt: skip
    data |= length("setup_buffer", 0) | length("cleanup_buffer", 0) | length("cancel_notice", 1, "d")

    answer = browser.post(url, data)

    assert answer.status_code == 302
    kept = Category.objects.get(pk=machine.category.pk)
    assert (kept.needs_approval, kept.least_age_y, kept.no_show_min, kept.credits_per_hour) == (True, 16, None, 0)
    assert (kept.cancel_notice, kept.rest) == (dt.timedelta(days=1), dt.timedelta(0))
    page = browser.get(reverse("settings-machine", args=[machine.slug]))
    assert "As the category: 1 day." in words_of(page) or "As the category: 24 h." in words_of(page)
    own = {
        "name": machine.name,
        "category": kept.pk,
        "position": "0",
        "model_name": "Epilog",
        "needs_approval": "False",
    }
    browser.post(reverse("settings-machine", args=[machine.slug]), own)
    changed = Machine.objects.with_places().get(pk=machine.pk)
    assert (changed.model_name, changed.needs_approval, changed.rest) == ("Epilog", False, None)
    assert changed.booking.needs_approval is False

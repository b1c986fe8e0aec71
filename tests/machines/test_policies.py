"""Which value of a rule is in force, and where it was set."""

import pytest

from machines.models import BookingPolicy, Machine
from machines.policies import Level, apply_policies, origins_of
from people.groups import group_that_follows_roles
from people.models import GroupMembership, PersonGroup, Role
from tests.factories import NOW, give_role, make_category, make_machine, make_person, make_site, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine():
    return make_machine(site=make_site(), category=make_category(longest=minutes(240)))


@pytest.fixture
def plan():
    return PersonGroup.objects.create(kind="plan", name_fr="Atelier", name_en="Workshop", position=10)


@pytest.fixture
def person(plan):
    who = make_person()
    GroupMembership.objects.create(person=who, group=plan, start=NOW.date())
    return who


def in_force(machine, person):
    fresh = Machine.objects.with_places().get(pk=machine.pk)
    apply_policies([fresh], person, now=NOW)
    return fresh.booking.longest, origins_of(fresh)["longest"].level


def policy(number, **scope):
    return BookingPolicy.objects.create(longest=minutes(number), **scope)


def test_without_policies_the_category_says(machine, person):
    assert in_force(machine, person) == (minutes(240), Level.CATEGORY)


def test_closer_beats_wider_from_the_site_up_to_the_group(machine, person, plan):
    """Each line is closer than the one before it; the site stands below the category's own value."""
    said = [in_force(machine, person)]
    policy(61, site=machine.site)
    said.append(in_force(machine, person))
    policy(62, site=machine.site, category=machine.category)
    said.append(in_force(machine, person))
    Machine.objects.filter(pk=machine.pk).update(longest=minutes(300))
    said.append(in_force(machine, person))
    for number, scope in enumerate(
        ({}, {"site": machine.site}, {"category": machine.category},
         {"site": machine.site, "category": machine.category}, {"machine": machine})
    ):  # fmt: skip
        policy(70 + number, group=plan, **scope)
        said.append(in_force(machine, person))

    assert said == [
        (minutes(240), Level.CATEGORY), (minutes(240), Level.CATEGORY), (minutes(62), Level.CATEGORY),
        (minutes(300), Level.MACHINE), *((minutes(70 + number), Level.GROUP) for number in range(5)),
    ]  # fmt: skip


def test_site_speaks_where_the_category_says_nothing(machine, person):
    BookingPolicy.objects.create(site=machine.site, cancel_notice=minutes(60))

    apply_policies([machine], person, now=NOW)

    assert (machine.booking.cancel_notice, origins_of(machine)["cancel_notice"].level) == (minutes(60), Level.SITE)


def test_first_group_of_several_decides(machine, person, plan):
    second = PersonGroup.objects.create(kind="community", name_fr="Vélo", name_en="Bikes", position=20)
    GroupMembership.objects.create(person=person, group=second, start=NOW.date())
    policy(70, group=plan)
    policy(500, group=second, machine=machine)

    assert in_force(machine, person) == (minutes(70), Level.GROUP)


@pytest.mark.parametrize(
    ("start_day", "end_day", "is_of_it"),
    [(0, None, True), (0, 0, True), (-9, -1, False), (1, None, False)],
    ids=["from today", "today only", "until yesterday", "from tomorrow"],
)
def test_membership_counts_on_its_days(machine, plan, start_day, end_day, is_of_it):
    who, day = make_person(), NOW.date()
    GroupMembership.objects.create(
        person=who, group=plan, start=day.replace(day=day.day + start_day),
        end=None if end_day is None else day.replace(day=day.day + end_day),
    )  # fmt: skip
    policy(70, group=plan)

    assert (in_force(machine, who)[0] == minutes(70)) == is_of_it


def test_team_is_of_its_own_site_only(machine):
    here, elsewhere = make_person(), make_person()
    give_role(person=here, site=machine.site, role=Role.SUPERVISOR)
    give_role(person=elsewhere, site=make_site(), role=Role.SUPERVISOR)
    policy(600, group=group_that_follows_roles("team"))

    assert [in_force(machine, who)[0] for who in (here, elsewhere, None)] == [minutes(600), minutes(240), minutes(240)]

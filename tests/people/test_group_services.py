"""Groups, and who is in them from when until when."""

import datetime as dt

import pytest

from machines.models import BookingPolicy
from people.errors import PeopleError
from people.group_services import add_to_group, create_group, end_membership, remove_group, update_group
from people.groups import group_ids_of, group_that_follows_roles
from people.groups_of_many import group_book
from people.models import FileAccess, GroupMembership, PersonGroup, Role
from tests.factories import NOW, give_role, make_person, make_site, make_staff, minutes

pytestmark = pytest.mark.django_db

TODAY = NOW.date()


def day(number):
    return TODAY + dt.timedelta(days=number)


@pytest.fixture
def plan():
    return create_group(kind="plan", name_fr=" Atelier ", name_en="Workshop", position=5, by=None, now=NOW)


def join(person, group, start=0, end=None, by=None):
    return add_to_group(
        person=person, group=group, start=day(start), end=None if end is None else day(end), by=by, now=NOW
    )


def code_of(deed, *args, **fields):
    with pytest.raises(PeopleError) as refused:
        deed(*args, **fields)
    return refused.value.code


def test_group_is_made_renamed_and_removed(plan):
    update_group(group=plan, name_fr="Forfait", name_en="Plan", position=7, by=None, now=NOW)

    kept = PersonGroup.objects.get()
    assert (kept.name_fr, kept.position, kept.kind) == ("Forfait", 7, "plan")
    remove_group(group=plan, by=None, now=NOW)
    assert not PersonGroup.objects.exists()


def test_group_with_people_or_rules_stays(plan):
    followed = group_that_follows_roles("team")
    membership = join(make_person(), plan)
    codes = [code_of(remove_group, group=each, by=None, now=NOW) for each in (plan, followed)]
    end_membership(membership=membership, last_day=day(-1), by=None, now=NOW)
    BookingPolicy.objects.create(group=plan, longest=minutes(60))

    assert codes == ["group_has_people", "group_follows_roles"]
    assert code_of(remove_group, group=plan, by=None, now=NOW) == "group_has_rules"


def test_nobody_is_put_into_what_follows_roles():
    team = group_that_follows_roles("team")

    assert code_of(join, make_person(), team) == "group_follows_roles"
    assert code_of(create_group, kind="team", name_fr="É", name_en="T", by=None, now=NOW) == "kind_follows_roles"


@pytest.mark.parametrize(
    ("start", "end", "is_kept"),
    [(0, 9, False), (-5, 1, False), (9, None, False), (10, None, True), (-9, -1, True), (5, 4, False)],
    ids=["the same", "into it", "its last day", "the day after", "all before", "ends before it begins"],
)
def test_stays_in_one_group_do_not_overlap(plan, start, end, is_kept):
    person = make_person()
    join(person, plan, 0, 9)

    if is_kept:
        join(person, plan, start, end)
    else:
        assert code_of(join, person, plan, start, end) in (
            "membership_overlaps", "membership_begun_once", "membership_ends_after_it_starts",
        )  # fmt: skip
    assert GroupMembership.objects.count() == 1 + is_kept


def test_nobody_of_the_desk_puts_themselves_in(plan):
    site = make_site()
    mediator, manager = make_staff(site=site, role=Role.MEDIATOR), make_staff(site=site, role=Role.FAB_MANAGER)

    assert code_of(join, mediator, plan, by=mediator) == "own_group"
    assert join(manager, plan, by=manager).added_by == manager


def test_putting_in_and_ending_are_noted_in_the_file(plan):
    person, staff = make_person(), make_staff(site=make_site())

    membership = join(person, plan, by=staff)
    end_membership(membership=membership, last_day=TODAY, by=staff, now=NOW)

    assert [row.deed for row in FileAccess.objects.filter(person=person, by=staff)] == ["changed", "changed"]


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [(-9, None, 0), (-9, -3, -3), (-9, 9, 0), (2, 9, None)],
    ids=["open", "over already", "later end", "not begun"],
)
def test_stay_ends_on_the_last_day_and_never_later(plan, start, end, left):
    membership = join(make_person(), plan, start, end)

    end_membership(membership=membership, last_day=TODAY, by=None, now=NOW)

    assert list(GroupMembership.objects.values_list("end", flat=True)) == ([] if left is None else [day(left)])


def test_team_of_another_place_does_not_end_it(plan):
    here, there = make_staff(site=make_site()), make_staff(site=make_site())
    membership = join(make_person(), plan, by=here)

    assert code_of(end_membership, membership=membership, last_day=TODAY, by=there, now=NOW) == "of_another_place"


def test_groups_of_many_are_those_of_each(plan, django_assert_num_queries):
    site, team, members = make_site(), group_that_follows_roles("team"), group_that_follows_roles("members")
    people = [make_person(), make_person(is_superuser=True), make_staff(site=site), make_staff(site=make_site())]
    give_role(person=people[0], site=site, role=Role.MEMBER)
    join(people[0], plan, -3, 3)
    join(people[2], plan, 1)
    days = [day(-4), day(0), day(3), day(4)]

    with django_assert_num_queries(3):
        book = group_book([person.pk for person in people])
        many = [[book.ids_of(person, site_id=site.pk, day=each) for each in days] for person in people]

    assert many == [[group_ids_of(person, site_id=site.pk, day=each) for each in days] for person in people]
    assert many[0] == [[members.pk], [plan.pk, members.pk], [plan.pk, members.pk], [members.pk]]
    assert (many[1][0], many[3][0]) == ([team.pk], [])
    assert [book.has_plan(people[2], each) for each in days] == [False, False, True, True]

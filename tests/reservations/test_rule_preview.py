"""What a rule or a limit would have changed over the last month: counted anew, as of when each was asked for."""

import datetime as dt

import pytest

from machines.models import BookingPolicy, PeakHours
from people.models import GroupMembership, PersonGroup, Role
from reservations import preview_rows
from reservations.models import Participant, Quota, Reservation
from reservations.rule_preview import preview_policy, preview_quota
from reservations.services import move_reservation
from tests.factories import (
    NOW,
    at,
    give_role,
    make_category,
    make_machine,
    make_person,
    make_site,
    make_staff,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

# Reservations are made at NOW for the days after it; the look back is taken three weeks later.
LATER = NOW + dt.timedelta(days=21)


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def machine(site):
    return make_machine(site=site, category=make_category(longest=minutes(480)))


@pytest.fixture
def plan():
    return PersonGroup.objects.create(kind="plan", name_fr="Atelier", name_en="Workshop", position=10)


def held(machine, day, start, length_min=60, *, person=None, now=NOW, **fields):
    begin = at(f"2026-03-{day:02} {start}")
    holder = person or make_person()
    return reserve(machine=machine, start=begin, end=begin + minutes(length_min), holder=holder, now=now, **fields)


def refused_by(rule, site, now=LATER):
    preview = (preview_policy if isinstance(rule, BookingPolicy) else preview_quota)(
        **{"policy" if isinstance(rule, BookingPolicy) else "quota": rule}, sites=[site], now=now
    )
    return {each.asked.pk for each in preview.refused}


CASES = {
    "too long": ({"longest": minutes(60)}, {"too_long"}),
    "too short": ({"shortest": minutes(180)}, {"too_short"}),
    "off the grid": ({"grid_min": 60}, {"off_grid"}),
    "too little notice": ({"notice": dt.timedelta(days=3)}, {"too_soon"}),
    "too far ahead": ({"window": dt.timedelta(days=1)}, {"too_far"}),
    "too young": ({"least_age_y": 18}, {"age_limit"}),
    "no plan": ({"needs_membership": True}, {"membership_required"}),
    "without the adult": ({"guardian_below_y": 16}, {"guardian_required"}),
    "nothing": ({"longest": minutes(480)}, set()),
}


@pytest.mark.parametrize(("values", "codes"), CASES.values(), ids=CASES)
def test_each_value_is_asked_as_of_the_moment_of_asking(site, machine, values, codes):
    held(machine, 13, "10:15", 120, person=make_person(birth_year=2014, guardian=make_person()))

    preview = preview_policy(
        policy=BookingPolicy(site=site, category=machine.category, **values), sites=[site], now=LATER
    )

    assert {s.code for each in preview.refused for s in each.sentences} == codes
    assert preview.count == 1


def test_group_rule_is_asked_of_its_people_on_that_day(site, machine, plan):
    inside, before, nobody = (held(machine, 13, f"{hour}:00", 120) for hour in (10, 12, 14))
    GroupMembership.objects.create(person=inside.holder, group=plan, start=NOW.date())
    GroupMembership.objects.create(person=before.holder, group=plan, start=NOW.date() + dt.timedelta(days=1))

    assert refused_by(BookingPolicy(group=plan, longest=minutes(60)), site) == {inside.pk}
    assert nobody.pk not in refused_by(BookingPolicy(group=plan, longest=minutes(60)), site)


def test_changed_rule_is_compared_with_how_it_is_kept(site, machine):
    policy = BookingPolicy.objects.create(site=site, category=machine.category, longest=minutes(120))
    held(machine, 13, "10:00", 60)
    long = held(machine, 14, "10:00", 120)
    policy.longest = minutes(90)

    assert refused_by(policy, site) == {long.pk}
    policy.longest = minutes(240)
    assert refused_by(policy, site) == set()


def test_what_the_kept_rule_refuses_is_not_laid_to_the_new_rule(site, machine):
    held(machine, 13, "10:00", 120)
    policy = BookingPolicy.objects.create(site=site, category=machine.category, longest=minutes(60))
    policy.longest = minutes(90)

    assert refused_by(policy, site) == set()


def test_moved_reservation_is_asked_as_of_its_move(site, machine):
    reservation = held(machine, 30, "10:00", now=NOW)
    move_reservation(
        reservation=reservation, start=at("2026-03-30 14:00"), end=at("2026-03-30 15:00"), by=reservation.holder,
        now=at("2026-03-29 09:00"),
    )  # fmt: skip
    now = at("2026-04-02 09:00")

    assert refused_by(BookingPolicy(site=site, window=dt.timedelta(days=7)), site, now) == set()
    category = BookingPolicy(site=site, category=machine.category, window=dt.timedelta(days=7))
    assert refused_by(category, site, now) == set()
    late = BookingPolicy(site=site, category=machine.category, change_notice=dt.timedelta(days=2))
    assert refused_by(late, site, now) == {reservation.pk}


def test_pause_forgets_what_would_have_been_refused_before(site, machine):
    person = make_person()
    _first, second, third = (
        held(machine, 13, f"{hour}:00", person=person, now=NOW + minutes(hour)) for hour in (10, 12, 14)
    )

    assert refused_by(BookingPolicy(site=site, category=machine.category, rest=minutes(120)), site) == {second.pk}
    assert third.pk not in refused_by(BookingPolicy(site=site, rest=minutes(120)), site)


def test_yes_of_the_team_is_counted_apart(site, machine):
    held(machine, 13, "10:00")
    staff = make_staff(site=site)
    held(machine, 13, "12:00", person=staff)
    policy = BookingPolicy(site=site, category=machine.category, needs_approval=True)

    preview = preview_policy(policy=policy, sites=[site], now=LATER)

    assert (preview.refused, preview.waiting_count) == ([], 1)


def test_only_the_given_sites_and_the_last_thirty_days_are_looked_at(site, machine):
    other = make_machine(category=machine.category)
    held(other, 13, "10:00", 120)
    seen = held(machine, 13, "10:00", 120)
    rule = BookingPolicy(group=make_group_of(seen.holder), longest=minutes(60))

    assert refused_by(rule, site) == {seen.pk}
    assert refused_by(rule, site, now=at("2026-04-13 09:00")) == set()


def make_group_of(*people):
    group = PersonGroup.objects.create(kind="community", name_fr="Vélo", name_en="Bikes")
    for person in people:
        GroupMembership.objects.create(person=person, group=group, start=NOW.date())
    return group


def test_count_of_a_week_lets_go_what_was_refused(site, machine):
    person = make_person()
    days = [held(machine, day, "10:00", person=person, now=NOW + minutes(day)) for day in (12, 13, 14, 16)]

    quota = Quota(category=machine.category, measure="count", period="week", most=2)

    assert refused_by(quota, site) == {days[2].pk}


def test_hours_and_what_is_to_come_are_counted_when_asked(site, machine):
    person = make_person()
    first = held(machine, 12, "10:00", 120, person=person)
    second = held(machine, 13, "10:00", 120, person=person, now=NOW + minutes(5))
    # By then the first two are over.
    third = held(machine, 20, "10:00", 120, person=person, now=at("2026-03-18 09:00"))

    hours = Quota(machine=machine, measure="minutes", period="week", most=180)
    to_come = Quota(site=site, measure="count", period="to_come", most=1)

    assert refused_by(hours, site) == {second.pk}
    assert refused_by(to_come, site) == {second.pk}
    assert not {first.pk, third.pk} & refused_by(to_come, site)


def test_peak_hours_alone_are_counted(site, machine):
    PeakHours.objects.create(site=site, weekday=5, begins="17:00", ends="19:00")
    quiet, busy = held(machine, 13, "10:00", 120), held(machine, 13, "16:00", 180)

    quota = Quota(site=site, measure="minutes", period="day", most=60, is_peak_only=True)

    assert refused_by(quota, site) == {busy.pk}
    assert quiet.pk not in refused_by(quota, site)


def test_limit_of_a_group_replaces_the_one_for_everybody(site, machine, plan):
    rich, poor = make_person(), make_person()
    GroupMembership.objects.create(person=rich, group=plan, start=NOW.date())
    rows = [held(machine, day, f"{hour}:00", person=who, now=NOW + minutes(day))
            for who, hour in ((rich, 10), (poor, 14)) for day in (12, 13)]  # fmt: skip
    Quota.objects.create(measure="count", period="week", most=5)

    assert refused_by(Quota(measure="count", period="week", most=1, group=plan), site) == {rows[1].pk}
    kept = Quota.objects.get()
    kept.most = 1
    assert refused_by(kept, site) == {rows[1].pk, rows[3].pk}


def test_who_comes_along_counts_and_whoever_stays_away_does_not(site, machine):
    booked_by, comes = make_person(), make_person()
    held(machine, 12, "10:00", person=comes)
    row = held(
        machine, 13, "10:00", person=booked_by, now=NOW + minutes(5), companions=[comes], holder_takes_part=False
    )

    assert Participant.objects.get(reservation=row).person == comes
    assert refused_by(Quota(measure="count", period="week", most=1), site) == {row.pk}


def test_members_are_those_of_the_site(site, machine):
    members = PersonGroup.objects.create(kind="members", name_fr="Membres", name_en="Members")
    member, visitor = make_person(), make_person()
    give_role(person=member, site=site, role=Role.MEMBER)
    row = held(machine, 12, "10:00", person=member)
    held(machine, 12, "12:00", person=visitor)

    assert refused_by(Quota(group=members, measure="count", period="day", most=0), site) == {row.pk}


def test_too_many_rows_are_cut_and_it_is_said(site, machine, monkeypatch):
    rows = [held(machine, day, "10:00", 120) for day in (12, 13, 14)]
    monkeypatch.setattr(preview_rows, "MOST_ROWS", 2)

    preview = preview_policy(
        policy=BookingPolicy(site=site, category=machine.category, longest=minutes(60)), sites=[site], now=LATER
    )

    assert (preview.count, preview.is_cut) == (2, True)
    assert preview.refused_ids == {rows[1].pk, rows[2].pk}


def test_queries_do_not_grow_with_the_rows(site, machine, plan, django_assert_max_num_queries):
    PeakHours.objects.create(site=site, weekday=5, begins="17:00", ends="19:00")
    for day in range(12, 24):
        held(machine, day, "10:00", 120)
    quota = Quota(site=site, measure="minutes", period="week", most=60, is_peak_only=True)
    policy = BookingPolicy(site=site, category=machine.category, rest=minutes(60), needs_approval=True)

    with django_assert_max_num_queries(12):
        preview_quota(quota=quota, sites=[site], now=LATER)
    with django_assert_max_num_queries(11):
        preview_policy(policy=policy, sites=[site], now=LATER)
    assert Reservation.objects.count() == 12

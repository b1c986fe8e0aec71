"""What a person holds of each limit: which one is in force, which periods it counts, what a move gives up."""

import datetime as dt
from importlib import import_module

import pytest
from django.db import connection

from fablab.lib.intervals import Interval
from machines.models import PeakHours
from people.groups import group_that_follows_roles
from people.models import GroupMembership, PersonGroup, Role
from reservations.errors import ReservationRefused
from reservations.models import Participant, Quota, Reservation
from reservations.quotas import periods_touched, quota_facts
from reservations.services import cancel_reservation, move_reservation
from tests.factories import (
    NOW,
    PARIS,
    at,
    give_role,
    make_category,
    make_machine,
    make_person,
    make_site,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN = at("10:00"), at("11:00")


@pytest.fixture
def machine():
    return make_machine(site=make_site(), category=make_category())


@pytest.fixture
def person():
    return make_person()


def limit(most, period="week", measure="minutes", **fields):
    return Quota.objects.create(most=most, period=period, measure=measure, **fields)


def codes_of(machine, person, start, end, now=NOW):
    try:
        reserve(machine=machine, start=start, end=end, holder=person, now=now)
    except ReservationRefused as refusal:
        return [str(denial.code) for denial in refusal.denials]
    return []


def test_hours_of_a_week_are_kept(machine, person):
    limit(120)

    answers = [codes_of(machine, person, TEN + minutes(60 * n), ELEVEN + minutes(60 * n)) for n in range(3)]

    assert answers == [[], [], ["quota_exceeded"]]
    # The next week is a new one.
    assert codes_of(machine, person, at("2026-03-16 10:00"), at("2026-03-16 11:00")) == []


def test_reservations_to_come_are_counted_of_the_category(machine, person):
    limit(1, "to_come", "count", category=machine.category)
    other = make_machine(site=machine.site)

    answers = [
        codes_of(machine, person, TEN, ELEVEN),
        codes_of(other, person, at("11:00"), at("12:00")),
        codes_of(machine, person, at("12:00"), at("13:00")),
    ]

    assert answers == [[], [], ["too_many_open"]]


def test_what_was_given_up_does_not_count(machine, person):
    limit(1, "day", "count")
    first = reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)
    cancel_reservation(reservation=first, by=person, now=NOW)

    assert codes_of(machine, person, TEN, ELEVEN) == []


def test_what_was_given_up_before_its_start_stays_uncounted_after_an_update(machine, person):
    limit(1, "day", "count")
    first = reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)
    cancel_reservation(reservation=first, by=person, now=NOW)
    # As versions before wrote it, of somebody who checked in early and left.
    Reservation.objects.filter(pk=first.pk).update(checked_in_at=NOW)
    before = codes_of(machine, person, TEN, ELEVEN)

    with connection.cursor() as cursor:
        cursor.execute(import_module("reservations.migrations.0010_given_up_in_time").FORWARD)

    assert (before, codes_of(machine, person, TEN, ELEVEN)) == (["quota_exceeded"], [])


def test_move_within_the_limit_is_no_second_one(machine, person):
    limit(60)
    first = reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)

    moved = move_reservation(reservation=first, start=at("14:00"), end=at("15:00"), by=person, now=NOW)

    assert moved.start == at("14:00")
    with pytest.raises(ReservationRefused, match="quota_exceeded"):
        move_reservation(reservation=moved, start=at("14:00"), end=at("15:30"), by=person, now=NOW)


def test_group_has_its_own_limit(machine):
    plan = PersonGroup.objects.create(kind="plan", name_fr="Atelier", name_en="Workshop")
    rich, poor = make_person(), make_person()
    GroupMembership.objects.create(person=rich, group=plan, start=NOW.date())
    limit(60)
    limit(240, group=plan)

    answers = [codes_of(machine, who, start, start + minutes(120)) for who, start in
               ((rich, TEN), (poor, at("14:00")))]  # fmt: skip

    assert answers == [[], ["quota_exceeded"]]


def test_members_are_those_with_the_role(machine, person):
    limit(30, group=group_that_follows_roles("members"))

    before = codes_of(machine, person, TEN, ELEVEN)
    give_role(person=person, site=machine.site, role=Role.MEMBER)

    assert (before, codes_of(machine, make_member(machine), at("14:00"), at("15:00"))) == ([], ["quota_exceeded"])


def make_member(machine):
    member = make_person()
    give_role(person=member, site=machine.site, role=Role.MEMBER)
    return member


def test_peak_hours_alone_are_counted(machine, person):
    PeakHours.objects.create(site=machine.site, weekday=3, begins="17:00", ends="19:00")
    limit(60, is_peak_only=True)

    answers = [
        codes_of(machine, person, at("15:00"), at("18:00")),
        codes_of(machine, person, at("18:00"), at("19:00")),
        codes_of(machine, person, at("19:00"), at("21:00")),
    ]

    assert answers == [[], ["quota_exceeded"], []]


def test_team_counts_only_for_those_who_take_part(machine, person):
    limit(60)
    booked_by = make_person()
    made = reserve(
        machine=machine, start=TEN, end=ELEVEN, holder=booked_by, companions=[person], holder_takes_part=False
    )

    assert Participant.objects.get(reservation=made).person == person
    assert codes_of(make_machine(), person, at("12:00"), at("13:00")) == ["quota_exceeded"]
    assert codes_of(make_machine(), booked_by, at("12:00"), at("13:00")) == []


def test_who_comes_along_is_busy_then(machine, person):
    reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person(), companions=[person])

    assert codes_of(make_machine(), person, TEN, ELEVEN) == ["person_busy"]


def test_without_limits_one_look_is_enough(machine, person, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert quota_facts(machine=machine, person=person, asked=Interval(TEN, ELEVEN), now=NOW) == ()


@pytest.mark.parametrize(
    ("period", "start", "end", "days"),
    [
        ("day", "10:00", "11:00", ["2026-03-11"]),
        ("day", "22:00", "2026-03-13 01:00", ["2026-03-11", "2026-03-12", "2026-03-13"]),
        ("week", "2026-03-15 23:00", "2026-03-16 01:00", ["2026-03-09", "2026-03-16"]),
        ("month", "2026-12-31 23:00", "2027-01-01 01:00", ["2026-12-01", "2027-01-01"]),
        ("year", "2026-12-31 23:00", "2027-01-01 01:00", ["2026-01-01", "2027-01-01"]),
        ("day", "2026-03-29 00:30", "2026-03-29 04:00", ["2026-03-29"]),
    ],
)
def test_periods_are_local_and_whole(period, start, end, days):
    spans = periods_touched(Interval(at(start), at(end)), period, PARIS)

    assert [str(span.start.astimezone(PARIS).date()) for span in spans] == days
    assert all(span.start.astimezone(PARIS).time() == dt.time(0) for span in spans)

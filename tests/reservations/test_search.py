"""What somebody can use, for how long, when: nothing is offered that is refused, nothing soon is left out."""

import datetime as dt
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from fablab.lib.intervals import Interval
from machines.models import Attendance, BookingPolicy, HouseRules, Machine, OpeningHours, PeakHours, Shift
from machines.parts import set_parts
from people.groups import group_that_follows_roles
from people.models import GroupMembership, PersonGroup, Role
from reservations.credits import give_credits
from reservations.errors import ReservationRefused
from reservations.facts import booking_facts
from reservations.models import HeldUnit, Quota
from reservations.rules import Code, reservation_denials
from reservations.search import PARTS_OF_DAY, search, soonest_starts
from reservations.services import create_reservation
from tests.factories import (
    NOW,
    at,
    every_day,
    give_role,
    grant,
    make_category,
    make_exception,
    make_machine,
    make_outage,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    minutes,
    reserve,
    suspend,
)

HOUR = dt.timedelta(hours=1)
DAY = Interval(at("00:00"), at("2026-03-12 00:00"))
WEEK = Interval(at("00:00"), at("2026-03-18 00:00"))
MOST_QUERIES = 8


def found_for(person=None, duration=HOUR, window=DAY, now=NOW, **more):
    machines = Machine.objects.filter(retired_at=None).with_places()
    return search(machines, person=person, duration=duration, window=window, now=now, **more)


def starts_of(found):
    return {offer.machine.name: [f"{time.start:%H:%M}" for time in offer.times] for offer in found.offers}


def reserve_where_allowed(machine, start, end, holder=None):
    """What is held already."""
    try:
        reserve(machine=machine, start=start, end=end, holder=holder, now=at("2026-03-10 12:00"))
    except ReservationRefused:
        return


def make_rules(site, machine, plan, choice):
    """Rules that are met now and then."""
    if choice["quota"]:
        Quota.objects.create(measure="minutes", period=choice["quota"], most=90, is_peak_only=choice["is_peak"])
        PeakHours.objects.create(site=site, weekday=4, begins="13:00", ends="16:00")
    if choice["is_for_some"]:
        BookingPolicy.objects.create(group=plan, longest=minutes(120), notice=minutes(150))
        BookingPolicy.objects.create(site=site, window=HOUR * 30)
    if choice["rest"]:
        BookingPolicy.objects.create(site=site, category=machine.category, rest=minutes(45))
    if choice["is_rota"]:
        site.has_rota = True
        site.save()
        duty = make_staff(site=site)
        Shift.objects.create(site=site, person=duty, start=at("11:00"), end=at("14:00"))
        Shift.objects.create(site=site, person=duty, start=at("2026-03-12 15:00"), end=at("2026-03-12 19:00"))
        # Of the team no more: nobody is there then.
        Shift.objects.create(site=site, person=make_person(), start=at("14:00"), end=at("19:00"))


class OffersAreAccepted(TestCase):
    """Whatever is offered can really be had."""

    @given(
        length=st.integers(2, 10),
        others=st.lists(st.tuples(st.integers(0, 60), st.integers(2, 16), st.booleans()), max_size=5),
        fields=st.fixed_dictionaries(
            {
                "attendance": st.sampled_from(Attendance.values),
                "cleanup_buffer": st.sampled_from([minutes(0), minutes(20)]),
                "setup_buffer": st.sampled_from([minutes(0), minutes(10)]),
                "notice": st.sampled_from([minutes(0), minutes(90)]),
                "window": st.sampled_from([HOUR * 24, HOUR * 24 * 28]),
                "risk_level": st.sampled_from([0, 2]),
                "needs_approval": st.booleans(),
                "is_lent": st.sampled_from([False, False, True]),
            }
        ),
        choice=st.fixed_dictionaries(
            {
                "quota": st.sampled_from(["", "day", "week"]), "is_peak": st.booleans(), "is_for_some": st.booleans(),
                "rest": st.booleans(), "is_rota": st.booleans(), "is_suspended": st.booleans(),
                "part": st.sampled_from(["", "exclusive", "shared"]), "day_part": st.sampled_from(["", "afternoon"]),
                "is_nobody": st.booleans(), "late_min": st.integers(0, 59),
            }
        ),
    )  # fmt: skip
    @settings(max_examples=20, deadline=None, phases=[Phase.generate])
    def test_each_offer_may_be_reserved(self, length, others, fields, choice):
        site = make_site(hours=every_day("10:00", "19:00"))
        make_exception(site=site, date="2026-03-13")
        category = make_category(longest=HOUR * 20, **fields)
        plan = PersonGroup.objects.create(kind="plan", name_fr="Atelier", name_en="Workshop", position=10)
        laser = make_machine(site=site, category=category)
        robot = make_machine(site=site, category=category, grid_min=60, notice=HOUR * 3)
        make_machine(site=site, category=category, qualification=make_qualification())
        make_machine(site=make_site(hours={3: [("12:00", "00:00")], 4: [("00:00", "03:00")]}), category=category)
        make_machine(site=site, longest=minutes(60), shortest=minutes(45), needs_membership=True)
        holder = None if choice["is_nobody"] else make_person()
        make_rules(site, laser, plan, choice)
        if holder is not None:
            GroupMembership.objects.create(person=holder, group=plan, start=NOW.date())
        if choice["is_suspended"] and holder is not None:
            suspend(person=holder, end=at("15:10"))
        if choice["part"]:
            extractor = make_machine(site=site, cleanup_buffer=minutes(30))
            kind = choice["part"]
            set_parts(whole=laser.unit, exclusive=[extractor.unit] if kind == "exclusive" else [],
                      shared=[extractor.unit] if kind == "shared" else [])  # fmt: skip
            make_outage(machine=extractor, start=at("10:00"), end=at("11:05"))
            reserve_where_allowed(extractor, at("12:00"), at("13:30"))
        for begin, quarters, is_own in others:
            early = at("10:00") + minutes(30 * begin)
            thing = robot if is_own else laser
            reserve_where_allowed(thing, early, early + minutes(15 * quarters), holder if is_own else None)
        now = NOW + minutes(60 + choice["late_min"])

        found = found_for(
            holder, minutes(15 * length), WEEK, now, part_of_day=PARTS_OF_DAY.get(choice["day_part"]),
        )  # fmt: skip

        every = soonest_starts(
            Machine.objects.filter(retired_at=None).with_places(), person=holder, duration=minutes(15 * length),
            window=WEEK, now=now, most=7,
        )  # fmt: skip
        for offer in found.offers:
            of_day = Counter(time.start.astimezone(offer.machine.site.zone).date() for time in offer.times)
            assert max(of_day.values()) <= 3
        offered = [(offer.machine, time) for offer in found.offers for time in offer.times]
        offered += [(free.machine, free.interval) for free in every]
        for machine, time in offered:
            facts = booking_facts(machine=machine, holder=holder, start=time.start, end=time.end, now=now)
            assert reservation_denials(facts=facts, start=time.start, end=time.end, now=now) == []
        # What is asked above is asked again, and the database has the last word.
        for machine, time in offered[-1:]:
            made = create_reservation(
                machine=machine, start=time.start, end=time.end, holder=holder, by=holder, now=now
            )
            assert HeldUnit.objects.filter(reservation=made, is_holding=True).exists()


pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return make_site(hours=every_day("10:00", "18:00"))


def test_soonest_machine_comes_first_with_times_that_do_not_overlap(site):
    late, soon = make_machine(site=site, name="Late"), make_machine(site=site, name="Soon")
    reserve(machine=late, start=at("10:00"), end=at("13:00"))

    found = found_for(duration=HOUR * 2)

    assert starts_of(found) == {"Soon": ["09:00", "11:00", "13:00"], "Late": ["12:00", "14:00"]}
    assert [offer.machine for offer in found.offers] == [soon, late]


def test_every_start_is_told_soonest_first_on_whichever_machine(site):
    late, soon = make_machine(site=site, grid_min=30), make_machine(site=site, grid_min=60)
    reserve(machine=late, start=at("10:00"), end=at("11:00"))

    found = soonest_starts(
        Machine.objects.filter(retired_at=None).with_places(), person=None, duration=HOUR, window=DAY, now=NOW, most=4
    )

    assert [(free.machine, free.interval.start) for free in found] == [
        (soon, at("10:00")), (late, at("11:00")), (soon, at("11:00")), (late, at("11:30")),
    ]  # fmt: skip


def test_part_of_the_day_is_by_the_clock_where_the_machine_stands(site):
    make_machine(site=site, name="Laser")

    afternoon = found_for(duration=HOUR * 2, part_of_day=PARTS_OF_DAY["afternoon"])
    evening = found_for(part_of_day=PARTS_OF_DAY["evening"])

    # 12:00 in Paris is 11:00 in UTC; nothing begins after closing.
    assert starts_of(afternoon) == {"Laser": ["11:00", "13:00", "15:00"]}
    assert starts_of(evening) == {}


def test_time_of_the_person_elsewhere_is_left_out(site):
    person = make_person()
    busy = make_machine(site=site, name="Busy")
    make_machine(site=site, name="Laser")
    reserve(machine=busy, start=at("11:00"), end=at("15:00"), holder=person)

    assert starts_of(found_for(person, HOUR)) == {
        "Busy": ["09:00", "14:00", "15:00"],
        "Laser": ["09:00", "14:00", "15:00"],
    }


@pytest.mark.parametrize(
    ("lacks", "code"),
    [
        (lambda who, machine: None, Code.QUALIFICATION_MISSING),
        (
            lambda who, machine: grant(person=who, qualification=machine.qualification, expires_at=at("09:30")),
            Code.QUALIFICATION_EXPIRED,
        ),
        (lambda who, machine: suspend(person=who), Code.SUSPENDED),
    ],
    ids=["no qualification", "one that ends before we open", "suspended"],
)
def test_machine_that_the_person_may_not_have_is_named_apart(site, lacks, code):
    machine, person = make_machine(site=site, qualification=make_qualification()), make_person()
    lacks(person, machine)

    found = found_for(person)

    assert found.offers == []
    assert [(each.machine, code in [denial.code for denial in each.denials]) for each in found.barred] == [
        (machine, True)
    ]


def test_suspension_that_ends_leaves_what_comes_after(site):
    make_machine(site=site, name="Laser")
    person = make_person()
    suspend(person=person, end=at("13:20"))

    assert starts_of(found_for(person)) == {"Laser": ["12:30", "13:30", "14:30"]}


def test_limit_of_a_day_leaves_the_next_day(site):
    machine, person = make_machine(site=site, name="Laser"), make_person()
    Quota.objects.create(measure="minutes", period="day", most=60)
    reserve(machine=machine, start=at("12:00"), end=at("13:00"), holder=person)

    found = found_for(person, window=WEEK)

    assert [f"{time.start:%d %H:%M}" for time in found.offers[0].times][:3] == ["12 09:00", "12 10:00", "12 11:00"]


def test_each_day_has_its_soonest_times(site):
    machine = make_machine(site=site, name="Laser")
    reserve(machine=machine, start=at("2026-03-12 10:00"), end=at("2026-03-12 12:00"))
    reserve(machine=machine, start=at("2026-03-12 13:00"), end=at("2026-03-12 15:00"))
    window = Interval(NOW, at("2026-03-14 00:00"))

    found = found_for(duration=HOUR, window=window)

    assert [f"{time.start:%d %H:%M}" for time in found.offers[0].times] == [
        "11 09:00", "11 10:00", "11 11:00", "12 11:00", "12 14:00", "12 15:00", "13 09:00", "13 10:00", "13 11:00",
    ]  # fmt: skip


def test_machines_beyond_those_shown_have_their_first_time_only(site):
    for name in ("First", "Second"):
        make_machine(site=site, name=name)

    found = found_for(duration=HOUR, most=1)

    assert starts_of(found) == {"First": ["09:00", "10:00", "11:00"], "Second": ["09:00"]}


def test_machine_that_is_too_short_too_far_or_out_is_not_offered(site):
    make_machine(site=site, longest=minutes(45))
    make_machine(site=site, window=minutes(30))
    make_outage(machine=make_machine(site=site))

    found = found_for()

    assert (found.offers, found.barred, len(found.looked_at)) == ([], [], 3)


def test_what_runs_on_after_closing_is_offered_where_it_can_be_cleared(site):
    printer = make_machine(site=site, name="Printer", attendance=Attendance.START, longest=HOUR * 20,
                           cleanup_buffer=minutes(15))  # fmt: skip
    reserve(machine=printer, start=at("2026-03-12 10:00"), end=at("2026-03-12 12:00"))

    found = found_for(duration=HOUR * 5, window=WEEK)

    # From 13:15 on it would end after closing, and lie there when the next person comes.
    assert [time.start for time in found.offers[0].times][:2] == [at("10:00"), at("2026-03-12 12:15")]
    assert found_for(duration=HOUR * 12, window=DAY).offers == []


def test_search_without_a_window_finds_nothing(site):
    make_machine(site=site)

    assert found_for(window=Interval(NOW, NOW)).offers == []


def make_whole_lab(count):
    """A lab that makes use of every rule there is, and machines that want it all."""
    site, person = make_site(hours=every_day("10:00", "18:00"), has_rota=True), make_person(birth_year=1980)
    give_role(person=person, site=site, role=Role.MEMBER)
    qualification = make_qualification()
    grant(person=person, qualification=qualification)
    group = group_that_follows_roles("members")
    BookingPolicy.objects.create(group=group, site=site, notice=HOUR, rest=minutes(15))
    Quota.objects.create(group=group, measure="minutes", period="year", most=6000, is_peak_only=True)
    PeakHours.objects.create(site=site, weekday=3, begins="10:00", ends="12:00")
    rules = HouseRules.objects.create(site=site, version=1, text_fr="a", text_en="a", published_at=NOW)
    rules.signatures.create(person=person, signed_at=NOW)
    give_credits(person=person, amount=9, by=None, now=NOW)
    plan = PersonGroup.objects.create(kind="plan", name_fr="Atelier", name_en="Workshop")
    GroupMembership.objects.create(person=person, group=plan, start=NOW.date())
    Shift.objects.create(site=site, person=make_staff(site=site), start=at("10:00"), end=at("18:00"))
    category = make_category(qualification=qualification, risk_level=2, needs_membership=True, credits_per_hour=1)
    for n in range(count):
        place = site if n % 2 else make_site(hours=every_day("10:00", "18:00"))
        machine = make_machine(site=place, category=category)
        set_parts(whole=machine.unit, exclusive=[make_machine(site=place).unit], shared=[])
        OpeningHours.objects.filter(site=place, weekday=7).update(is_staffed=False)
    return person


@pytest.mark.parametrize("count", [3, 40], ids=["3 machines", "40 machines"])
def test_search_takes_few_queries_however_many_machines_and_rules(count):
    person = make_whole_lab(count)

    with CaptureQueriesContext(connection) as captured:
        found = found_for(person, window=WEEK)

    assert len(found.offers) == 2 * count
    assert len(captured) <= MOST_QUERIES, "\n".join(query["sql"] for query in captured.captured_queries)

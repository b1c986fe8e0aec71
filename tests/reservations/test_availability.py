"""Free time, computed in SQL, against a plain reckoning in Python."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from fablab.lib.intervals import Interval, merged
from reservations.availability import FreeTime, free_time, next_on_grid, starts
from reservations.errors import ReservationRefused
from reservations.rules import on_grid
from reservations.services import cancel_reservation
from tests.factories import (
    NOW,
    at,
    every_day,
    make_machine,
    make_outage,
    make_person,
    make_site,
    minutes,
    reserve,
)

HOUR = dt.timedelta(hours=1)
DAY = Interval(at("08:00"), at("20:00"))


def span(start, end):
    return Interval(at(start), at(end))


def free_intervals(machine, window=DAY, **more):
    return [found.interval for found in free_time([machine], window, **more)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("10:00", "12:00"), ("13:00", "19:00")]),
        ({"setup_buffer": minutes(10)}, [("10:00", "11:50"), ("13:10", "19:00")]),
        ({"cleanup_buffer": minutes(20)}, [("10:00", "11:40"), ("13:20", "19:00")]),
        (
            {"setup_buffer": minutes(10), "cleanup_buffer": minutes(20)},
            [("10:00", "11:30"), ("13:30", "19:00")],
        ),
    ],
    ids=["no buffers", "set-up", "clean-up", "both"],
)
def test_free_time_keeps_the_buffers_of_both_neighbours(fields, expected):
    machine = make_machine(site=make_site(hours=every_day("10:00", "19:00")), **fields)
    reserve(machine=machine, start=at("12:00"), end=at("13:00"))

    # With set-up before and clean-up after, a newcomer needs its own and leaves its neighbour's.
    assert free_intervals(machine) == [span(*pair) for pair in expected]


@pytest.mark.django_db
def test_free_time_leaves_out_outages_and_what_is_too_short():
    machine = make_machine(site=make_site(hours=every_day("10:00", "19:00")))
    make_outage(machine=machine, start=at("10:45"), end=at("12:00"))
    make_outage(machine=machine, start=at("18:00"))

    assert free_intervals(machine) == [span("10:00", "10:45"), span("12:00", "18:00")]
    assert free_intervals(machine, least=HOUR) == [span("12:00", "18:00")]


@pytest.mark.django_db
def test_free_time_of_many_machines_is_sorted_and_each_sees_its_own_site():
    early = make_machine(site=make_site(hours=every_day("09:00", "12:00")))
    late = make_machine(site=make_site(hours=every_day("10:00", "13:00")))
    closed = make_machine(site=make_site(open_all_day=False))

    assert free_time([late, early, closed], DAY) == [
        FreeTime(early, span("09:00", "12:00")),
        FreeTime(late, span("10:00", "13:00")),
    ]


@pytest.mark.django_db
def test_free_time_of_no_machine_or_no_window_is_empty():
    assert free_time([], DAY) == []
    assert free_time([make_machine()], Interval(NOW, NOW)) == []


@pytest.mark.django_db
def test_cancelled_time_is_free_again():
    machine = make_machine()
    booked = reserve(machine=machine, start=at("12:00"), end=at("13:00"))

    cancel_reservation(reservation=booked, by=make_person(), now=NOW)

    assert free_intervals(machine) == [DAY]


@pytest.mark.parametrize("zone", ["Europe/Paris", "Australia/Lord_Howe", "Asia/Kathmandu"])
@given(minute=st.integers(0, 60 * 24 * 400), second=st.integers(0, 59), grid_min=st.sampled_from([5, 15, 30, 60]))
@settings(max_examples=60, deadline=None)
def test_next_on_grid_is_the_first_such_instant(zone, minute, second, grid_min):
    instant = at("2026-01-01 00:00", zone=dt.UTC) + dt.timedelta(minutes=minute, seconds=second)
    zone, grid = ZoneInfo(zone), minutes(grid_min)

    found = next_on_grid(instant, grid, zone)

    assert on_grid(found, grid, zone)
    whole = -(-instant.timestamp() // 60) * 60
    between = (dt.datetime.fromtimestamp(whole + 60 * n, dt.UTC) for n in range(200))
    assert found == next(each for each in between if on_grid(each, grid, zone))


@pytest.mark.django_db
def test_starts_avoid_the_times_the_person_is_busy():
    machine = make_machine(grid_min=60)
    free = [FreeTime(machine, span("10:00", "15:00"))]

    found = starts(free, duration=HOUR, opening=(), earliest=at("10:10"), busy=[span("12:00", "13:00")])

    assert [each.interval for each in found] == [
        span("11:00", "12:00"),
        span("13:00", "14:00"),
        span("14:00", "15:00"),
    ]


steps = st.integers(0, 12 * 6)  # of ten minutes, from 08:00
pairs = st.tuples(steps, steps).filter(lambda pair: pair[0] < pair[1])


def ten_minute_span(pair):
    return Interval(*(DAY.start + minutes(10 * step) for step in pair))


class FreeTimeAgainstOracle(TestCase):
    """SQL over multiranges against sets of minutes."""

    @given(
        reserved=st.lists(pairs, max_size=4),
        outages=st.lists(pairs, max_size=2),
        setup=st.sampled_from([0, 10, 25]),
        cleanup=st.sampled_from([0, 15]),
    )
    @settings(max_examples=40, deadline=None)
    def test_free_time_is_what_is_left(self, reserved, outages, setup, cleanup):
        site = make_site(hours=every_day("09:00", "12:00") | {3: [("09:00", "12:00"), ("13:00", "18:30")]})
        machine = make_machine(
            site=site, shortest=minutes(1), longest=HOUR * 24, grid_min=5,
            setup_buffer=minutes(setup), cleanup_buffer=minutes(cleanup),
        )  # fmt: skip
        kept = [wanted for wanted in map(ten_minute_span, reserved) if is_reserved(machine, wanted)]
        for hole in map(ten_minute_span, outages):
            make_outage(machine=machine, start=hole.start, end=hole.end)

        found = free_intervals(machine)

        around = minutes(setup + cleanup)
        held = [wanted.grown(around, around) for wanted in kept]
        opening = [span("09:00", "12:00"), span("13:00", "18:30")]
        minute = minutes(1)
        holes = [*held, *map(ten_minute_span, outages)]
        walk = (DAY.start + n * minute for n in range(12 * 60))
        free = [
            instant
            for instant in walk
            if any(each.holds(instant) for each in opening) and not any(each.holds(instant) for each in holes)
        ]
        assert found == merged(Interval(instant, instant + minute) for instant in free)


def is_reserved(machine, wanted):
    """Whether the service took it."""
    try:
        reserve(machine=machine, start=wanted.start, end=wanted.end, now=at("2026-03-10 09:00"))
    except ReservationRefused:
        return False
    return True

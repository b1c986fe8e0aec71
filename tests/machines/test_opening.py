"""When a site is open: tables of days, and every minute around the changes of clock."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablab.lib.intervals import Interval
from machines.opening import Timetable, instant_of, next_opening, opening_between, opening_on
from tests.factories import PARIS, at

NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
MINUTE = dt.timedelta(minutes=1)
# (zone, day of the change, what the day lasts)
CHANGES = [
    (PARIS, dt.date(2026, 3, 29), 23),
    (PARIS, dt.date(2026, 10, 25), 25),
    (NEW_YORK, dt.date(2026, 3, 8), 23),
    (NEW_YORK, dt.date(2026, 11, 1), 25),
    (LORD_HOWE, dt.date(2026, 10, 4), 23.5),
    (LORD_HOWE, dt.date(2026, 4, 5), 24.5),
]
change_ids = [f"{zone.key} {day}" for zone, day, _ in CHANGES]


def time(text):
    return dt.time.fromisoformat(text)


def ranges(*texts):
    """`ranges("10:00-19:00")`"""
    return [(time(opens), time(closes)) for opens, closes in (text.split("-") for text in texts)]


def table(*texts, zone=PARIS, **more):
    """The same ranges every day."""
    return Timetable(zone, {day: ranges(*texts) for day in range(1, 8)}, **more)


def spans(*pairs, zone=PARIS):
    return [Interval(at(start, zone=zone), at(end, zone=zone)) for start, end in pairs]


@pytest.mark.parametrize(
    ("day", "texts", "expected"),
    [
        ("2026-03-11", ["10:00-19:00"], ["10:00 19:00"]),
        ("2026-03-11", ["14:00-18:00", "09:00-12:00"], ["09:00 12:00", "14:00 18:00"]),
        ("2026-03-11", ["09:00-12:00", "12:00-18:00"], ["09:00 18:00"]),
        ("2026-03-11", ["09:00-13:00", "12:00-18:00"], ["09:00 18:00"]),
        ("2026-03-11", ["18:00-00:00"], ["18:00 24:00"]),
        ("2026-03-11", ["00:00-00:00"], ["00:00 24:00"]),
        ("2026-03-11", [], []),
    ],
    ids=["plain", "lunch break", "touching", "overlapping", "until midnight", "all day", "closed"],
)
def test_opening_on_an_ordinary_day_is(day, texts, expected):
    expected = [text.split() for text in expected]
    midnight = at("2026-03-12 00:00")

    found = opening_on(dt.date.fromisoformat(day), table(*texts))

    assert found == [Interval(at(s), midnight if e == "24:00" else at(e)) for s, e in expected]


@pytest.mark.parametrize(
    ("day", "hours", "utc"),
    [
        ("2026-03-29", "00:00-00:00", ["2026-03-28 23:00", "2026-03-29 22:00"]),
        ("2026-03-29", "01:00-04:00", ["2026-03-29 00:00", "2026-03-29 02:00"]),
        ("2026-03-29", "02:30-04:00", ["2026-03-29 01:00", "2026-03-29 02:00"]),
        ("2026-03-29", "01:00-02:30", ["2026-03-29 00:00", "2026-03-29 01:00"]),
        ("2026-03-29", "02:10-02:50", []),
        ("2026-10-25", "00:00-00:00", ["2026-10-24 22:00", "2026-10-25 23:00"]),
        ("2026-10-25", "01:00-04:00", ["2026-10-24 23:00", "2026-10-25 03:00"]),
        ("2026-10-25", "02:30-04:00", ["2026-10-25 00:30", "2026-10-25 03:00"]),
        ("2026-10-25", "01:00-02:30", ["2026-10-24 23:00", "2026-10-25 01:30"]),
        ("2026-10-25", "02:10-02:50", ["2026-10-25 00:10", "2026-10-25 01:50"]),
    ],
    ids=[
        "spring, all day",
        "spring, across",
        "spring, opens in the gap",
        "spring, closes in the gap",
        "spring, all in the gap",
        "autumn, all day",
        "autumn, across",
        "autumn, opens in the first of the repeated hours",
        "autumn, closes in the last of the repeated hours",
        "autumn, both repeated hours",
    ],
)
def test_opening_on_a_day_of_change_is(day, hours, utc):
    found = opening_on(dt.date.fromisoformat(day), table(hours))

    assert found == ([Interval(*(at(text, zone=dt.UTC) for text in utc))] if utc else [])


@pytest.mark.parametrize(("zone", "day", "length_h"), CHANGES, ids=change_ids)
def test_day_of_change_open_all_day_has_its_real_length(zone, day, length_h):
    (whole,) = opening_on(day, table("00:00-00:00", zone=zone))

    assert whole.duration == dt.timedelta(hours=length_h)


def test_half_hour_gap_starts_at_the_instant_of_the_change():
    # Lord Howe goes from 02:00 to 02:30 on 2026-10-04, at 15:30 UTC of the day before.
    found = instant_of(dt.date(2026, 10, 4), time("02:10"), LORD_HOWE)

    assert found == at("2026-10-03 15:30", zone=dt.UTC)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [("10:00", "19:00")]),
        ({"holidays": {dt.date(2026, 3, 11)}}, []),
        ({"exceptions": {dt.date(2026, 3, 11): []}}, []),
        ({"exceptions": {dt.date(2026, 3, 11): ranges("14:00-22:00")}}, [("14:00", "22:00")]),
        (
            {"holidays": {dt.date(2026, 3, 11)}, "exceptions": {dt.date(2026, 3, 11): ranges("14:00-22:00")}},
            [("14:00", "22:00")],
        ),
        ({"exceptions": {dt.date(2026, 3, 12): []}}, [("10:00", "19:00")]),
    ],
    ids=["weekday", "holiday", "exception, closed", "exception, other hours", "exception beats holiday", "another day"],
)
def test_what_beats_the_weekly_hours(more, expected):
    assert opening_on(dt.date(2026, 3, 11), table("10:00-19:00", **more)) == spans(*expected)


def test_opening_between_joins_days_that_touch():
    found = opening_between(at("2026-03-11 12:00"), at("2026-03-12 12:00"), table("00:00-00:00"))

    assert found == spans(("2026-03-10 00:00", "2026-03-14 00:00"))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("18:59", "20:00", [("10:00", "19:00")]),
        ("19:00", "20:00", []),
        ("09:00", "10:00", []),
        ("12:00", "2026-03-12 11:00", [("10:00", "19:00"), ("2026-03-12 10:00", "2026-03-12 19:00")]),
    ],
    ids=["last minute", "from closing", "until opening", "two days"],
)
def test_opening_between_keeps_what_touches_the_window_whole(start, end, expected):
    assert opening_between(at(start), at(end), table("10:00-19:00")) == spans(*expected)


@pytest.mark.parametrize(
    ("after", "horizon_h", "expected"),
    [
        ("09:00", 48, ("10:00", "19:00")),
        ("10:00", 48, ("10:00", "19:00")),
        ("10:01", 48, ("2026-03-12 10:00", "2026-03-12 19:00")),
        ("19:00", 15, None),
    ],
    ids=["before opening", "at opening", "just after opening", "beyond the horizon"],
)
def test_next_opening_is(after, horizon_h, expected):
    found = next_opening(at(after), table("10:00-19:00"), horizon=dt.timedelta(hours=horizon_h))

    assert found == (spans(expected)[0] if expected else None)


times = st.builds(dt.time, st.integers(0, 23), st.sampled_from([0, 10, 15, 30, 45]))
day_ranges = st.lists(
    st.tuples(times, times).filter(lambda pair: pair[0] < pair[1] or pair[1] == dt.time(0)), max_size=3
)
changes = st.sampled_from(CHANGES)


def is_open_by_the_wall(instant, timetable):
    """The oracle: look at the clock on the wall, and at what is written on the door."""
    wall = instant.astimezone(timetable.zone)
    clock = wall.time().replace(fold=0)
    written = timetable.ranges_on(wall.date())
    return any(opens <= clock and (clock < closes or closes == dt.time(0)) for opens, closes in written)


def exists_once(day, clock, zone):
    """Whether the wall clock shows this time exactly once on that day."""
    wall = dt.datetime.combine(day, clock, zone)
    return wall.utcoffset() == wall.replace(fold=1).utcoffset()


@given(change=changes, before=st.integers(0, 2), weekly=st.dictionaries(st.integers(1, 7), day_ranges))
@settings(max_examples=150, deadline=None)
def test_intervals_are_sorted_disjoint_and_never_empty(change, before, weekly):
    zone, day, _ = change
    start = dt.datetime.combine(day - dt.timedelta(days=before), dt.time(0), zone)

    found = opening_between(start, start + dt.timedelta(days=3), Timetable(zone, weekly))

    assert all(interval.start < interval.end for interval in found)
    assert all(one.end < other.start for one, other in pairwise(found))
    assert all(instant.tzinfo is dt.UTC for interval in found for instant in (interval.start, interval.end))


@given(change=changes, opens=times, closes=times)
@settings(max_examples=200, deadline=None)
def test_wall_clock_of_the_ends_is_what_is_written_on_the_door(change, opens, closes):
    zone, day, _ = change
    end_day = day + dt.timedelta(days=1) if closes == dt.time(0) else day
    if opens >= closes and closes != dt.time(0):
        opens, closes = closes, opens
    written = Timetable(zone, {day.isoweekday(): [(opens, closes)]})

    found = opening_on(day, written)

    for interval in found:
        if exists_once(day, opens, zone):
            assert interval.start.astimezone(zone).replace(tzinfo=None) == dt.datetime.combine(day, opens)
        if exists_once(end_day, closes, zone):
            assert interval.end.astimezone(zone).replace(tzinfo=None) == dt.datetime.combine(end_day, closes)


def ends_are_plain(day, day_hours, zone):
    """No range begins or ends in the hour that the change skips or repeats: the tables above say what holds then."""
    return all(exists_once(day, clock, zone) for pair in day_hours for clock in pair)


@given(change=changes, day_hours=day_ranges)
@settings(max_examples=60, deadline=None)
def test_opening_agrees_with_a_walk_through_every_minute(change, day_hours):
    zone, day, length_h = change
    day_hours = [pair for pair in day_hours if ends_are_plain(day, [pair], zone)]
    written = Timetable(zone, {day.isoweekday(): day_hours})
    midnight = dt.datetime.combine(day, dt.time(0), zone).astimezone(dt.UTC)
    walk = [midnight + n * MINUTE for n in range(int(length_h * 60))]

    found = opening_on(day, written)

    opened = [instant for instant in walk if any(interval.holds(instant) for interval in found)]
    assert opened == [instant for instant in walk if is_open_by_the_wall(instant, written)]
    assert sum((interval.duration for interval in found), dt.timedelta()) == len(opened) * MINUTE

"""Where an instant is drawn: days of 23, 24 and 25 hours, alone and in a week."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from fablab.lib.intervals import Interval
from fablab.timeline_axis import USUAL_HOURS, Piece, drawn_at, hours_drawn, pieces_of
from tests.factories import PARIS, at

SPRING, AUTUMN = dt.date(2026, 3, 29), dt.date(2026, 10, 25)
HOURS = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(dt.date(2026, 3, 12), 24), (SPRING, 23), (AUTUMN, 25)],
    ids=["usual day", "an hour less", "an hour more"],
)
def test_single_day_is_drawn_as_long_as_it_lasts(day: dt.date, hours: int):
    (piece,) = pieces_of(day, 1, PARIS)

    assert piece == Piece(dt.datetime(2001, 1, 1, tzinfo=dt.UTC), at(f"{day} 00:00"), hours * HOURS)


@pytest.mark.parametrize(
    ("zone", "monday", "expected"),
    [
        ("Europe/Paris", dt.date(2026, 3, 23), [(2 * HOURS, 0 * HOURS), (21 * HOURS, 3 * HOURS)]),
        ("Europe/Paris", dt.date(2026, 10, 19), [(3 * HOURS, 0 * HOURS), (22 * HOURS, 2 * HOURS)]),
        ("Australia/Lord_Howe", dt.date(2026, 3, 30), [(2 * HOURS, 0 * HOURS), (22.5 * HOURS, 1.5 * HOURS)]),
    ],
    ids=["gap in spring", "overlap in autumn", "half an hour"],
)
def test_night_of_the_change_is_two_pieces_in_a_week(zone: str, monday: dt.date, expected: list[tuple[object, object]]):
    pieces = pieces_of(monday, 7, ZoneInfo(zone))

    assert len(pieces) == 8
    sunday = dt.datetime(2001, 1, 7, tzinfo=dt.UTC)
    assert [(piece.lasts, piece.drawn - sunday) for piece in pieces[6:]] == expected
    assert all(left.at + left.lasts == right.at for left, right in pairwise(pieces))


@pytest.mark.parametrize(
    ("instant", "drawn"),
    [
        ("2026-10-24T22:30Z", "2001-01-07T00:30Z"),
        ("2026-10-25T00:30Z", "2001-01-07T02:30Z"),
        ("2026-10-25T01:30Z", "2001-01-07T02:30Z"),
        ("2026-10-25T13:00Z", "2001-01-07T14:00Z"),
        ("2026-10-18T21:00Z", "2000-12-31T23:00Z"),
        ("2026-10-26T00:00Z", "2001-01-08T01:00Z"),
    ],
    ids=["before", "the hour's first time", "its second time", "after", "the week before", "the week after"],
)
def test_instant_of_the_autumn_week_stands_where_the_clock_says(instant: str, drawn: str):
    pieces = pieces_of(dt.date(2026, 10, 19), 7, PARIS)

    assert drawn_at(dt.datetime.fromisoformat(instant), pieces) == dt.datetime.fromisoformat(drawn)


@pytest.mark.parametrize(
    ("shown", "hours"),
    [
        ([], USUAL_HOURS),
        ([("2026-03-12 10:00", "2026-03-12 19:30")], (10, 20)),
        ([("2026-03-12 10:00", "2026-03-12 19:00"), ("2026-03-12 07:15", "2026-03-12 08:00")], (7, 19)),
        ([("2026-03-12 10:00", "2026-03-12 19:00"), ("2026-03-12 17:00", "2026-03-13 07:00")], (10, 19)),
        ([("2026-03-12 00:00", "2026-03-13 00:00")], (0, 24)),
    ],
    ids=["never open", "up to whole hours", "early reservation", "over night", "round the clock"],
)
def test_hours_drawn_show_what_is_open_and_taken(shown: list[tuple[str, str]], hours: tuple[int, int]):
    pieces = pieces_of(dt.date(2026, 3, 12), 1, PARIS)

    assert hours_drawn(pieces, 1, [Interval(at(start), at(end)) for start, end in shown]) == hours


def test_hours_of_the_longest_day_are_twenty_five():
    pieces = pieces_of(AUTUMN, 1, PARIS)

    assert hours_drawn(pieces, 1, [Interval(at("2026-10-25 00:00"), at("2026-10-26 00:00"))]) == (0, 25)

"""Where an instant stands on the timeline that is drawn, and back. Pure.

The drawing knows a plain clock of 24 hours and the browser's own zone. It is given days of a made-up week in UTC, in a
winter without a change of clock, and pieces that say which instant each begins at; the browser only adds.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from fablab.lib.intervals import Interval
from machines.opening import instant_of

# A Monday; around it no zone of this world changed its clock.
DRAWN_FROM = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
# Clocks change on whole quarters of an hour, everywhere.
STEP = dt.timedelta(minutes=15)
USUAL_HOURS = (8, 20)


@dataclass(frozen=True, slots=True)
class Piece:
    """From `drawn` on, the drawing runs along with the clock that stood at `at`, for as long as it lasts."""

    drawn: dt.datetime
    at: dt.datetime
    lasts: dt.timedelta


def day_of(day: dt.date, zone: ZoneInfo) -> Interval:
    """The local day in UTC: 23, 24 or 25 hours."""
    return Interval(instant_of(day, dt.time(0), zone), instant_of(day + DAY, dt.time(0), zone))


def pieces_of(first: dt.date, days: int, zone: ZoneInfo) -> list[Piece]:
    """One piece a day. A single day is drawn as long as it lasts, so that an hour that comes twice is there twice.

    In a week all days are as long: the night when the clock changes is two pieces, with a gap or an overlap.
    """
    found = []
    for n in range(days):
        whole, drawn = day_of(first + n * DAY, zone), DRAWN_FROM + n * DAY
        if days == 1 or whole.duration == DAY:
            found.append(Piece(drawn, whole.start, whole.duration))
            continue
        change = _change_in(whole, zone)
        wall = change.astimezone(zone).replace(tzinfo=None)
        since_midnight = wall - dt.datetime.combine(wall.date(), dt.time(0))
        found.append(Piece(drawn, whole.start, change - whole.start))
        found.append(Piece(drawn + since_midnight, change, whole.end - change))
    return found


def _change_in(whole: Interval, zone: ZoneInfo) -> dt.datetime:
    """The instant inside the day at which the clock changes."""
    at = whole.start
    while at < whole.end and at.astimezone(zone).utcoffset() == whole.start.astimezone(zone).utcoffset():
        at += STEP
    return at


def hours_drawn(pieces: Sequence[Piece], days: int, shown: Iterable[Interval]) -> tuple[int, int]:
    """The whole hours of a day from which and until which it is drawn, so that all of `shown` is seen.

    What goes on beyond its day is not counted: a print of one night would make all nights part of the drawing.
    """
    first_h: list[int] = []
    last_h: list[int] = []
    for interval in shown:
        begin, finish = drawn_at(interval.start, pieces), drawn_at(interval.end, pieces)
        n = (begin - DRAWN_FROM) // DAY
        since, until = begin - DRAWN_FROM - n * DAY, finish - DRAWN_FROM - n * DAY
        longest = pieces[0].lasts if days == 1 else DAY
        if 0 <= n < days and until <= longest:
            first_h.append(since // HOUR)
            last_h.append(-(-until // HOUR))
    if not first_h:
        return USUAL_HOURS
    return min(first_h), max(last_h)


def drawn_at(instant: dt.datetime, pieces: Sequence[Piece]) -> dt.datetime:
    """Where the instant is drawn; before the first piece and after the last one, as far away as it is."""
    piece = next((p for p in reversed(pieces) if p.at <= instant), pieces[0])
    return piece.drawn + (instant - piece.at)

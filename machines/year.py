"""A site's year, day by day, as a manager reads it: what holds on each date, and why. Pure."""

import datetime as dt
import enum
from calendar import Calendar
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from machines.opening import Range, Timetable


class DayKind(enum.StrEnum):
    """What decides a day. A special date may open or close; so may a season."""

    OPEN = "open"
    CLOSED = "closed"
    SEASON = "season"
    SEASON_CLOSED = "season_closed"
    HOLIDAY = "holiday"
    SPECIAL = "special"
    SPECIAL_CLOSED = "special_closed"


USUAL = frozenset({DayKind.OPEN, DayKind.CLOSED})
OF_SEASON = frozenset({DayKind.SEASON, DayKind.SEASON_CLOSED})


@dataclass(frozen=True, slots=True)
class YearDay:
    """One date: its local ranges, none when closed; `title` is the season's name or the reason of the date."""

    date: dt.date
    kind: DayKind
    ranges: tuple[Range, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row, both included, for one reason that is not the usual week."""

    first: dt.date
    last: dt.date
    kind: DayKind
    title: str


@dataclass(frozen=True, slots=True)
class Month:
    """One month: its weeks from Monday on, None where another month has the day, and what is unusual in it."""

    first: dt.date
    weeks: list[list[YearDay | None]]
    stretches: list[Stretch]


def day_of(date: dt.date, table: Timetable, titles: Mapping[dt.date, str]) -> YearDay:
    """What holds on that date. `titles`: why a date is special."""
    ranges = tuple(table.ranges_on(date))
    if date in table.exceptions:
        kind = DayKind.SPECIAL if ranges else DayKind.SPECIAL_CLOSED
        return YearDay(date, kind, ranges, titles.get(date, ""))
    if date in table.holidays:
        return YearDay(date, DayKind.HOLIDAY, ())
    season = table.season_on(date)
    if season is not None:
        return YearDay(date, DayKind.SEASON if ranges else DayKind.SEASON_CLOSED, ranges, season.name)
    return YearDay(date, DayKind.OPEN if ranges else DayKind.CLOSED, ranges)


def months_of(year: int, table: Timetable, titles: Mapping[dt.date, str]) -> list[Month]:
    """The twelve months of the year."""
    return [_month(year, number, table, titles) for number in range(1, 13)]


def _month(year: int, number: int, table: Timetable, titles: Mapping[dt.date, str]) -> Month:
    weeks = [
        [day_of(date, table, titles) if date.month == number else None for date in week]
        for week in Calendar().monthdatescalendar(year, number)
    ]
    days = [day for week in weeks for day in week if day is not None]
    return Month(dt.date(year, number, 1), weeks, _stretches(days))


def _stretches(days: list[YearDay]) -> list[Stretch]:
    """Seasons, across the holidays and special dates that fall into them; then those, in a row where they are."""
    found = [Stretch(run[0].date, run[-1].date, DayKind.SEASON, run[0].title) for run in _seasons(days)]
    unusual = [day for day in days if day.kind not in USUAL | OF_SEASON]
    for (kind, title, _run), run in groupby(enumerate(unusual), key=lambda pair: _same_run(*pair)):
        row = [day for _number, day in run]
        found.append(Stretch(row[0].date, row[-1].date, kind, title))
    return sorted(found, key=lambda stretch: stretch.first)


def _seasons(days: list[YearDay]) -> list[list[YearDay]]:
    runs: list[list[YearDay]] = []
    is_broken = True
    for day in days:
        if day.kind in USUAL:
            is_broken = True
        elif day.kind in OF_SEASON:
            if is_broken or runs[-1][0].title != day.title:
                runs.append([])
            runs[-1].append(day)
            is_broken = False
    return runs


def _same_run(number: int, day: YearDay) -> tuple[DayKind, str, int]:
    return day.kind, day.title, day.date.toordinal() - number

"""When a site is open, from its weeks, seasons, dated exceptions and public holidays. Pure.

All results are in UTC: two aware datetimes of one zone compare by wall clock, which is wrong twice a year.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from fablab.lib.intervals import Interval, merged

Range = tuple[dt.time, dt.time]
MIDNIGHT = dt.time(0)


@dataclass(frozen=True, slots=True)
class SeasonWeek:
    """A part of the year with a week of its own; both days included. Without days it is the school holidays.

    Of a yearly one only day and month count: the last may come before the first, over New Year.
    """

    name: str
    weekly: Mapping[int, Sequence[Range]]
    first: dt.date | None = None
    last: dt.date | None = None
    is_yearly: bool = False

    def holds_on(self, day: dt.date, school_holidays: AbstractSet[dt.date]) -> bool:
        """Whether the season's week holds on that date."""
        if self.first is None or self.last is None:
            return day in school_holidays
        if not self.is_yearly:
            return self.first <= day <= self.last
        begin, finish, here = ((each.month, each.day) for each in (self.first, self.last, day))
        return begin <= here <= finish if begin <= finish else here >= begin or here <= finish


@dataclass(frozen=True, slots=True)
class Timetable:
    """What decides whether a site is open. A date in `exceptions` with no range is a closed day; `titles` say why.

    `seasons` stand in the order in which they are asked: see `machines.selectors.load_hours`.
    """

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Range]]
    exceptions: Mapping[dt.date, Sequence[Range]] = field(default_factory=dict)
    holidays: AbstractSet[dt.date] = frozenset()
    seasons: Sequence[SeasonWeek] = ()
    school_holidays: AbstractSet[dt.date] = frozenset()
    titles: Mapping[dt.date, str] = field(default_factory=dict)

    def season_on(self, day: dt.date) -> SeasonWeek | None:
        """The season whose week holds on that date instead of the usual one."""
        return next((season for season in self.seasons if season.holds_on(day, self.school_holidays)), None)

    def ranges_on(self, day: dt.date) -> Sequence[Range]:
        """The day's local ranges: an exception beats a holiday, a holiday a season, a season the usual week."""
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.holidays:
            return ()
        season = self.season_on(day) if self.seasons else None
        weekly = self.weekly if season is None else season.weekly
        return weekly.get(day.isoweekday(), ())


def instant_of(day: dt.date, time: dt.time, zone: ZoneInfo, *, is_end: bool = False) -> dt.datetime:
    """The UTC instant of a local wall-clock time.

    A time that the spring change skips becomes the instant of the change. One that the autumn
    change repeats means its first occurrence for a start and its last for an end.
    """
    wall = dt.datetime.combine(day, time)
    early = wall.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    late = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    if late < early:
        return _change_between(late, early, zone)
    return late if is_end else early


def _change_between(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    offset = before.astimezone(zone).utcoffset()
    while after - before > dt.timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def opening_on(day: dt.date, timetable: Timetable) -> list[Interval]:
    """The day's opening intervals in UTC. An end at 00:00 is the midnight that ends the day."""
    intervals = []
    for opens, closes in timetable.ranges_on(day):
        end_day = day + dt.timedelta(days=1) if closes == MIDNIGHT else day
        intervals.append(
            Interval(
                instant_of(day, opens, timetable.zone),
                instant_of(end_day, closes, timetable.zone, is_end=closes != MIDNIGHT),
            )
        )
    return merged(intervals)


def opening_between(start: dt.datetime, end: dt.datetime, timetable: Timetable) -> list[Interval]:
    """The opening intervals that touch [start, end), whole (not cut at its edges), sorted and joined."""
    first = start.astimezone(timetable.zone).date() - dt.timedelta(days=1)
    last = end.astimezone(timetable.zone).date() + dt.timedelta(days=1)
    days = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    window = Interval(start, end)
    found = merged(interval for day in days for interval in opening_on(day, timetable))
    return [interval for interval in found if interval.overlaps(window)]


def next_opening(after: dt.datetime, timetable: Timetable, *, horizon: dt.timedelta) -> Interval | None:
    """The first opening interval that begins at or after the instant, looked for as far as `horizon`."""
    for interval in opening_between(after, after + horizon, timetable):
        if interval.start >= after:
            return interval
    return None

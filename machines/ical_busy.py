"""When another calendar says that a thing is taken: its events, with every date of a series worked out.

Worked out with bounds, since anybody may write any rule: a rule costs the days between its first date and the window.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import vRecur

from fablab.lib.intervals import Interval
from machines.ical_events import Moment, ReadEvent, events_in, instant, wall_clock

MOST = 2000
# Days to look at for all rules of one calendar: a few seconds.
DAYS_MOST = 500_000
# What a day costs by a rule of each kind: dateutil looks at whole weeks, months and years at once.
COSTS = {"DAILY": 1.0, "WEEKLY": 0.3, "MONTHLY": 0.1, "YEARLY": 0.1}
# The calendar repeats itself exactly every 400 years. Moved this far, a rule that never matches (30 February) comes to
# the end of Python's calendar after four centuries rather than eighty.
AGE = 7600
DAYS_TO_THE_END = 400 * 366


@dataclass(frozen=True, slots=True)
class Busy:
    """A time that is taken, in UTC; `uid` tells an event of the other calendar from the next."""

    uid: str
    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True, slots=True)
class BusyTimes:
    """`times` by start; `skipped` events could not be understood; `is_cut`: there are more than were taken."""

    times: tuple[Busy, ...]
    skipped: int
    is_cut: bool


def busy_times(body: bytes, *, zone: ZoneInfo, window: Interval) -> BusyTimes:
    """What of the calendar touches the window, MOST at most, soonest first. Cancelled and transparent events are left
    out; those at the same start and of the same name are one, the longest.

    Raises:
        CalendarUnreadable: it is no calendar.
    """
    events, skipped = events_in(body, zone)
    worked_out = _Series(events, window)
    times: dict[tuple[str, dt.datetime], Busy] = {}
    for busy in worked_out.occurrences():
        key = (busy.uid, busy.start)
        if key not in times or times[key].end < busy.end:
            times[key] = busy
    found = sorted(times.values(), key=lambda busy: (busy.start, busy.end, busy.uid))
    return BusyTimes(tuple(found[:MOST]), skipped + worked_out.skipped, len(found) > MOST)


class _Series:
    """The events of one calendar, those that stand in the place of a date of a series found by its name."""

    def __init__(self, events: Sequence[ReadEvent], window: Interval) -> None:
        self._events, self._window = events, window
        self._days_left = float(DAYS_MOST)
        self.skipped = 0
        # An end that never comes would stand on pages as one; and rows are not to change with each reading.
        self._first = dt.datetime(window.start.year - 1, 1, 1, tzinfo=dt.UTC)
        self._last = dt.datetime(window.end.year + 2, 1, 1, tzinfo=dt.UTC)
        self._stand_ins: dict[str, list[ReadEvent]] = defaultdict(list)
        for event in events:
            if event.replaces is not None:
                self._stand_ins[event.uid].append(event)

    def occurrences(self) -> Iterator[Busy]:
        for event in self._events:
            try:
                yield from self._of(event)
            # A rule that makes no sense, or a time beyond the calendar.
            except (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError):
                self.skipped += 1

    def _of(self, event: ReadEvent) -> Iterator[Busy]:
        if event.replaces is not None:
            yield from self._busy(event, event.start, None)
            return
        left_out = _Moments([*event.left_out, *(each.replaces for each in self._stand_ins[event.uid])], event)
        following = self._following(event)
        for start, length in self._starts(event):
            if start in left_out:
                continue
            changed = [(since, each) for since, each in following if since <= start]
            if changed:
                since, each = changed[-1]
                moved = start + (wall_clock(instant(each.start, each.zone), event.zone) - since)
                yield from self._busy(each, wall_clock(instant(moved, event.zone), each.zone), None)
            else:
                yield from self._busy(event, start, length)

    def _following(self, event: ReadEvent) -> list[tuple[dt.datetime, ReadEvent]]:
        """From which dates of the series on another event stands in their place, by the series' clock."""
        found = [
            (wall_clock(each.replaces, event.zone), each)
            for each in self._stand_ins[event.uid]
            if each.is_following and each.replaces is not None
        ]
        return sorted(found, key=lambda pair: pair[0])

    def _busy(self, event: ReadEvent, start: dt.datetime, length: dt.timedelta | None) -> Iterator[Busy]:
        if not event.makes_busy:
            return
        begins = instant(start, event.zone)
        if event.days and length is None:
            ends = instant(start + dt.timedelta(days=event.days), event.zone)
        else:
            ends = begins + (event.length if length is None else length)
        if begins < ends and begins < self._window.end and ends > self._window.start:
            yield Busy(event.uid, max(begins, self._first), min(ends, self._last))

    def _starts(self, event: ReadEvent) -> Iterator[tuple[dt.datetime, dt.timedelta | None]]:
        """By the clock of the event, so that a class at nine stays at nine when the clocks change."""
        seen = {event.start}
        yield event.start, None
        for start, length in event.added:
            if start not in seen:
                seen.add(start)
                yield start, length
        for rule in event.rules:
            for start in self._by_rule(event, rule):
                if start not in seen:
                    seen.add(start)
                    yield start, None

    def _by_rule(self, event: ReadEvent, rule: vRecur) -> Iterator[dt.datetime]:
        count, last = _limits(rule, event, wall_clock(self._window.end, event.zone))
        # What is over costs nothing, and most series of an old calendar are.
        if last < event.start or last + event.length + dt.timedelta(days=event.days) < wall_clock(
            self._window.start, event.zone
        ):
            return
        text = _text(rule, last)
        cost = COSTS[rule["FREQ"][0]]
        self._charge((last - event.start).days * cost * _times_a_day(rule))
        came = 0
        for came, found in enumerate(rrulestr(text, dtstart=_moved(event.start, AGE)), start=1):
            yield _moved(found, -AGE)
            if came == count:
                break
        if not came:
            self._charge(DAYS_TO_THE_END * cost)

    def _charge(self, days: float) -> None:
        """Raises ValueError once the calendar has cost too much: what is left of it is not worked out."""
        if days > self._days_left:
            raise ValueError("too many days to look at")
        self._days_left -= max(days, 0)


class _Moments:
    """Moments at which a series does not take place; a day without a time stands for all of that day."""

    def __init__(self, moments: Sequence[Moment | None], event: ReadEvent) -> None:
        self._walls = {wall_clock(each, event.zone) for each in moments if isinstance(each, dt.datetime)}
        self._days = {each for each in moments if each is not None and not isinstance(each, dt.datetime)}

    def __contains__(self, start: dt.datetime) -> bool:
        return start in self._walls or start.date() in self._days


def _limits(rule: vRecur, event: ReadEvent, window_end: dt.datetime) -> tuple[int, dt.datetime]:
    """After how many dates the rule ends (0: never), and the last moment at which one may begin."""
    last = window_end
    for until in rule.get("UNTIL", []):
        wall = wall_clock(until, event.zone)
        is_day = not isinstance(until, dt.datetime)
        last = min(last, wall + dt.timedelta(days=1, seconds=-1) if is_day else wall)
    return int(rule.get("COUNT", [0])[0]), last


def _text(rule: vRecur, last: dt.datetime) -> str:
    """The rule as dateutil reads it, with an end by the clock of the event.

    Raises:
        ValueError: it is of a kind that no calendar of a machine holds, or would never end.
    """
    if rule.get("FREQ", [""])[0] not in COSTS or rule.get("INTERVAL", [1])[0] not in range(1, 1001):
        raise ValueError("no such rule")
    kept = {name: value for name, value in rule.items() if name not in ("UNTIL", "COUNT")}
    # Not of RFC 5545, and Easter does not repeat itself every 400 years.
    if "BYEASTER" in kept:
        raise ValueError("no such rule")
    return f"{vRecur(kept).to_ical().decode()};UNTIL={_moved(last, AGE):%Y%m%dT%H%M%S}"


def _times_a_day(rule: vRecur) -> int:
    times = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= max(1, len(rule.get(name, [])))
    return times


def _moved(wall: dt.datetime, years: int) -> dt.datetime:
    return wall.replace(year=wall.year + years)

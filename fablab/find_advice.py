"""What a search says beside what it found: which days are closed and why, and what to change when nothing was."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from fablab.lib.intervals import Interval
from machines.closed_words import ClosedDay, closed_days
from machines.models import Machine
from machines.opening import Timetable, opening_between
from machines.selectors import shared_sites, timetable
from people.models import Site
from reservations.search import PartOfDay

DAY = dt.timedelta(days=1)
NONE = dt.timedelta(0)


@dataclass(frozen=True, slots=True)
class ClosedHere:
    """A closed day of one of the places looked at."""

    site: Site
    closed: ClosedDay


@dataclass(frozen=True, slots=True)
class Hours:
    """The opening hours of the places looked at, as far as the search looked: those at hand, without a query."""

    machines: Sequence[Machine]
    window: Interval
    part_of_day: PartOfDay | None = None

    def closed(self) -> list[ClosedHere]:
        """The days that are closed for a reason, or the one day asked for, by day; each place has its own."""
        found = []
        for site in self._sites():
            days = closed_days(self._first_day(site), self._day_count(site), self._table(site))
            found += [ClosedHere(site, day) for day in days if day.reason or self._day_count(site) == 1]
        return sorted(found, key=lambda each: (each.closed.day, each.site.name))

    def is_closed(self) -> bool:
        """Whether nothing could begin then, because no place is open."""
        return bool(self.machines) and self.longest() == NONE

    def longest(self) -> dt.timedelta:
        """The longest that could be had then were nothing taken: beyond it a shorter time is no use."""
        rooms = {site.pk: self._room(site) for site in self._sites()}
        return max((self._longest_on(machine, rooms[machine.site.pk]) for machine in self.machines), default=NONE)

    def _longest_on(self, machine: Machine, room: dt.timedelta) -> dt.timedelta:
        settings = machine.booking
        return settings.longest if room and settings.spans_closing else min(room, settings.longest)

    def _room(self, site: Site) -> dt.timedelta:
        """From the first start in an opening to its end, of the opening where that is longest."""
        longest = NONE
        for opening in opening_between(self.window.start, self.window.end, self._table(site)):
            start = max(opening.start, self.window.start)
            if self.part_of_day is not None:
                start = self.part_of_day.next_start(start, site.zone)
            if start < min(opening.end, self.window.end):
                longest = max(longest, opening.end - start)
        return longest

    def _sites(self) -> list[Site]:
        return list(shared_sites(self.machines).values())

    def _table(self, site: Site) -> Timetable:
        return timetable(site, self._first_day(site), self._first_day(site) + self._day_count(site) * DAY)

    def _first_day(self, site: Site) -> dt.date:
        return self.window.start.astimezone(site.zone).date()

    def _day_count(self, site: Site) -> int:
        last = (self.window.end - dt.timedelta(microseconds=1)).astimezone(site.zone).date()
        return max((last - self._first_day(site)).days + 1, 0)

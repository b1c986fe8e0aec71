"""“Closed: works”: that a site does not open on a day, and why, where more is known than the usual week."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext

from machines.opening import Timetable
from machines.year import DayKind, day_of


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day on which a site does not open; `reason` is empty where it is only its weekday."""

    day: dt.date
    reason: str

    @property
    def words(self) -> str:
        """“Closed: works”, or “Closed”."""
        return gettext("Closed: %(reason)s") % {"reason": self.reason} if self.reason else gettext("Closed")


def closed_day(day: dt.date, table: Timetable) -> ClosedDay | None:
    """What is said of that day; None where the site opens, be it for an hour."""
    found = day_of(day, table, table.titles)
    if found.ranges:
        return None
    if found.kind == DayKind.HOLIDAY:
        return ClosedDay(day, gettext("public holiday"))
    return ClosedDay(day, found.title.strip().rstrip("."))


def closed_days(first: dt.date, days: int, table: Timetable) -> list[ClosedDay]:
    """The closed ones of so many days."""
    found: Iterable[ClosedDay | None] = (closed_day(first + dt.timedelta(days=n), table) for n in range(days))
    return [each for each in found if each is not None]

"""Dated exceptions as people speak of them: “24 December to 2 January, closed”."""

import datetime as dt
from dataclasses import dataclass
from itertools import groupby

from machines.models import OpeningException
from machines.opening import Range
from people.models import Site


@dataclass(frozen=True, slots=True)
class Closure:
    """Dates in a row, both included, with the same hours and the same reason. No range: closed."""

    first: dt.date
    last: dt.date
    title: str
    ranges: tuple[Range, ...]


def closures_of(site: Site, since: dt.date) -> list[Closure]:
    """The site's exceptions from that date on, dates in a row joined. One query."""
    rows = OpeningException.objects.filter(site=site, date__gte=since).order_by("date", "opens")
    found: list[Closure] = []
    for date, of_day in groupby(rows, key=lambda row: row.date):
        day = list(of_day)
        ranges = tuple((row.opens, row.closes) for row in day if row.opens is not None and row.closes is not None)
        last = found[-1] if found else None
        is_next = last is not None and date - last.last == dt.timedelta(days=1)
        if last is not None and is_next and (last.title, last.ranges) == (day[0].title, ranges):
            found[-1] = Closure(last.first, date, last.title, ranges)
        else:
            found.append(Closure(date, date, day[0].title, ranges))
    return found

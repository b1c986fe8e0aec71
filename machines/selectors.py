"""Reads about machines and when their site is open."""

import datetime as dt
from collections import defaultdict
from functools import lru_cache

import holidays

from machines.models import OpeningException, OpeningHours
from machines.opening import Range, Timetable
from people.models import Site

# A machine that may run while the site is closed is held until the next opening: the longest closure we look over.
LONGEST_CLOSURE = dt.timedelta(days=45)


@lru_cache(maxsize=256)
def public_holidays(country: str, region: str, year: int) -> frozenset[dt.date]:
    """The public holidays of a year; none for a country or region that is not known."""
    if not country:
        return frozenset()
    try:
        days = holidays.country_holidays(country, subdiv=region or None, years=year)
    except NotImplementedError:
        return frozenset()
    return frozenset(days)


def timetable(site: Site, first: dt.date, last: dt.date) -> Timetable:
    """The site's hours, with the exceptions and holidays of [first − 2 days, last + LONGEST_CLOSURE]. Two queries."""
    begin, finish = first - dt.timedelta(days=2), last + LONGEST_CLOSURE
    weekly: dict[int, list[Range]] = defaultdict(list)
    for weekday, opens, closes in OpeningHours.objects.filter(site=site).values_list("weekday", "opens", "closes"):
        weekly[weekday].append((opens, closes))
    exceptions: dict[dt.date, list[Range]] = defaultdict(list)
    rows = OpeningException.objects.filter(site=site, date__range=(begin, finish))
    for date, opens, closes in rows.values_list("date", "opens", "closes"):
        ranges = exceptions[date]
        if opens is not None:
            ranges.append((opens, closes))
    closed_days: set[dt.date] = set()
    if site.is_closed_on_holidays:
        for year in range(begin.year, finish.year + 1):
            closed_days |= public_holidays(site.holiday_country, site.holiday_region, year)
    return Timetable(site.zone, dict(weekly), dict(exceptions), closed_days)

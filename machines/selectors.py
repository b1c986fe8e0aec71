"""Reads about machines and when their site is open."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

import holidays
from django.db.models import DateField, IntegerField, Value

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


def load_hours(sites: Iterable[Site]) -> None:
    """Read the weekly hours and exceptions of these sites, in one query, and keep them on the objects given."""
    wanted = {site.pk: site for site in sites}
    if not wanted:
        return
    found: dict[int, tuple[dict[int, list[Range]], dict[dt.date, list[Range]]]] = {
        pk: (defaultdict(list), defaultdict(list)) for pk in wanted
    }
    weekly = OpeningHours.objects.filter(site__in=wanted).order_by()
    dated = OpeningException.objects.filter(site__in=wanted).order_by()
    no_day, no_date = Value(None, IntegerField()), Value(None, DateField())
    rows = weekly.values_list("site_id", "weekday", no_date, "opens", "closes").union(
        dated.values_list("site_id", no_day, "date", "opens", "closes"), all=True
    )
    for site_id, weekday, date, opens, closes in sorted(rows, key=lambda row: row[3] or dt.time(0)):
        by_weekday, by_date = found[site_id]
        ranges = by_date[date] if weekday is None else by_weekday[weekday]
        if opens is not None:
            ranges.append((opens, closes))
    for pk, site in wanted.items():
        # Only once they are whole: threads may share a site.
        site._hours = found[pk]  # type: ignore[attr-defined]


def timetable(site: Site, first: dt.date, last: dt.date) -> Timetable:
    """The site's hours, with its exceptions and the holidays of [first − 2 days, last + LONGEST_CLOSURE].

    One query, and none when they are at hand: see `load_hours`.
    """
    begin, finish = first - dt.timedelta(days=2), last + LONGEST_CLOSURE
    if not hasattr(site, "_hours"):
        load_hours([site])
    weekly, exceptions = site._hours  # type: ignore[attr-defined]
    closed_days: set[dt.date] = set()
    if site.is_closed_on_holidays:
        for year in range(begin.year, finish.year + 1):
            closed_days |= public_holidays(site.holiday_country, site.holiday_region, year)
    return Timetable(site.zone, weekly, exceptions, closed_days)

"""Reads about machines and when their site is open."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import holidays
from django.db.models import BooleanField, CharField, DateField, IntegerField, TimeField, Value

from machines.models import Machine, OpeningException, OpeningHours, Season
from machines.opening import Range, SeasonWeek, Timetable
from people.models import Site

# A machine that may run while the site is closed is held until the next opening: the longest closure we look over.
LONGEST_CLOSURE = dt.timedelta(days=45)
# The narrower a season, the sooner it is asked: two weeks of works beat the summer, the summer the school holidays.
SEASON_ORDER = (Season.Kind.DATES, Season.Kind.YEARLY, Season.Kind.SCHOOL_HOLIDAYS)

Week = dict[int, list[Range]]


@lru_cache(maxsize=256)
def public_holidays(country: str, region: str, year: int) -> frozenset[dt.date]:
    """The public holidays of a year; none for a country or region that is not known."""
    return _known_days(country, region, year, holidays.PUBLIC)


@lru_cache(maxsize=256)
def school_holidays(country: str, zone: str, year: int) -> frozenset[dt.date]:
    """The days of a year without school; none for a country, zone or year that is not known.

    In France for zones A, B and C: beyond the school years that are published, by their usual pattern.
    """
    return _known_days(country, zone, year, holidays.SCHOOL)


def _known_days(country: str, part: str, year: int, category: str) -> frozenset[dt.date]:
    if not country:
        return frozenset()
    try:
        days = holidays.country_holidays(country, subdiv=part or None, years=year, categories=(category,))
    except (NotImplementedError, ValueError):
        return frozenset()
    return frozenset(days)


@dataclass(slots=True)
class SiteHours:
    """What was read of a site's hours. The staffed ones leave out the ranges when nobody of the team is there."""

    weekly: Week = field(default_factory=lambda: defaultdict(list))
    staffed: Week = field(default_factory=lambda: defaultdict(list))
    exceptions: dict[dt.date, list[Range]] = field(default_factory=lambda: defaultdict(list))
    seasons: list[SeasonWeek] = field(default_factory=list)
    staffed_seasons: list[SeasonWeek] = field(default_factory=list)
    titles: dict[dt.date, str] = field(default_factory=dict)
    is_always_staffed: bool = True
    has_school_season: bool = False


def load_hours(sites: Iterable[Site]) -> None:
    """Read the weeks, seasons and exceptions of these sites, in one query, and keep them on the objects given."""
    wanted = {site.pk: site for site in sites}
    if not wanted:
        return
    found = {pk: SiteHours() for pk in wanted}
    rows = sorted(_rows_of(wanted), key=lambda row: row.opens or dt.time(0))
    by_season: dict[int, list[HoursRow]] = defaultdict(list)
    for row in rows:
        if row.season_id is not None:
            by_season[row.season_id].append(row)
            continue
        hours = found[row.site_id]
        if row.weekday is None and row.date is not None:
            ranges = hours.exceptions[row.date]
            if row.name:
                hours.titles[row.date] = row.name
            if row.opens is not None and row.closes is not None:
                ranges.append((row.opens, row.closes))
        else:
            _add_range(hours, row, hours.weekly, hours.staffed)
    for season_rows in sorted(by_season.values(), key=_season_rank):
        _add_season(found[season_rows[0].site_id], season_rows)
    for pk, site in wanted.items():
        # Only once they are whole: threads may share a site.
        site._hours = found[pk]  # type: ignore[attr-defined]


def shared_sites(machines: Iterable[Machine]) -> dict[int, Site]:
    """The machines' sites, one object for each, which they share from here on: what is read of it is read once."""
    sites: dict[int, Site] = {}
    for machine in machines:
        machine.unit.site = sites.setdefault(machine.unit.site_id, machine.unit.site)
    return sites


@dataclass(frozen=True, slots=True)
class HoursRow:
    """A range of a week or of a date; or, with neither, a season of which this is all there is. `name` is that of the
    season, or why the date is special."""

    site_id: int
    weekday: int | None
    date: dt.date | None
    opens: dt.time | None
    closes: dt.time | None
    is_staffed: bool
    season_id: int | None
    kind: str | None
    first: dt.date | None
    last: dt.date | None
    name: str | None


def _rows_of(wanted: Iterable[int]) -> list[HoursRow]:
    ids = list(wanted)
    no_day, no_date, no_time = Value(None, IntegerField()), Value(None, DateField()), Value(None, TimeField())
    staffed = Value(True, BooleanField())
    weekly = OpeningHours.objects.filter(site__in=ids).order_by()
    dated = OpeningException.objects.filter(site__in=ids).order_by()
    seasons = Season.objects.filter(site__in=ids).order_by()
    of_season = ("season__kind", "season__first", "season__last", "season__name")
    rows = weekly.values_list(
        "site_id", "weekday", no_date, "opens", "closes", "is_staffed", "season_id", *of_season
    ).union(
        dated.values_list(
            "site_id", no_day, "date", "opens", "closes", staffed, Value(None, IntegerField()),
            Value(None, CharField()), Value(None, DateField()), Value(None, DateField()), "title",
        ),
        # Closed throughout, a season has no hours: that it is there must be read all the same.
        seasons.values_list(
            "site_id", no_day, no_date, no_time, no_time, staffed, "id", "kind", "first", "last", "name"
        ),
        all=True,
    )  # fmt: skip
    return [HoursRow(*row) for row in rows]


def _add_range(hours: SiteHours, row: HoursRow, week: Week, staffed: Week) -> None:
    if row.weekday is None or row.opens is None or row.closes is None:
        return
    week[row.weekday].append((row.opens, row.closes))
    if row.is_staffed:
        staffed[row.weekday].append((row.opens, row.closes))
    else:
        hours.is_always_staffed = False


def _season_rank(rows: Sequence[HoursRow]) -> tuple[int, dt.date, int]:
    row = rows[0]
    return SEASON_ORDER.index(Season.Kind(row.kind or Season.Kind.DATES)), row.first or dt.date.min, row.season_id or 0


def _add_season(hours: SiteHours, rows: Sequence[HoursRow]) -> None:
    week: Week = defaultdict(list)
    staffed: Week = defaultdict(list)
    for row in rows:
        _add_range(hours, row, week, staffed)
    first, last, is_yearly = rows[0].first, rows[0].last, rows[0].kind == Season.Kind.YEARLY
    name = rows[0].name or ""
    hours.seasons.append(SeasonWeek(name, week, first, last, is_yearly))
    hours.staffed_seasons.append(SeasonWeek(name, staffed, first, last, is_yearly))
    hours.has_school_season = hours.has_school_season or first is None


def _hours_of(site: Site) -> SiteHours:
    if not hasattr(site, "_hours"):
        load_hours([site])
    return site._hours  # type: ignore[attr-defined, no-any-return]


def timetable(site: Site, first: dt.date, last: dt.date) -> Timetable:
    """The site's hours, with its seasons, exceptions and the holidays of [first − 2 days, last + LONGEST_CLOSURE].

    One query, and none when they are at hand: see `load_hours`.
    """
    hours = _hours_of(site)
    years = range((first - dt.timedelta(days=2)).year, (last + LONGEST_CLOSURE).year + 1)
    closed_days: set[dt.date] = set()
    no_school: set[dt.date] = set()
    for year in years:
        if site.is_closed_on_holidays:
            closed_days |= public_holidays(site.holiday_country, site.holiday_region, year)
        if hours.has_school_season:
            no_school |= school_holidays(site.holiday_country, site.school_zone, year)
    return Timetable(
        site.zone, hours.weekly, hours.exceptions, closed_days, hours.seasons, no_school, hours.titles
    )  # fmt: skip


def staffed_timetable(site: Site, first: dt.date, last: dt.date) -> Timetable | None:
    """As `timetable`, of the hours when somebody of the team is there; None where that is always so.

    Whoever opens on a special date is there. One query, and none when the hours are at hand.
    """
    hours = _hours_of(site)
    if hours.is_always_staffed:
        return None
    return replace(timetable(site, first, last), weekly=hours.staffed, seasons=hours.staffed_seasons)


def machines_of_model(machine: Machine) -> list[Machine]:
    """Those of the machine's model at its site, itself included, in the order of their wear. One query.

    A machine without a model stands for itself only.
    """
    if not machine.model_name:
        return [machine]
    same = Machine.objects.filter(
        model_name=machine.model_name, unit__site=machine.unit.site_id, retired_at=None
    )  # fmt: skip
    return list(same.with_places().order_by("used_s", "pk")) or [machine]

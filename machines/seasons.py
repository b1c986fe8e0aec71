"""Writes and reads of seasons: parts of the year with a week of their own, and of the hours when many come."""

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction

from fablab.lib.changes import note_change
from machines.checked import set_checked
from machines.models import OpeningHours, PeakHours, Season
from machines.opening import Range
from machines.opening_checks import check_ranges
from machines.selectors import SEASON_ORDER, school_holidays
from machines.services import tell_opening_changed
from people.models import Person, Site


def seasons_of(site: Site) -> list[Season]:
    """The site's seasons, in the order in which they are asked. One query."""
    rank = {kind: number for number, kind in enumerate(SEASON_ORDER)}
    rows = Season.objects.filter(site=site)
    return sorted(rows, key=lambda row: (rank[Season.Kind(row.kind)], row.first or dt.date.min, row.pk))


@transaction.atomic
def add_season(
    *,
    site: Site,
    name: str,
    kind: str,
    first: dt.date | None,
    last: dt.date | None,
    by: Person | None,
    now: dt.datetime,
) -> Season:
    """A part of the year with a week of its own, which begins as a copy of the usual week, so that nobody finds the
    door shut before the week is written.

    Side effects in order: lock the site; insert the season and its hours; announce the machines.

    Raises:
        ValidationError: a day is missing, or the last comes before the first.
    """
    Site.objects.select_for_update(of=("self",), no_key=True).get(pk=site.pk)
    season = Season(site=site, **_checked(name, kind, first, last))
    season.full_clean()
    season.save()
    usual = OpeningHours.objects.filter(site=site, season=None)
    OpeningHours.objects.bulk_create(
        OpeningHours(
            site=site, season=season, weekday=row.weekday, opens=row.opens, closes=row.closes,
            is_staffed=row.is_staffed,
        )
        for row in usual
    )  # fmt: skip
    tell_opening_changed(site)
    note_change("new", season, by)
    return season


@transaction.atomic
def change_season(
    *, season: Season, name: str, kind: str, first: dt.date | None, last: dt.date | None, by: Person | None
) -> Season:
    """Other days or another name; its week stays.

    Raises:
        ValidationError: a day is missing, or the last comes before the first.
    """
    set_checked(season, _checked(name, kind, first, last))
    tell_opening_changed(season.site)
    note_change("changed", season, by)
    return season


def _checked(name: str, kind: str, first: dt.date | None, last: dt.date | None) -> dict[str, object]:
    is_school = kind == Season.Kind.SCHOOL_HOLIDAYS
    days = {"first": None, "last": None} if is_school else {"first": first, "last": last}
    return {"name": name.strip(), "kind": kind, **days}


@transaction.atomic
def remove_season(*, season: Season, by: Person | None) -> None:
    """The usual week holds again in that part of the year; its own week is gone."""
    note_change("removed", season, by)
    season.delete()
    tell_opening_changed(season.site)


@transaction.atomic
def set_peak_hours(
    *, site: Site, ranges: Mapping[int, Sequence[Range]], by: Person | None, now: dt.datetime
) -> list[PeakHours]:
    """Replace the hours when many want to come: ISO weekday → local `(from, until)`; 00:00 is midnight.

    Reservations that exist stay; limits that look at peak hours only are counted by these from now on.

    Raises:
        ValidationError: a range ends before it begins, or two of a day overlap.
    """
    for day_ranges in ranges.values():
        check_ranges(day_ranges)
    Site.objects.select_for_update(of=("self",), no_key=True).get(pk=site.pk)
    rows = [
        PeakHours(site=site, weekday=weekday, begins=begins, ends=ends)
        for weekday, day_ranges in sorted(ranges.items())
        for begins, ends in sorted(day_ranges)
    ]
    PeakHours.objects.filter(site=site).delete()
    PeakHours.objects.bulk_create(rows)
    note_change("peak hours of", site, by)
    return rows


def has_school_holidays(site: Site, today: dt.date) -> bool:
    """Whether the school holidays of the site's zone are known, so that a season may follow them."""
    return bool(school_holidays(site.holiday_country, site.school_zone, today.year))

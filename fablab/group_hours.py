"""What the team reserves for groups against the opening hours: never refused, since the hours are its own, but said."""

import datetime as dt
from collections.abc import Sequence

from fablab.lib.intervals import Interval
from machines.opening import opening_between
from machines.selectors import timetable
from people.models import Site
from reservations.closures import COMING
from reservations.models import Reservation


def groups_on_changed_dates(*, site: Site, now: dt.datetime) -> list[Reservation]:
    """The groups to come that touch a date with hours of its own and are not inside them. One query, and one for the
    hours where they are not at hand.

    Outside the week's hours a group is no news: evenings and Mondays are what teams reserve for schools.
    """
    today = _day(now, site)
    changed = [date for date in timetable(site, today, today).exceptions if date >= today]
    if not changed:
        return []
    rows = Reservation.objects.filter(site=site, machine=None, status__in=COMING, end__gt=now)
    first, end = min(changed) - dt.timedelta(days=1), max(changed) + dt.timedelta(days=2)
    near = rows.filter(start__date__lte=end, end__date__gte=first).select_related("site", "created_by__guardian")
    dates = set(changed)
    found = [row for row in near.order_by("start", "pk") if dates & _days(Interval(row.start, row.end), site)]
    return outside_hours(site=site, rows=found)


def outside_hours(*, site: Site, rows: Sequence[Reservation]) -> list[Reservation]:
    """Those of the site's reservations of which a part lies outside its opening hours, in their order. One query, none
    where the hours are at hand."""
    if not rows:
        return []
    start, end = min(row.start for row in rows), max(row.end for row in rows)
    opening = opening_between(start, end, timetable(site, _day(start, site), _day(end, site)))
    return [row for row in rows if not any(times.contains(Interval(row.start, row.end)) for times in opening)]


def _day(instant: dt.datetime, site: Site) -> dt.date:
    return instant.astimezone(site.zone).date()


def _days(times: Interval, site: Site) -> set[dt.date]:
    """The dates it touches; an end at midnight belongs to the day before."""
    first, last = _day(times.start, site), _day(times.end - dt.timedelta(microseconds=1), site)
    return {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}

"""Why a reservation no longer fits, as whoever holds it reads it: the fact, and what the team gave as its reason."""

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext as _

from machines.opening import Timetable
from machines.selectors import timetable
from machines.year import DayKind, day_of
from people.models import Site
from reservations.models import Reservation

NAMED = frozenset({DayKind.SPECIAL, DayKind.SPECIAL_CLOSED, DayKind.SEASON, DayKind.SEASON_CLOSED})


def closed_words(site: Site, rows: Sequence[Reservation]) -> list[str]:
    """Of each of these reservations outside the opening hours: that it is closed, and the reason of that day if it has
    one. One query beside the hours of the site, none where there is no reservation."""
    if not rows:
        return []
    zone = site.zone
    first = min(row.start for row in rows).astimezone(zone).date()
    last = max(row.end for row in rows).astimezone(zone).date()
    table = timetable(site, first, last)
    return [_with(_("we are closed then"), _because(row, table)) for row in rows]


def _because(row: Reservation, table: Timetable) -> str:
    """The first reason of the days that it touches."""
    first = row.start.astimezone(table.zone).date()
    # An end at midnight belongs to the day before.
    last = (row.end - dt.timedelta(microseconds=1)).astimezone(table.zone).date()
    days = [day_of(first + dt.timedelta(days=n), table, table.titles) for n in range((last - first).days + 1)]
    found = (
        _("public holiday") if day.kind == DayKind.HOLIDAY else day.title if day.kind in NAMED else "" for day in days
    )
    return next(filter(None, found), "")


def away_words(what: str, *, is_gone: bool, because: str | None) -> str:
    """Of a machine that is not there: `because` is the reason of an outage of ours, None where there is none.

    Without `what` it is the machine that was reserved.
    """
    name = {"what": what}
    if is_gone:
        return _("%(what)s is no longer there") % name if what else _("the machine is no longer there")
    if because is None:
        elsewhere = _("%(what)s is taken in another calendar then") % name
        return elsewhere if what else _("the machine is taken in another calendar then")
    is_out = _("%(what)s is out of service") % name if what else _("the machine is out of service")
    return _with(is_out, because)


def _with(fact: str, because: str) -> str:
    return f"{fact} ({because.strip().rstrip('.')})" if because.strip() else fact

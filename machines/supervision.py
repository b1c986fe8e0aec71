"""When somebody of the team is on duty: dangerous machines want it."""

import datetime as dt

from fablab.lib.intervals import Interval, merged
from machines.models import Shift
from machines.opening import opening_between
from machines.selectors import staffed_timetable
from people.lab import current_lab
from people.models import Module, Site
from people.visits import is_team_present

AHEAD = dt.timedelta(days=7)


def supervised_times(site: Site, start: dt.datetime, end: dt.datetime) -> tuple[Interval, ...] | None:
    """When somebody is on duty around [start, end), joined; None where nothing is said of it, and so nothing asked.

    By the rota where the site has one, else in the opening hours that are not marked as without the team. A week
    ahead too, so that a refusal can name the next time. At most one query.
    """
    if not site.has_rota:
        return _staffed_times(site, start, end + AHEAD)
    rows = Shift.objects.standing().of_the_team().filter(site=site).overlapping(start, end + AHEAD)
    return tuple(merged(Interval(begin, finish) for begin, finish in rows.values_list("start", "end")))


def _staffed_times(site: Site, start: dt.datetime, end: dt.datetime) -> tuple[Interval, ...] | None:
    first, last = (instant.astimezone(site.zone).date() for instant in (start, end))
    table = staffed_timetable(site, first, last)
    return None if table is None else tuple(opening_between(start, end, table))


def supervised_now(
    site: Site, start: dt.datetime, end: dt.datetime, *, now: dt.datetime
) -> tuple[Interval, ...] | None:
    """As `supervised_times`, for what starts now: who is checked in counts, not who should be. At most two queries.

    Somebody of the team who is here watches over all of [start, end): a later departure stops nothing. Where nobody
    can check in, or no rota says that somebody must, the plan holds beside it.
    """
    planned = supervised_times(site, start, end)
    if planned is None:
        return None
    if is_team_present(site=site, now=now):
        return (Interval(start, end),)
    if site.has_rota and current_lab().has(Module.DESK):
        return tuple(duty for duty in planned if duty.start > now)
    return planned

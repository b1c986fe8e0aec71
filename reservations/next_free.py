"""When each of many machines can be had next, by anybody: one look at the calendar for all of them."""

import datetime as dt
from collections.abc import Sequence

from fablab.lib.intervals import Interval
from machines.models import Machine
from machines.opening import opening_between
from machines.selectors import shared_sites, timetable
from reservations.availability import earliest_start, free_time, starts

LONGEST_GRID = dt.timedelta(hours=1)
LOOK_AHEAD = dt.timedelta(days=7)


def next_free(machines: Sequence[Machine], now: dt.datetime) -> dict[int, dt.datetime]:
    """The next start of each machine's shortest reservation within a week, by the machine's key; one without any is
    left out. Without notice the step of the grid that runs now may be taken.

    One query where the hours of the sites are at hand, else two.
    """
    sites = shared_sites(machines)
    if not machines:
        return {}
    window = Interval(now, now + LOOK_AHEAD)
    opening = {}
    for pk, site in sites.items():
        first, last = (instant.astimezone(site.zone).date() for instant in (now, window.end))
        opening[pk] = opening_between(now, window.end, timetable(site, first, last))
    found: dict[int, dt.datetime] = {}
    least = min(machine.booking.shortest for machine in machines)
    for free in free_time(machines, Interval(now - LONGEST_GRID, window.end), least=least):
        machine, settings = free.machine, free.machine.booking
        if machine.pk in found:
            continue
        soonest = starts(
            [free],
            duration=settings.shortest,
            opening=opening[machine.unit.site_id],
            earliest=earliest_start(machine, now),
            most=1,
        )
        if soonest and soonest[0].interval.start <= now + settings.window:
            found[machine.pk] = soonest[0].interval.start
    return found

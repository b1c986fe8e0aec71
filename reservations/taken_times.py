"""Times that are taken, and that somebody may wait for: the starts that one would choose if they were free."""

import datetime as dt
from collections.abc import Sequence

from fablab.lib.intervals import Interval
from machines.models import Machine, Outage
from machines.opening import opening_between
from machines.selectors import LONGEST_CLOSURE, shared_sites, timetable
from reservations.availability import next_on_grid
from reservations.facts import taken_of_units
from reservations.rules import blocked_interval
from reservations.search import PartOfDay

# Nobody reads through every five minutes of a day.
STEP = dt.timedelta(minutes=30)
MOST_EACH = 24


def taken_times(
    machines: Sequence[Machine],
    *,
    duration: dt.timedelta,
    window: Interval,
    now: dt.datetime,
    part_of_day: PartOfDay | None = None,
    most_each: int = MOST_EACH,
) -> dict[int, list[Interval]]:
    """Of each machine the times of this length that begin in the window, while the site is open, and that somebody
    else holds; by the machine's key, machines without any left out.

    At most two queries, one more where the hours of the sites are not at hand.
    """
    fitting = [m for m in machines if _fits(m, duration)]
    if not fitting or window.is_empty:
        return {}
    shared_sites(fitting)
    wide = Interval(window.start - dt.timedelta(days=1), window.end + duration + dt.timedelta(days=1))
    held = taken_of_units({machine.unit_id: wide for machine in fitting})
    found: dict[int, list[Interval]] = {}
    out: dict[int, list[Interval]] | None = None
    for machine in fitting:
        taken = held.get(machine.unit_id, [])
        within = Interval(max(window.start, now + machine.booking.notice),
                          min(window.end, now + machine.booking.window))  # fmt: skip
        if not taken or not _times(machine, taken, [], within, duration, part_of_day):
            continue
        # Asked only where there is something to take away from.
        out = _outages(fitting, wide) if out is None else out
        if times := _times(machine, taken, out.get(machine.pk, []), within, duration, part_of_day):
            found[machine.pk] = times[:most_each]
    return found


def _outages(machines: Sequence[Machine], wide: Interval) -> dict[int, list[Interval]]:
    out: dict[int, list[Interval]] = {}
    rows = Outage.objects.filter(machine__in=[machine.pk for machine in machines]).overlapping(wide.start, wide.end)
    for machine_id, start, end in rows.values_list("machine_id", "start", "end"):
        out.setdefault(machine_id, []).append(Interval(start, end or wide.end))
    return out


def _fits(machine: Machine, duration: dt.timedelta) -> bool:
    settings = machine.booking
    return settings.shortest <= duration <= settings.longest and not duration % settings.grid


def _times(
    machine: Machine,
    held: Sequence[Interval],
    out: Sequence[Interval],
    within: Interval,
    duration: dt.timedelta,
    part_of_day: PartOfDay | None,
) -> list[Interval]:
    settings, site = machine.booking, machine.site
    first, last = (instant.astimezone(site.zone).date() for instant in (within.start, within.end + duration))
    beyond = LONGEST_CLOSURE if settings.spans_closing else dt.timedelta(days=1)
    opening = tuple(opening_between(within.start, within.end + duration + beyond, timetable(site, first, last)))
    step, found = max(settings.grid, STEP), []
    at = next_on_grid(within.start, step, site.zone)
    while at < within.end:
        asked = Interval(at, at + duration)
        at = next_on_grid(at + step, step, site.zone)
        if part_of_day is not None and part_of_day.next_start(asked.start, site.zone) != asked.start:
            continue
        is_open = any(o.holds(asked.start) if settings.spans_closing else o.contains(asked) for o in opening)
        if not is_open or any(outage.overlaps(asked) for outage in out):
            continue
        blocked = blocked_interval(asked, settings, opening)
        if any(other.overlaps(blocked) for other in held):
            found.append(asked)
    return found

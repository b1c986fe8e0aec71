"""A machine's day as rows: free, taken, closed. For the machine page and the reserve page."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from fablab.lib.intervals import Interval, merged, subtracted
from machines.models import Machine
from machines.opening import instant_of
from reservations.availability import FreeTime, earliest_start, free_time, next_on_grid, starts
from reservations.facts import opening_around
from reservations.selectors import held_with_titles


@dataclass(frozen=True, slots=True)
class DayRow:
    """One stretch of the day, cut to the machine's grid where it is free; `title` is what the team holds it for."""

    interval: Interval
    is_free: bool
    title: str = ""


def day_window(machine: Machine, day: dt.date) -> Interval:
    """The local day in UTC: 23, 24 or 25 hours."""
    zone = machine.site.zone
    return Interval(instant_of(day, dt.time(0), zone), instant_of(day + dt.timedelta(days=1), dt.time(0), zone))


def day_rows(
    machine: Machine, day: dt.date, now: dt.datetime, *, free: Sequence[FreeTime] | None = None
) -> list[DayRow]:
    """Free and taken time of the local day inside opening hours, in order; time that is over is left out.

    `free` is the machine's free time over a window that covers the day, where the caller has it already.
    """
    window, settings = day_window(machine, day), machine.booking
    window = Interval(max(window.start, now), window.end)
    if window.is_empty:
        return []
    zone = machine.site.zone
    spans = free_time([machine], window, least=settings.shortest) if free is None else free
    usable = []
    for span in spans:
        first = next_on_grid(max(span.interval.start, window.start), settings.grid, zone)
        last = min(span.interval.end, window.end)
        if last - first >= settings.shortest:
            usable.append(Interval(first, last))
    held = held_with_titles(machine.unit_id, window)
    taken = merged(Interval(max(i.start, window.start), min(i.end, window.end)) for i, _ in held)
    titled = [(interval, title) for interval, title in held if title]
    busy = [DayRow(i, False, _title_in(i, titled)) for i in subtracted(taken, usable)]
    rows = [DayRow(i, True) for i in usable] + busy
    return sorted(rows, key=lambda row: row.interval)


def _title_in(interval: Interval, titled: Sequence[tuple[Interval, str]]) -> str:
    return ", ".join(dict.fromkeys(title for held, title in titled if held.overlaps(interval)))


def day_starts(
    machine: Machine, day: dt.date, duration: dt.timedelta, now: dt.datetime, *, twins: Sequence[Machine] = ()
) -> list[FreeTime]:
    """Every reservation of this length that may start on the local day, soonest first.

    With `twins` any of them will do: each start once, on whichever is named first.
    """
    window = day_window(machine, day)
    earliest = max(window.start, earliest_start(machine, now))
    if earliest >= window.end:
        return []
    long_window = Interval(earliest, window.end + duration)
    found = starts(
        free_time(twins or [machine], long_window, least=duration),
        duration=duration,
        opening=opening_around(machine, earliest, window.end),
        earliest=earliest,
        most=300,
    )
    once = {f.interval.start: f for f in reversed(found) if f.interval.start < window.end}
    return [once[start] for start in sorted(once)]

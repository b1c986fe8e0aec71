"""Free time, computed in SQL for many machines at once: opening hours minus what is held, minus outages."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from fablab.lib.intervals import Interval, subtracted
from machines.models import Machine
from machines.models.booking_settings import BookingSettings
from machines.opening import opening_between
from machines.selectors import timetable
from reservations.facts import epoch_instant
from reservations.rules import blocked_interval, is_open_at_end, on_grid

MOMENT = dt.timedelta(microseconds=1)
# A reservation may start where the machine is free once both buffers, its own and its neighbours', are kept:
# the others' blocked time, grown by this machine's clean-up before and set-up after.
FREE_SQL = """
SELECT wanted.machine_id,
       extract(epoch FROM lower(free))::float8,
       extract(epoch FROM upper(free))::float8
FROM unnest(%(machine_ids)s::bigint[], %(unit_ids)s::bigint[], %(setups)s::interval[], %(cleanups)s::interval[],
            %(openings)s::tstzmultirange[]) AS wanted (machine_id, unit_id, setup, cleanup, opening)
CROSS JOIN LATERAL (
    SELECT coalesce(range_agg(tstzrange(lower(blocked) - wanted.cleanup, upper(blocked) + wanted.setup)), '{}') AS held
    FROM reservations_heldunit
    WHERE unit_id = wanted.unit_id AND is_holding
      AND blocked && tstzrange(%(start)s - wanted.setup, %(end)s + wanted.cleanup)
) AS busy
CROSS JOIN LATERAL (
    SELECT coalesce(range_agg(tstzrange("start", "end")), '{}') AS held
    FROM machines_outage
    WHERE machine_id = wanted.machine_id AND "start" < %(end)s AND ("end" IS NULL OR "end" > %(start)s)
) AS outage
CROSS JOIN LATERAL unnest(
    (wanted.opening * tstzmultirange(tstzrange(%(start)s, %(end)s))) - busy.held - outage.held
) AS free
WHERE upper(free) - lower(free) >= %(least)s
ORDER BY lower(free), wanted.machine_id
"""


@dataclass(frozen=True, slots=True)
class FreeTime:
    """A machine is free over the interval, for anyone who may use it."""

    machine: Machine
    interval: Interval


def free_time(
    machines: Sequence[Machine], window: Interval, *, least: dt.timedelta = dt.timedelta(0)
) -> list[FreeTime]:
    """Where these machines are free inside the window for at least `least`, soonest first.

    Two queries for each site (its hours), one for all machines. Where a machine may run while the site is
    closed, closed time counts as free and only the start must be checked: see `starts`.
    """
    if not machines or window.is_empty:
        return []
    openings = _openings(machines, window)
    rows = {machine.pk: machine for machine in machines}
    settings = [machine.booking for machine in machines]
    params: dict[str, Any] = {
        "machine_ids": [machine.pk for machine in machines],
        "unit_ids": [machine.unit_id for machine in machines],
        "setups": [s.setup_buffer for s in settings],
        "cleanups": [s.cleanup_buffer for s in settings],
        "openings": [
            "{" + f"[{window.start.isoformat()},{(window.end + s.longest).isoformat()})" + "}"
            if s.spans_closing
            else _multirange(openings[machine.site.pk])
            for machine, s in zip(machines, settings, strict=True)
        ],
        "start": window.start,
        "end": window.end,
        "least": least,
    }
    with connection.cursor() as cursor:
        cursor.execute(FREE_SQL, params)
        return [
            FreeTime(rows[machine_id], Interval(epoch_instant(begin), epoch_instant(finish)))
            for machine_id, begin, finish in cursor.fetchall()
        ]


def _openings(machines: Iterable[Machine], window: Interval) -> dict[int, list[Interval]]:
    sites = {machine.site.pk: machine.site for machine in machines}
    result = {}
    for pk, site in sites.items():
        table = timetable(site, window.start.astimezone(site.zone).date(), window.end.astimezone(site.zone).date())
        result[pk] = opening_between(window.start, window.end, table)
    return result


def _multirange(intervals: Iterable[Interval]) -> str:
    return "{" + ",".join(f"[{i.start.isoformat()},{i.end.isoformat()})" for i in intervals) + "}"


def next_on_grid(instant: dt.datetime, grid: dt.timedelta, zone: ZoneInfo) -> dt.datetime:
    """The first instant at or after this one whose local wall-clock time lies on the grid."""
    wall = instant.astimezone(zone)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    since = wall.replace(tzinfo=None) - midnight
    found = instant + (-since % grid)
    # A change of clock by half an hour (Lord Howe) may lie between the two.
    return found if on_grid(found, grid, zone) else next_on_grid(found, grid, zone)


def earliest_start(machine: Machine, now: dt.datetime) -> dt.datetime:
    """From when on the machine may be reserved: with the notice it wants; without, the step of the grid that runs now,
    since "now" is the first thing people ask for."""
    settings = machine.booking
    if settings.notice:
        return now + settings.notice
    return next_on_grid(now - settings.grid + MOMENT, settings.grid, machine.site.zone)


def starts(
    free: Iterable[FreeTime],
    *,
    duration: dt.timedelta,
    opening: Sequence[Interval],
    earliest: dt.datetime,
    busy: Sequence[Interval] = (),
    most: int = 100,
) -> list[FreeTime]:
    """Reservations of this length that fit into the free time, on each machine's grid, soonest first.

    `opening` limits the start of machines that may run while the site is closed; `busy` is when the person is
    at another machine, and counts only where they must stay.
    """
    found: list[FreeTime] = []
    counts: dict[int, int] = defaultdict(int)
    for span in free:
        settings, zone = span.machine.booking, span.machine.site.zone
        pieces = [span.interval]
        if not settings.spans_closing:
            pieces = subtracted(pieces, busy)
        for piece in pieces:
            at = next_on_grid(max(piece.start, earliest), settings.grid, zone)
            while at + duration <= piece.end and counts[span.machine.pk] < most:
                asked = Interval(at, at + duration)
                if not settings.spans_closing or _fits_unattended(asked, piece, settings, opening):
                    found.append(FreeTime(span.machine, asked))
                    counts[span.machine.pk] += 1
                at = next_on_grid(at + settings.grid, settings.grid, zone)
    found.sort(key=lambda f: (f.interval.start, f.machine.position, f.machine.pk))
    return found[:most]


def _fits_unattended(asked: Interval, free: Interval, settings: BookingSettings, opening: Sequence[Interval]) -> bool:
    """Whether it starts while open, and the machine stays free until somebody can clear it."""
    if not any(o.holds(asked.start) for o in opening):
        return False
    if settings.is_lent and not is_open_at_end(asked.end, opening):
        return False
    blocked = blocked_interval(asked, settings, tuple(opening))
    return blocked.end - settings.cleanup_buffer <= free.end

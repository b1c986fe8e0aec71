"""The timeline: for each machine what is taken and free, over a day or seven. Names are told as the API tells them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fablab.at_machine import unnamed_between
from fablab.lib.intervals import Interval
from fablab.timeline_axis import day_of, hours_drawn, pieces_of
from machines.closed_words import ClosedDay, closed_days
from machines.models import Machine
from machines.opening import opening_between
from machines.selectors import timetable
from people.models import Site
from reservations.availability import free_time, next_on_grid
from reservations.calendar_api import blocks
from reservations.facts import outages_of

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a machine's day. `reference`, `name` and `team` are there for those who may know them only."""

    interval: Interval
    kind: str
    title: str = ""
    name: str = ""
    reference: str = ""
    status: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class DayLine:
    """One machine on one day; the stretches are in order, and time that is over is not free any more."""

    day: dt.date
    stretches: list[Stretch]
    closed: ClosedDay | None
    is_over: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One machine on all the days shown."""

    machine: Machine
    days: list[DayLine]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the page shows: the words, and the same to be drawn."""

    lines: list[Line]
    window: Interval
    opening: list[Interval]
    closed: list[ClosedDay]
    out: dict[int, list[Interval]]
    taken: list[Interval]
    unnamed: dict[int, list[Stretch]]


def timeline_of(
    machines: Sequence[Machine], site: Site, first: dt.date, days: int, *, person: Any, now: dt.datetime
) -> Timeline:
    """These machines of the site over the local days. At most six queries, however many machines; one more for the
    team, who also see what ran without a name.

    A name is told to the team and to whoever holds the reservation.
    """
    every_day = [day_of(first + n * DAY, site.zone) for n in range(days)]
    window = Interval(every_day[0].start, every_day[-1].end)
    table = timetable(site, first, first + days * DAY)
    opening = opening_between(window.start, window.end, table)
    closed = closed_days(first, days, table)
    free = _free(machines, Interval(max(window.start, now), window.end))
    held = blocks(list(machines), window, person) if machines else {}
    out = {
        key: [_cut(Interval(outage.start, outage.end or window.end), window) for outage in found]
        for key, found in outages_of(machines, window.start, window.end).items()
    }
    unnamed = {
        key: [Stretch(_cut(ran, window), "unnamed", reference=reference) for reference, ran in found]
        for key, found in unnamed_between(machines, site, window, person, now).items()
    }
    lines = []
    for machine in machines:
        stretches = [_taken(block) for block in held[machine.pk]]
        stretches += [Stretch(interval, "free") for interval in free[machine.pk]]
        stretches += [Stretch(interval, "out") for interval in out.get(machine.pk, ())]
        stretches += unnamed.get(machine.pk, ())
        found = [_day_line(stretches, machine, day, closed, now) for day in every_day]
        lines.append(Line(machine, found))
    taken = [Interval(block["start"], block["end"]) for found in held.values() for block in found]
    return Timeline(lines, window, opening, closed, out, taken, unnamed)


def _free(machines: Sequence[Machine], window: Interval) -> dict[int, list[Interval]]:
    found: dict[int, list[Interval]] = defaultdict(list)
    for span in free_time(machines, window):
        found[span.machine.pk].append(span.interval)
    return found


def _taken(block: dict[str, Any]) -> Stretch:
    return Stretch(
        Interval(block["start"], block["end"]), "yours" if block.get("is_own") else "taken", block.get("title", ""),
        block.get("name", ""), block.get("reference", ""), block.get("status", ""), block.get("team", ""),
    )  # fmt: skip


def _cut(interval: Interval, window: Interval) -> Interval:
    return Interval(max(interval.start, window.start), min(interval.end, window.end))


def _day_line(
    stretches: Sequence[Stretch], machine: Machine, day: Interval, closed: Sequence[ClosedDay], now: dt.datetime
) -> DayLine:
    settings, zone = machine.booking, machine.site.zone
    date = day.start.astimezone(zone).date()
    shut = next((each for each in closed if each.day == date), None)
    found = []
    for each in stretches:
        cut = _cut(each.interval, day)
        if each.kind == "free":
            cut = Interval(next_on_grid(cut.start, settings.grid, zone), cut.end) if not cut.is_empty else cut
        # What is free is offered where a reservation has room in it, and on days when it may begin: what runs on while
        # the site is closed begins before.
        if cut.is_empty or (each.kind == "free" and (shut is not None or cut.duration < settings.shortest)):
            continue
        found.append(replace(each, interval=cut))
    found.sort(key=lambda stretch: (stretch.interval, stretch.kind))
    return DayLine(date, found, shut, day.end <= now)


def drawing_of(timeline: Timeline, site: Site, first: dt.date, days: int) -> dict[str, Any]:
    """What the browser needs to draw it: an axis, the machines, and where nothing can be reserved. Instants in ms.

    Reservations are not part of it: the browser asks the API for them, now and whenever something changes.
    """
    pieces = pieces_of(first, days, site.zone)
    machines = [line.machine for line in timeline.lines]
    hours = hours_drawn(pieces, days, [*(_cut(o, timeline.window) for o in timeline.opening), *timeline.taken])
    closed = _closed(timeline)
    out = [
        {"machines": [machine.slug], "kind": "out", "start": _ms(interval.start), "end": _ms(interval.end)}
        for machine in machines
        for interval in timeline.out.get(machine.pk, ())
    ]
    every = [machine.slug for machine in machines]
    unnamed = [
        {"machines": [machine.slug], "kind": "unnamed", "words": "?",
         "start": _ms(each.interval.start), "end": _ms(each.interval.end)}
        for machine in machines
        for each in timeline.unnamed.get(machine.pk, ())
    ]  # fmt: skip
    return {
        "days": days,
        "zone": site.time_zone,
        "start": timeline.window.start.isoformat(),
        "end": timeline.window.end.isoformat(),
        "pieces": [
            {"drawn": p.drawn.isoformat(), "at": _ms(p.at), "lasts": int(p.lasts.total_seconds() * 1000)}
            for p in pieces
        ],
        "hours": hours,
        "snap_min": min((int(m.booking.grid.total_seconds() // 60) for m in machines), default=15),
        "machines": [{"id": machine.slug, "title": machine.name} for machine in machines],
        "shades": [
            *({"machines": every, "kind": "closed", "start": _ms(c.start), "end": _ms(c.end)} for c in closed),
            *_closed_shades(timeline, site, every),
            *out,
            *unnamed,
        ],
    }


def _closed_shades(timeline: Timeline, site: Site, machines: list[str]) -> list[dict[str, Any]]:
    """The whole days that are closed, with what is said of them."""
    found = ((day_of(each.day, site.zone), each.words) for each in timeline.closed)
    return [
        {"machines": machines, "kind": "closed-day", "start": _ms(day.start), "end": _ms(day.end), "words": words}
        for day, words in found
    ]


def _closed(timeline: Timeline) -> list[Interval]:
    """The window without the opening hours."""
    found, at = [], timeline.window.start
    for interval in timeline.opening:
        if interval.start > at:
            found.append(Interval(at, interval.start))
        at = max(at, interval.end)
    if at < timeline.window.end:
        found.append(Interval(at, timeline.window.end))
    return found


def _ms(instant: dt.datetime) -> int:
    return int(instant.timestamp() * 1000)

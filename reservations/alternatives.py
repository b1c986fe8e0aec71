"""Up to three other ways to get what was refused: another machine of the kind, or the next free time."""

import datetime as dt

from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person
from reservations.availability import FreeTime, free_time, starts
from reservations.errors import Alternative
from reservations.facts import opening_around
from reservations.models import Reservation
from reservations.rules import CURED_BY_ANOTHER_TIME

MOST = 3
LOOK_AHEAD = dt.timedelta(days=7)


def alternatives(
    *, machine: Machine, holder: Person | None, asked: Interval, codes: set[str], now: dt.datetime
) -> list[Alternative]:
    """Other machines of the category at the time asked for, then the next free times. At most 7 queries.

    None when a reason stands that no other time would cure (a missing qualification, a suspension).
    """
    settings = machine.booking
    duration = min(max(asked.duration, settings.shortest), settings.longest)
    if not codes <= CURED_BY_ANOTHER_TIME or settings.longest < duration:
        return []
    earliest = max(asked.start, now + settings.notice)
    peers = [machine] + [
        other
        for other in Machine.objects.visible_to(holder)
        .with_places()
        .filter(  # type: ignore[arg-type]
            category_id=machine.category_id, unit__site_id=machine.unit.site_id
        )
        if other.pk != machine.pk
    ]
    window = Interval(earliest, min(earliest + LOOK_AHEAD, now + settings.window + settings.longest))
    free = free_time(peers, window, least=duration)
    found = starts(
        free,
        duration=duration,
        opening=opening_around(machine, window.start, window.end),
        earliest=earliest,
        busy=_busy(holder, window) if holder else (),
        most=40,
    )
    return [Alternative(f.machine, f.interval) for f in _varied(found, machine, asked)]


def _varied(found: list[FreeTime], machine: Machine, asked: Interval) -> list[FreeTime]:
    """The same time on a twin, then the machine itself at its soonest, then the soonest twin later."""
    same_time = [f for f in found if f.machine.pk != machine.pk and f.interval.start == asked.start]
    itself = [f for f in found if f.machine.pk == machine.pk]
    others = [f for f in found if f.machine.pk != machine.pk and f not in same_time]
    chosen = [*same_time[:1], *itself[:1], *others[:1], *itself[1:], *others[1:]]
    return sorted(chosen[:MOST], key=lambda f: f.interval.start)


def _busy(holder: Person, window: Interval) -> list[Interval]:
    rows = Reservation.objects.open().filter(holder=holder).overlapping(window.start, window.end)
    return [Interval(begin, end) for begin, end in rows.values_list("start", "end")]

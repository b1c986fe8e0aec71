"""Up to three other ways to get what was refused: another machine of the kind, or the next free time."""

import datetime as dt
from collections.abc import Set

from django.contrib.auth.models import AnonymousUser

from fablab.lib.intervals import Interval
from machines.models import BookingSettings, Machine
from people.models import Person
from reservations.availability import FreeTime, free_time, starts
from reservations.errors import Alternative
from reservations.facts import opening_around
from reservations.facts_of_people import busy_times
from reservations.models import Reservation
from reservations.rules import CURED_BY_ANOTHER_TIME

MOST = 3
LOOK_AHEAD = dt.timedelta(days=7)


def alternatives(
    *,
    machine: Machine,
    holder: Person | None,
    asked: Interval,
    codes: Set[str],
    now: dt.datetime,
    ignoring: Reservation | None = None,
) -> list[Alternative]:
    """Other machines of the category at the time asked for, then the next free times. At most 7 queries.

    `ignoring` is the reservation being moved: its holder is not busy with it.

    None when a reason stands that no other time would cure (a missing qualification, a suspension).
    """
    settings = machine.booking
    duration = _on_grid(asked.duration, settings)
    if not codes <= CURED_BY_ANOTHER_TIME or duration < settings.shortest:
        return []
    earliest = max(asked.start, now + settings.notice)
    # What is lent for a fortnight would never fit into a week.
    ahead = LOOK_AHEAD + duration if settings.is_lent else LOOK_AHEAD
    window = Interval(earliest, min(earliest + ahead, now + settings.window + settings.longest))
    found = starts(
        free_time(_peers(machine, holder, duration), window, least=duration),
        duration=duration,
        opening=opening_around(machine, window.start, window.end),
        earliest=earliest,
        busy=[interval for interval, _ in busy_times(holder, window.start, window.end, ignoring=ignoring)]
        if holder
        else (),
        most=40,
    )
    return [Alternative(f.machine, f.interval) for f in _varied(_in_reach(found, now), machine, asked)]


def _on_grid(duration: dt.timedelta, settings: BookingSettings) -> dt.timedelta:
    """The length in whole steps of the grid, so that the end falls on it too: up, or down where that is too long."""
    up = -(-duration // settings.grid) * settings.grid
    return up if up <= settings.longest else up - settings.grid


def _peers(machine: Machine, holder: Person | None, duration: dt.timedelta) -> list[Machine]:
    """The machine unless it is retired, and those of its kind and site that ask nothing more of the person."""
    others = (
        Machine.objects.visible_to(holder or AnonymousUser())
        .with_places()
        .filter(category_id=machine.category_id, unit__site_id=machine.unit.site_id)
        .exclude(pk=machine.pk)
    )
    return [machine] * (machine.retired_at is None) + [
        other
        for other in others
        if other.wanted_qualification in (None, machine.wanted_qualification)
        and other.booking.shortest <= duration <= other.booking.longest
        and duration % other.booking.grid == dt.timedelta(0)
    ]


def _in_reach(found: list[FreeTime], now: dt.datetime) -> list[FreeTime]:
    """Neither too soon nor too far for the machine itself, which may differ from its category."""
    return [f for f in found if now + f.machine.booking.notice <= f.interval.start <= now + f.machine.booking.window]


def _varied(found: list[FreeTime], machine: Machine, asked: Interval) -> list[FreeTime]:
    """The same time on a twin, then the machine itself at its soonest, then the soonest twin later."""
    same_time = [f for f in found if f.machine.pk != machine.pk and f.interval.start == asked.start]
    itself = [f for f in found if f.machine.pk == machine.pk]
    others = [f for f in found if f.machine.pk != machine.pk and f not in same_time]
    chosen = [*same_time[:1], *itself[:1], *others[:1], *itself[1:], *others[1:], *same_time[1:]]
    return sorted(chosen[:MOST], key=lambda f: f.interval.start)

"""The facts that the rules need, read from the database: one query each, whatever the years behind."""

import datetime as dt
from typing import Any

from django.db import connection

from fablab.lib.intervals import Interval
from machines.models import Attendance, Machine, Outage, QualificationGrant
from machines.opening import opening_between
from machines.selectors import LONGEST_CLOSURE, timetable
from people.models import Person, Suspension
from reservations.models import Reservation
from reservations.rules import (
    BookingFacts,
    HeldQualification,
    Purpose,
    SuspensionFact,
    Unavailability,
    WantedQualification,
    blocked_interval,
)


def epoch_instant(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(float(seconds), dt.UTC)


def booking_facts(
    *,
    machine: Machine,
    holder: Person | None,
    start: dt.datetime,
    end: dt.datetime,
    purpose: Purpose = Purpose.BOOK,
    ignoring: Reservation | None = None,
) -> BookingFacts:
    """Everything the rules look at for this machine, person and time. At most 8 queries.

    `ignoring` is the reservation being moved: it is not in its own way.
    """
    settings = machine.booking
    opening = opening_around(machine, start, end)
    blocked = blocked_interval(Interval(start, end), settings, opening)
    return BookingFacts(
        zone=machine.site.zone,
        settings=settings,
        opening=opening,
        purpose=purpose,
        unavailable=unavailabilities(machine, start, end),
        taken=tuple(taken_intervals(machine.unit_id, blocked, ignoring=ignoring)),
        blocked=blocked,
        busy=busy_times(holder, start, end, ignoring=ignoring) if holder else (),
        wanted=wanted_qualification(machine),
        held=_held(machine, holder) if holder else (),
        suspension=_suspension(holder, start) if holder else None,
    )


def standing_facts(*, machine: Machine, holder: Person, at: dt.datetime) -> BookingFacts:
    """Only what no other time would change: the person's qualification and suspension. At most 2 queries."""
    return BookingFacts(
        zone=machine.site.zone,
        settings=machine.booking,
        opening=(),
        purpose=Purpose.BOOK,
        unavailable=(),
        taken=(),
        blocked=Interval(at, at),
        busy=(),
        wanted=wanted_qualification(machine),
        held=_held(machine, holder),
        suspension=_suspension(holder, at),
    )


def opening_around(machine: Machine, start: dt.datetime, end: dt.datetime) -> tuple[Interval, ...]:
    """Opening intervals that touch the time asked for, and enough after it to know when the next one begins."""
    zone = machine.site.zone
    # Each day costs a step: an absurd end must not cost millions. Too long is refused whatever the hours.
    end = min(end, start + machine.booking.longest + LONGEST_CLOSURE)
    table = timetable(machine.site, start.astimezone(zone).date(), end.astimezone(zone).date())
    runs_closed = machine.booking.attendance == Attendance.START
    horizon = LONGEST_CLOSURE if runs_closed else dt.timedelta(days=8)
    return tuple(opening_between(start - dt.timedelta(days=1), end + horizon, table))


def taken_intervals(unit_id: int, window: Interval, *, ignoring: Reservation | None = None) -> list[Interval]:
    """What is held of the unit, buffers included, where it touches the window; nothing in an empty window.

    Ranges come as epochs: decoding range objects costs five times as much. The cast lets the constraint's index find
    the unit: beside a plain integer it is of no use, and the unit's whole past is read.
    """
    if window.is_empty:
        return []
    sql = """
        SELECT extract(epoch FROM lower(blocked))::float8, extract(epoch FROM upper(blocked))::float8
        FROM reservations_heldunit
        WHERE unit_id = %s::bigint AND is_holding AND blocked && tstzrange(%s, %s)
          AND reservation_id IS DISTINCT FROM %s
        ORDER BY lower(blocked)
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [unit_id, window.start, window.end, ignoring.pk if ignoring else None])
        return [Interval(epoch_instant(begin), epoch_instant(finish)) for begin, finish in cursor.fetchall()]


def unavailabilities(machine: Machine, start: dt.datetime, end: dt.datetime) -> tuple[Unavailability, ...]:
    """The machine's outages over [start, end), and that it is retired. One query."""
    rows = Outage.objects.filter(machine=machine).overlapping(start, end)
    outages = tuple(Unavailability(*row) for row in rows.values_list("start", "end", "reason", "kind"))
    if machine.retired_at is not None:
        return (Unavailability(machine.retired_at, None, "", "retired"), *outages)
    return outages


def busy_times(
    holder: Person, start: dt.datetime, end: dt.datetime, *, ignoring: Reservation | None = None
) -> tuple[tuple[Interval, str], ...]:
    """When the person must be at a machine around that time, with its name; one that runs alone does not count."""
    rows = (
        Reservation.objects.open()
        .filter(holder=holder)
        .overlapping(start, end)
        .exclude(pk=ignoring.pk if ignoring else None)  # type: ignore[misc]
        .values_list("start", "end", "machine__name", "machine__attendance", "machine__category__attendance")
    )
    return tuple(
        (Interval(begin, finish), name)
        for begin, finish, name, own, inherited in rows
        if (own or inherited) == Attendance.THROUGHOUT
    )


def wanted_qualification(machine: Machine) -> WantedQualification | None:
    """What the machine asks of its users, or nothing."""
    wanted: Any = machine.wanted_qualification
    if wanted is None:
        return None
    return WantedQualification(
        wanted.name_fr,
        wanted.name_en,
        wanted.training_fr,
        wanted.training_en,
        machine.category.qualification_level,
    )


def _held(machine: Machine, holder: Person) -> tuple[HeldQualification, ...]:
    wanted: Any = machine.wanted_qualification
    if wanted is None:
        return ()
    rows = QualificationGrant.objects.filter(person=holder, qualification=wanted)
    return tuple(HeldQualification(*row) for row in rows.values_list("level", "granted_at", "expires_at"))


def _suspension(holder: Person, start: dt.datetime) -> SuspensionFact | None:
    row = Suspension.objects.filter(person=holder).holding_at(start).values_list("reason", "end").first()
    return SuspensionFact(*row) if row else None

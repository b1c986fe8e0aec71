"""The facts that the rules need, read from the database: one query each, whatever the years behind."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from fablab.lib.intervals import Interval
from machines.models import Machine
from machines.opening import opening_between
from machines.parts import parts_of
from machines.policies import apply_policies, origins_of
from machines.selectors import LONGEST_CLOSURE, timetable
from machines.supervision import supervised_now, supervised_times
from people.models import Person
from reservations.facts_of_people import busy_times, companion_facts, of_kind_times, person_fact, standing_of
from reservations.in_use import in_use
from reservations.models import Reservation
from reservations.quotas import quota_facts
from reservations.rules import (
    RISK_OF_INJURY,
    BookingFacts,
    PartFact,
    Purpose,
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
    now: dt.datetime,
    purpose: Purpose = Purpose.BOOK,
    ignoring: Reservation | None = None,
    companions: Sequence[Person] = (),
    set_aside: frozenset[str] = frozenset(),
    holder_takes_part: bool = True,
) -> BookingFacts:
    """Everything the rules look at for this machine, person and time. At most 8 queries, more only for what the lab
    makes use of: rules for some, limits, rules to sign, things taken along, companions.

    `ignoring` is the reservation being moved: it is not in its own way.
    """
    used = in_use()
    apply_policies([machine], holder, now=now, are_there_any=used.policies)
    settings, asked = machine.booking, Interval(start, end)
    opening = opening_around(machine, start, end)
    blocked = blocked_interval(asked, settings, opening)
    parts = part_facts(machine, asked, blocked, ignoring=ignoring) if used.parts else ()
    comes = holder if holder_takes_part else None
    held, suspension = standing_of(holder, machine, start) if holder else ((), None)
    return BookingFacts(
        zone=machine.site.zone,
        settings=settings,
        opening=opening,
        purpose=purpose,
        unavailable=unavailabilities(machine, start, end),
        taken=tuple(taken_intervals(machine.unit_id, blocked, ignoring=ignoring)),
        blocked=blocked,
        busy=busy_times(comes, start, end, ignoring=ignoring) if comes else (),
        wanted=wanted_qualification(machine),
        held=held,
        suspension=suspension,
        risk=machine.risk,
        supervised=_supervised(machine, start, end, now, purpose),
        parts=parts,
        quotas=quota_facts(machine=machine, person=comes, asked=asked, now=now, ignoring=ignoring)
        if comes and used.quotas
        else (),
        of_kind=of_kind_times(machine, comes, asked, ignoring=ignoring) if comes and settings.rest else (),
        companions=companion_facts(machine, companions, asked, now=now, ignoring=ignoring),
        holder_comes=comes is not None,
        person=person_fact(machine, holder, asked, companions, used, ignoring=ignoring) if holder else None,
        changes_from=_given_up(purpose, ignoring),
        set_aside=set_aside,
        origins=origins_of(machine),
    )


def _supervised(
    machine: Machine, start: dt.datetime, end: dt.datetime, now: dt.datetime, purpose: Purpose
) -> tuple[Interval, ...] | None:
    """Booking reads the rota, starting reads who is checked in."""
    if machine.risk < RISK_OF_INJURY:
        return None
    if purpose == Purpose.START:
        return supervised_now(machine.site, start, end, now=now)
    return supervised_times(machine.site, start, end)


def _given_up(purpose: Purpose, ignoring: Reservation | None) -> Interval | None:
    if purpose != Purpose.MOVE or ignoring is None:
        return None
    return Interval(ignoring.start, ignoring.end)


def part_facts(
    machine: Machine, asked: Interval, blocked: Interval, *, ignoring: Reservation | None = None
) -> tuple[PartFact, ...]:
    """What is taken along, each with its own set-up and clean-up. One query where there is nothing."""
    parts = parts_of([machine.unit_id])
    if not parts:
        return ()
    held_until = blocked.end - machine.booking.cleanup_buffer
    windows: dict[int, Interval] = {}
    for part in parts:
        if not part.is_shared:
            windows[part.unit_id] = part_window(part.machine, asked, held_until)
    taken = taken_of_units(windows, ignoring=ignoring)
    machines = [part.machine for part in parts if part.machine is not None]
    out = outages_of(machines, asked.start, asked.end)
    return tuple(
        PartFact(
            name=part.name,
            unit_id=part.unit_id,
            blocked=windows.get(part.unit_id),
            taken=tuple(taken.get(part.unit_id, ())),
            unavailable=out.get(part.machine.pk, ()) if part.machine else (),
        )
        for part in parts
    )


def part_window(machine: Machine | None, asked: Interval, held_until: dt.datetime) -> Interval:
    """What a part is blocked for, with its own buffers where it is a machine; `held_until` is the end of the whole,
    before its clean-up."""
    own = machine.booking if machine else None
    if own is None:
        return Interval(asked.start, held_until)
    return Interval(asked.start - own.setup_buffer, held_until + own.cleanup_buffer)


def standing_facts(*, machine: Machine, holder: Person, at: dt.datetime) -> BookingFacts:
    """Only what no other time would change: the person's qualification, suspension, signatures, age and plan."""
    used = in_use()
    apply_policies([machine], holder, now=at, are_there_any=used.policies)
    held, suspension = standing_of(holder, machine, at)
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
        held=held,
        suspension=suspension,
        risk=machine.risk,
        person=person_fact(machine, holder, Interval(at, at), (), used),
        origins=origins_of(machine),
    )


def opening_around(machine: Machine, start: dt.datetime, end: dt.datetime) -> tuple[Interval, ...]:
    """Opening intervals that touch the time asked for, and enough after it to know when the next one begins."""
    zone = machine.site.zone
    # Each day costs a step: an absurd end must not cost millions. Too long is refused whatever the hours.
    end = min(end, start + machine.booking.longest + LONGEST_CLOSURE)
    table = timetable(machine.site, start.astimezone(zone).date(), end.astimezone(zone).date())
    horizon = LONGEST_CLOSURE if machine.booking.spans_closing else dt.timedelta(days=8)
    return tuple(opening_between(start - dt.timedelta(days=1), end + horizon, table))


def taken_intervals(unit_id: int, window: Interval, *, ignoring: Reservation | None = None) -> list[Interval]:
    """What is held of the unit, buffers included, where it touches the window; nothing in an empty window.

    Ranges come as epochs: decoding range objects costs five times as much. The cast lets the constraint's index find
    the unit: beside a plain integer it is of no use, and the unit's whole past is read.
    """
    return taken_of_units({unit_id: window}, ignoring=ignoring).get(unit_id, [])


TAKEN_SQL = """
SELECT wanted.unit_id, extract(epoch FROM lower(blocked))::float8, extract(epoch FROM upper(blocked))::float8
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS wanted (unit_id, begins, ends)
CROSS JOIN LATERAL (
    SELECT blocked FROM reservations_heldunit
    WHERE unit_id = wanted.unit_id AND is_holding AND blocked && tstzrange(wanted.begins, wanted.ends)
      AND reservation_id IS DISTINCT FROM %s
) AS held
ORDER BY 1, 2
"""


def taken_of_units(
    windows: Mapping[int, Interval], *, ignoring: Reservation | None = None
) -> dict[int, list[Interval]]:
    """For each unit what is held of it inside its window; units that are free are left out. At most one query."""
    asked = {unit_id: window for unit_id, window in windows.items() if not window.is_empty}
    if not asked:
        return {}
    starts, ends = [w.start for w in asked.values()], [w.end for w in asked.values()]
    found: dict[int, list[Interval]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(TAKEN_SQL, [list(asked), starts, ends, ignoring.pk if ignoring else None])
        for unit_id, begin, finish in cursor.fetchall():
            found[unit_id].append(Interval(epoch_instant(begin), epoch_instant(finish)))
    return dict(found)


# Asked with every reservation: as a query set it takes three times as long to build as to answer.
OUTAGES_SQL = """
SELECT machine_id, "start", "end", reason, kind FROM machines_outage
WHERE machine_id = ANY(%s) AND "start" < %s AND ("end" IS NULL OR "end" > %s)
ORDER BY "start" DESC, id
"""


def unavailabilities(machine: Machine, start: dt.datetime, end: dt.datetime) -> tuple[Unavailability, ...]:
    """The machine's outages over [start, end), and that it is retired. One query."""
    return outages_of([machine], start, end).get(machine.pk, ())


def outages_of(
    machines: Sequence[Machine], start: dt.datetime, end: dt.datetime
) -> dict[int, tuple[Unavailability, ...]]:
    """The outages over [start, end) by the machine's key, and which are retired. One query, none for no machine."""
    found: dict[int, list[Unavailability]] = defaultdict(list)
    for machine in machines:
        if machine.retired_at is not None:
            found[machine.pk].append(Unavailability(machine.retired_at, None, "", "retired"))
    if machines:
        with connection.cursor() as cursor:
            cursor.execute(OUTAGES_SQL, [[machine.pk for machine in machines], end, start])
            for machine_id, *outage in cursor.fetchall():
                found[machine_id].append(Unavailability(*outage))
    return {machine_id: tuple(outages) for machine_id, outages in found.items()}


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

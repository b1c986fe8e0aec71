"""Writes: reserve, move, cancel, check in, finish. Page, API, kiosk and device all come through here.

Order of locks, always: the person's row, then the unit rows sorted by id, then the insert. The exclusion
constraint is the proof, not the method: alone it deadlocks under a storm.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from fablab.lib.live import announce_machines
from fablab.lib.retries import retried
from machines.models import Machine, Unit
from people.models import Person, Team
from reservations.alternatives import alternatives
from reservations.errors import ReservationRefused, WrongState
from reservations.facts import booking_facts, busy_times, opening_around
from reservations.models import HeldUnit, Origin, Reservation, Status
from reservations.refusals import record_refusal
from reservations.rules import BookingFacts, Code, Purpose, blocked_interval, reservation_denials

CHECK_IN_OPENS = dt.timedelta(minutes=10)
NO_OVERLAP = "held_units_do_not_overlap"


def create_reservation(
    *,
    machine: Machine,
    start: dt.datetime,
    end: dt.datetime,
    holder: Person | None,
    by: Person | None,
    now: dt.datetime,
    origin: Origin = Origin.PAGE,
    purpose: Purpose = Purpose.BOOK,
    team: Team | None = None,
    note: str = "",
) -> Reservation:
    """Reserve the machine over [start, end).

    Side effects in order: lock person and unit; insert reservation and held unit; announce the machine; on
    refusal record it, then look for alternatives.

    Raises:
        ReservationRefused: with every reason.
    """
    try:
        return _create(
            machine=machine, start=start, end=end, holder=holder, by=by, now=now, origin=origin, purpose=purpose,
            team=team, note=note,
        )  # fmt: skip
    except ReservationRefused as refusal:
        record_refusal(machine, Interval(start, end), refusal.denials, holder, origin, now)
        refusal.alternatives = alternatives(
            machine=machine,
            holder=holder,
            asked=Interval(start, end),
            codes={denial.code for denial in refusal.denials},
            now=now,
        )
        raise


def preview_reservation(
    *,
    machine: Machine,
    start: dt.datetime,
    end: dt.datetime,
    holder: Person | None,
    now: dt.datetime,
    moving: Reservation | None = None,
    origin: Origin = Origin.PAGE,
) -> None:
    """Ask every rule without reserving anything; a refusal is recorded and comes with alternatives, like a real one.

    Raises:
        ReservationRefused: with every reason.
    """
    purpose = Purpose.MOVE if moving else Purpose.BOOK
    facts = booking_facts(machine=machine, holder=holder, start=start, end=end, purpose=purpose, ignoring=moving)
    try:
        _allowed(facts, start, end, now)
    except ReservationRefused as refusal:
        asked = Interval(start, end)
        record_refusal(machine, asked, refusal.denials, holder, origin, now)
        codes = {denial.code for denial in refusal.denials}
        refusal.alternatives = alternatives(machine=machine, holder=holder, asked=asked, codes=codes, now=now)
        raise


@retried
def _create(
    *,
    machine: Machine,
    start: dt.datetime,
    end: dt.datetime,
    holder: Person | None,
    by: Person | None,
    now: dt.datetime,
    origin: Origin,
    purpose: Purpose,
    team: Team | None,
    note: str,
) -> Reservation:
    # Asked before anything is locked: in a storm those who come too late leave without having waited.
    facts = booking_facts(machine=machine, holder=holder, start=start, end=end, purpose=purpose)
    asked, blocked = _allowed(facts, start, end, now)
    with transaction.atomic():
        lock_in_order(holder, [machine.unit_id])
        if holder is not None:
            # What only the person's own lock keeps true is asked again; the constraint answers for the machine.
            _allowed(replace(facts, busy=busy_times(holder, start, end)), start, end, now)
        reservation = Reservation(
            site_id=machine.unit.site_id, machine=machine, holder=holder, team=team, start=start, end=end,
            booked_start=start, booked_end=end, status=Status.CONFIRMED, origin=origin, note=note,
            created_at=now, created_by=by,
        )  # fmt: skip
        reservation.save(force_insert=True)
        with race_becomes_refusal(machine.site.zone, asked):
            HeldUnit.objects.create(
                reservation=reservation,
                unit_id=machine.unit_id,
                period=time_range(asked),
                blocked=time_range(blocked),
            )
        announce_machines([machine.pk])
    return reservation


def move_reservation(
    *,
    reservation: Reservation,
    start: dt.datetime,
    end: dt.datetime,
    by: Person,
    now: dt.datetime,
    machine: Machine | None = None,
) -> Reservation:
    """Move the reservation to another time or machine; every rule is asked at the destination.

    A reservation that runs keeps its start: only its end may change.

    Raises:
        ReservationRefused: with every reason; the old time is kept.
        WrongState: `not_open` when it has ended, `already_started` when a running one would get another start,
            `held_for_a_group` when it holds more than one machine.
    """
    target = machine or reservation.machine
    if target is None or reservation.machine is None:
        raise WrongState("held_for_a_group")
    try:
        return _move(reservation=reservation, start=start, end=end, now=now, machine=target)
    except ReservationRefused as refusal:
        asked = Interval(start, end)
        record_refusal(target, asked, refusal.denials, reservation.holder, Origin(reservation.origin), now)
        refusal.alternatives = alternatives(
            machine=target,
            holder=reservation.holder,
            asked=asked,
            codes={denial.code for denial in refusal.denials},
            now=now,
        )
        raise


@retried
def _move(
    *, reservation: Reservation, start: dt.datetime, end: dt.datetime, now: dt.datetime, machine: Machine
) -> Reservation:
    with transaction.atomic():
        units = HeldUnit.objects.filter(reservation=reservation).values_list("unit_id", flat=True)
        lock_in_order(reservation.holder, [*units, machine.unit_id])
        fresh = _locked(reservation)
        if not fresh.is_movable or fresh.end <= now:
            raise WrongState("not_open")
        is_running = fresh.status == Status.IN_USE or fresh.start <= now
        if is_running and (start != fresh.start or machine.pk != fresh.machine_id):
            raise WrongState("already_started")
        purpose = Purpose.EXTEND if is_running else Purpose.MOVE
        facts = booking_facts(
            machine=machine, holder=fresh.holder, start=start, end=end, purpose=purpose, ignoring=fresh
        )
        asked, blocked = _allowed(facts, start, end, now)
        left = machine_ids_of(fresh)
        fresh.machine, fresh.site_id = machine, machine.unit.site_id
        fresh.start = fresh.booked_start = start
        fresh.end = fresh.booked_end = end
        fresh.save(update_fields=["machine", "site", "start", "end", "booked_start", "booked_end"])
        with race_becomes_refusal(machine.site.zone, asked):
            HeldUnit.objects.filter(reservation=fresh).update(
                unit_id=machine.unit_id, period=time_range(asked), blocked=time_range(blocked)
            )
        announce_machines([*left, machine.pk])
    return fresh


def cancel_reservation(*, reservation: Reservation, by: Person, now: dt.datetime) -> Reservation:
    """Give the whole time back. Cancelling twice changes nothing.

    Raises:
        WrongState: `already_used` once it was started, `not_open` when it ended another way.
    """
    with transaction.atomic():
        fresh = _locked(reservation)
        if fresh.status == Status.CANCELLED:
            return fresh
        if fresh.status == Status.IN_USE:
            raise WrongState("already_used")
        if not fresh.is_movable or fresh.end <= now:
            raise WrongState("not_open")
        fresh.status, fresh.cancelled_at, fresh.cancelled_by = Status.CANCELLED, now, by
        fresh.save(update_fields=["status", "cancelled_at", "cancelled_by"])
        announce_machines(machine_ids_of(fresh))
    return fresh


def check_in(*, reservation: Reservation, now: dt.datetime, by: Person | None = None) -> Reservation:
    """The person is there (or the machine was seen running). From 10 min before the start; twice changes nothing.

    Raises:
        WrongState: `too_early`, or `not_open` when it has ended.
    """
    with transaction.atomic():
        fresh = _locked(reservation)
        if fresh.status == Status.IN_USE:
            return fresh
        if fresh.status != Status.CONFIRMED or fresh.end <= now:
            raise WrongState("not_open")
        if now < fresh.start - CHECK_IN_OPENS:
            raise WrongState("too_early")
        fresh.status, fresh.checked_in_at = Status.IN_USE, now
        fresh.save(update_fields=["status", "checked_in_at"])
        announce_machines(machine_ids_of(fresh))
    return fresh


def finish_reservation(*, reservation: Reservation, now: dt.datetime, by: Person | None = None) -> Reservation:
    """End it; before its time, the tail goes back to others. The booked times are kept.

    Before it even began (somebody checked in early and left), all of it goes back: it counts as cancelled.

    Raises:
        WrongState: `not_started` before it was checked in, `not_open` when it has ended.
    """
    with transaction.atomic():
        fresh = _locked(reservation)
        if fresh.status == Status.COMPLETED:
            return fresh
        if fresh.status != Status.IN_USE:
            raise WrongState("not_started" if fresh.status == Status.CONFIRMED else "not_open")
        if now <= fresh.start:
            fresh.status, fresh.cancelled_at, fresh.cancelled_by = Status.CANCELLED, now, by
        else:
            if now < fresh.end:
                _give_back_tail(fresh, now)
            fresh.status, fresh.finished_at = Status.COMPLETED, now
        fresh.save(update_fields=["status", "finished_at", "end", "cancelled_at", "cancelled_by"])
        announce_machines(machine_ids_of(fresh))
    return fresh


def close_ended_reservations(*, now: dt.datetime, most: int = 500) -> int:
    """Reservations whose time is over become finished; how many. Those never checked in too: whether they were
    no-shows is for the no-show rule to say, with its evidence."""
    closed = 0
    rows = Reservation.objects.filter(status__in=[Status.CONFIRMED, Status.IN_USE], end__lte=now)
    for reservation in rows.order_by("end")[:most]:
        with transaction.atomic():
            done = Reservation.objects.filter(pk=reservation.pk, status=reservation.status, end=reservation.end).update(
                status=Status.COMPLETED, finished_at=reservation.end
            )
            if done:
                closed += 1
                announce_machines(machine_ids_of(reservation))
    return closed


def _give_back_tail(reservation: Reservation, now: dt.datetime) -> None:
    """What was set up stays held, and what nobody can clear before the next opening too."""
    reservation.end = now
    for held in reservation.held_units.select_related("unit__machine__category", "unit__site"):
        machine = getattr(held.unit, "machine", None)
        used = Interval(reservation.start, now)
        needed = used
        if machine is not None:
            needed = blocked_interval(used, machine.booking, opening_around(machine, reservation.start, now))
        held.period = DateTimeTZRange(held.period.lower, now)
        held.blocked = DateTimeTZRange(held.blocked.lower, min(held.blocked.upper, needed.end))
        held.save(update_fields=["period", "blocked"])


def machine_ids_of(reservation: Reservation) -> list[int]:
    """The machines whose boards change with it: its own, or all that it holds for a group."""
    if reservation.machine_id is not None:
        return [reservation.machine_id]
    held = HeldUnit.objects.filter(reservation=reservation, unit__machine__isnull=False)
    return list(held.values_list("unit__machine__pk", flat=True))


def _allowed(facts: BookingFacts, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> tuple[Interval, Interval]:
    """The time asked for and the time it blocks, once every rule agrees."""
    denials = reservation_denials(facts=facts, start=start, end=end, now=now)
    if denials:
        raise ReservationRefused(denials)
    asked = Interval(start, end)
    return asked, blocked_interval(asked, facts.settings, facts.opening)


def lock_in_order(person: Person | None, unit_ids: Iterable[int]) -> None:
    """The person's row, then the unit rows by id: the one order in which anything here waits."""
    with connection.cursor() as cursor:
        if person is not None:
            cursor.execute("SELECT 1 FROM people_person WHERE id = %s FOR NO KEY UPDATE", [person.pk])
        cursor.execute(
            f"SELECT 1 FROM {Unit._meta.db_table} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",  # noqa: S608
            [sorted(set(unit_ids))],
        )


def _locked(reservation: Reservation) -> Reservation:
    return Reservation.objects.with_places().select_for_update(of=("self",), no_key=True).get(pk=reservation.pk)


@contextmanager
def race_becomes_refusal(zone: ZoneInfo, asked: Interval) -> Iterator[None]:
    """A violation of the exclusion constraint becomes the reason `taken`, which undoes the transaction around it."""
    try:
        yield
    except IntegrityError as error:
        if NO_OVERLAP not in str(error):
            raise
        params = {"start": asked.start, "end": asked.end, "zone": zone}
        raise ReservationRefused([Denial(Code.TAKEN, params)]) from error


def time_range(interval: Interval) -> DateTimeTZRange:
    """As PostgreSQL holds it, half-open."""
    return DateTimeTZRange(interval.start, interval.end)

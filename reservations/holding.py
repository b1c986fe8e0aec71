"""Locks, and the rows that hold units. Order of locks, always: people, then the unit rows by id, then the insert.

The exclusion constraint is the proof, not the method: alone it deadlocks under a storm.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models import Unit
from people.models import Person
from reservations.errors import ReservationRefused, WrongState
from reservations.models import HeldUnit, Reservation
from reservations.rules import BookingFacts, Code, blocked_interval

NO_OVERLAP = "held_units_do_not_overlap"


def lock_in_order(people: Iterable[Person | None], unit_ids: Iterable[int]) -> None:
    """The people's rows by id, then the unit rows by id: the one order in which anything here waits.

    Raises:
        WrongState: `person_is_gone`, when one of them was erased meanwhile.
    """
    person_ids = sorted({person.pk for person in people if person is not None})
    with connection.cursor() as cursor:
        if person_ids:
            cursor.execute(
                "SELECT erased_at FROM people_person WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [person_ids]
            )
            if any(erased_at is not None for (erased_at,) in cursor.fetchall()):
                raise WrongState("person_is_gone")
        cursor.execute(
            f"SELECT 1 FROM {Unit._meta.db_table} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",  # noqa: S608
            [sorted(set(unit_ids))],
        )


def locked(reservation: Reservation) -> Reservation:
    """As it is now, its row locked."""
    return Reservation.objects.with_places().select_for_update(of=("self",), no_key=True).get(pk=reservation.pk)


def windows_of(unit_id: int, facts: BookingFacts, asked: Interval) -> dict[int, Interval]:
    """What each unit would be blocked for: the machine's own, and those of what is taken along."""
    windows = {unit_id: blocked_interval(asked, facts.settings, facts.opening)}
    return windows | {part.unit_id: part.blocked for part in facts.parts if part.blocked is not None}


def hold_units(reservation: Reservation, windows: Mapping[int, Interval], zone: ZoneInfo) -> None:
    """Hold these units for a reservation that holds none yet.

    Raises:
        ReservationRefused: `taken`, when somebody was quicker; the transaction around it is undone.
    """
    asked = Interval(reservation.start, reservation.end)
    with race_becomes_refusal(zone, asked):
        HeldUnit.objects.bulk_create(
            HeldUnit(reservation=reservation, unit_id=unit_id, period=time_range(asked), blocked=time_range(window))
            for unit_id, window in sorted(windows.items())
        )


def hold_other_units(reservation: Reservation, windows: Mapping[int, Interval], zone: ZoneInfo) -> None:
    """Hold these units, for the time it has now, instead of those it held.

    Raises:
        ReservationRefused: as `hold_units`.
    """
    rows = HeldUnit.objects.filter(reservation=reservation)
    # Gone first: a unit that stays is held anew, and would be in its own way else.
    rows.delete()
    hold_units(reservation, windows, zone)


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


def machine_ids_of(reservation: Reservation) -> list[int]:
    """The machines whose boards change with it: all that it holds."""
    held = HeldUnit.objects.filter(reservation=reservation, unit__machine__isnull=False)
    found = set(held.values_list("unit__machine__pk", flat=True))
    return sorted(found | ({reservation.machine_id} if reservation.machine_id is not None else set()))


def time_range(interval: Interval) -> DateTimeTZRange:
    """As PostgreSQL holds it, half-open."""
    return DateTimeTZRange(interval.start, interval.end)

"""Ninety days of the lab's life, told by the services that every visitor uses.

Each day is drawn from its date alone, so that it is the same whenever it is loaded; what the rules make of it
(refusals, taken times) comes from the rules.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from django.db import connection, transaction

from fablab.demo.lab import BY_SLUG, OUT_OF_SERVICE
from fablab.demo.runs import Run, replay
from fablab.lib.intervals import Interval
from iot.partitions import ensure_partitions
from machines.models import Machine, QualificationGrant
from machines.models.qualification import Level
from machines.opening import opening_on
from machines.selectors import timetable
from people.models import Person, Site
from reservations.errors import ReservationRefused
from reservations.life import close_ended_reservations, finish_reservation
from reservations.models import Origin, Reservation, Status
from reservations.services import cancel_reservation, create_reservation

QUARTER = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)
# Quarters of an hour, from the shortest to the longest likely use of each kind.
LENGTHS = {"demo-printers": (4, 24), "demo-cutters": (2, 8), "demo-textiles": (4, 12), "demo-laptops": (4, 16)}
NOTES = ("", "", "", "Pièce de rechange", "Prototype", "Cadeau", "Projet du club", "Réparation", "Maquette")


@dataclass(frozen=True, slots=True)
class Cast:
    """Who and what the days are drawn from; `qualified` holds people by category."""

    site: Site
    machines: list[Machine]
    people: list[Person]
    qualified: dict[int, list[Person]]


def load_history(site: Site, first: dt.date, last: dt.date, report: Callable[[str], object]) -> None:
    """Load every open day of [first, last], each in a transaction of its own.

    Side effects in order: the readings' partitions; then for each day reservations and refusals, cancellations,
    readings and usage sessions, ends.
    """
    if first > last:
        return
    ensure_partitions(dt.datetime.combine(first, dt.time(), dt.UTC), months_ahead=(last - first).days // 28 + 3)
    table = timetable(site, first, last)
    days = [first + n * DAY for n in range((last - first).days + 1)]
    opening = [(day, hours) for day in days for hours in opening_on(day, table)[:1]]
    cast = make_cast(site)
    reserved = 0
    for number, (day, hours) in enumerate(opening, start=1):
        with transaction.atomic():
            _do_not_wait_for_the_disk()
            reserved += _load_day(cast, day, hours)
        if number % 10 == 0 or number == len(opening):
            report(f"  history {100 * number // len(opening)} %: {number} open days, {reserved} reservations")


def _do_not_wait_for_the_disk() -> None:
    # A power cut may take the last days of a demo: the next loading draws them again.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def make_cast(site: Site) -> Cast:
    """Everybody and everything the days are drawn from, in one order whatever their keys; not what visitors added."""
    machines = list(Machine.objects.with_places().filter(unit__site=site, slug__in=BY_SLUG))
    people = list(Person.objects.filter(card_code__startswith="demo-").order_by("card_code"))
    grants = QualificationGrant.objects.filter(level__gte=Level.ALONE)
    holders = set(grants.values_list("person_id", "qualification_id"))
    qualified = {
        m.category_id: [p for p in people if not m.wanted_qualification or (p.pk, m.wanted_qualification.pk) in holders]
        for m in machines
    }
    return Cast(site, machines, people, qualified)


def _load_day(cast: Cast, day: dt.date, hours: Interval) -> int:
    rng = Random(f"day {day}")
    runs: list[Run] = []
    reservations: list[Reservation] = []
    for _ in range(rng.randint(4, 8)):
        reservation = _reserve(cast, rng, hours, reservations)
        reservations += [reservation] if reservation else []
    early: list[tuple[Reservation, dt.datetime]] = []
    for reservation in reservations:
        fate = rng.random()
        if fate < 0.09 and reservation.holder:
            at = reservation.start - dt.timedelta(hours=rng.randint(1, 6))
            cancel_reservation(reservation=reservation, by=reservation.holder, now=max(at, reservation.created_at))
        elif fate > 0.18:
            run = _run_of(reservation, rng)
            runs.append(run)
            if run.end < reservation.end - 2 * QUARTER and rng.random() < 0.6:
                early.append((reservation, run.end + dt.timedelta(minutes=4)))
    if rng.random() < 0.3:
        runs += _unclaimed(cast, rng, hours, reservations)
    replay(runs, boot=f"demo-{day}")
    for reservation, at in early:
        _finish(reservation, at)
    close_ended_reservations(now=hours.start + DAY)
    return len(reservations)


def _reserve(cast: Cast, rng: Random, hours: Interval, others: list[Reservation]) -> Reservation | None:
    """One request as somebody makes it, days ahead; None when the rules refused it."""
    machine, asked = _wish(cast, rng, hours)
    # Most people look at the calendar first: one in ten asks for what is taken.
    if rng.random() < 0.9 and _is_taken(machine, asked, others):
        machine, asked = _wish(cast, rng, hours)
    # Now and then somebody asks who may not, or nearly.
    holder = rng.choice(cast.people if rng.random() < 0.06 else cast.qualified[machine.category_id])
    asked_at = asked.start - dt.timedelta(days=rng.randint(0, 6), hours=rng.randint(1, 9), minutes=rng.randint(0, 59))
    try:
        return create_reservation(
            machine=machine,
            start=asked.start,
            end=asked.end,
            holder=holder,
            by=holder,
            now=asked_at,
            origin=rng.choices([Origin.PAGE, Origin.DESK, Origin.KIOSK, Origin.API], [70, 18, 9, 3])[0],
            note=rng.choice(NOTES),
        )
    except ReservationRefused:
        return None


def _wish(cast: Cast, rng: Random, hours: Interval) -> tuple[Machine, Interval]:
    """A machine and a time within the day's hours, on the grid."""
    machine = rng.choice(cast.machines)
    length = rng.randint(*LENGTHS[machine.category.slug]) * QUARTER
    last_start = max(hours.end - min(length, 16 * QUARTER), hours.start)
    start = hours.start + rng.randint(0, (last_start - hours.start) // QUARTER) * QUARTER
    return machine, Interval(start, start + length)


def _is_taken(machine: Machine, asked: Interval, others: list[Reservation]) -> bool:
    # A quarter of an hour covers the buffers of every kind.
    return any(
        r.machine_id == machine.pk and r.start < asked.end + QUARTER and r.end > asked.start - QUARTER for r in others
    )


def _run_of(reservation: Reservation, rng: Random) -> Run:
    """What was really done with the reservation: a little late, and rarely all of it."""
    start = reservation.start + dt.timedelta(seconds=rng.randint(60, 540))
    length = (reservation.end - start) * rng.uniform(0.45, 0.98)
    assert reservation.machine is not None  # members reserve machines
    return Run(reservation.machine.slug, start, start + max(length, dt.timedelta(minutes=5)))


def _unclaimed(cast: Cast, rng: Random, hours: Interval, reservations: list[Reservation]) -> list[Run]:
    """Somebody switches a machine on without a reservation, where nobody has one that day."""
    taken = {reservation.machine_id for reservation in reservations}
    idle = [m for m in cast.machines if m.pk not in taken and m.slug != OUT_OF_SERVICE]
    if not idle:
        return []
    start = hours.start + (hours.end - hours.start) * rng.uniform(0.1, 0.7)
    return [Run(rng.choice(idle).slug, start, start + dt.timedelta(minutes=rng.randint(8, 70)))]


def _finish(reservation: Reservation, at: dt.datetime) -> None:
    reservation.refresh_from_db(fields=["status"])
    if reservation.status == Status.IN_USE:
        finish_reservation(reservation=reservation, now=at, by=reservation.holder)

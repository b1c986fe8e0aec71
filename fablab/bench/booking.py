"""Reserving in process: granted and refused."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from fablab.bench.measure import Times, timed
from fablab.bench.requests import MEMBER, UnexpectedAnswer
from fablab.bench.size import DAYS_AHEAD
from machines.models import Machine
from people.models import Notice, Person
from reservations.errors import ReservationRefused
from reservations.models import Refusal, Reservation, Status
from reservations.services import create_reservation

ROUNDS = 100
NOTE = "bench"


def creation() -> Times:
    """Granted ones, each with its commit; they are removed afterwards."""
    machine, holder, now = _machine(), Person.objects.get(card_code=MEMBER), timezone.now()
    free = _free_hours(machine, now)

    def reserve() -> None:
        create_reservation(**_wish(machine, holder, next(free), now))

    with _left_as_found():
        return timed(reserve, rounds=ROUNDS)


def wish_for(now: dt.datetime) -> dict[str, Any]:
    """What a member asks for who is granted it."""
    machine = _machine()
    return _wish(machine, Person.objects.get(card_code=MEMBER), next(_free_hours(machine, now)), now)


def _wish(machine: Machine, holder: Person, start: dt.datetime, now: dt.datetime) -> dict[str, Any]:
    end = start + dt.timedelta(minutes=30)
    return {"machine": machine, "start": start, "end": end, "holder": holder, "by": holder, "now": now, "note": NOTE}


def refusal() -> Times:
    """Asked for somebody's time: recorded, then up to three alternatives are looked for.

    Raises:
        UnexpectedAnswer: it was granted, or came without alternatives.
    """
    holder, now = Person.objects.get(card_code=MEMBER), timezone.now()
    taken = (
        Reservation.objects.filter(status=Status.CONFIRMED, start__gt=now + dt.timedelta(days=1))
        .exclude(holder=holder)
        .with_places()
        .order_by("start", "pk")[0]
    )

    machine = taken.machine
    assert machine is not None  # members reserve machines

    def ask() -> None:
        try:
            create_reservation(
                machine=machine, start=taken.start, end=taken.end, holder=holder, by=holder, now=now, note=NOTE
            )
        except ReservationRefused as refused:
            if refused.alternatives:
                return
        raise UnexpectedAnswer("a taken time was not refused with alternatives")

    with _left_as_found():
        return timed(ask, rounds=ROUNDS)


def _machine() -> Machine:
    return Machine.objects.with_places().order_by("pk")[0]


def _free_hours(machine: Machine, now: dt.datetime) -> Iterator[dt.datetime]:
    """Half hours after the seeded days, inside the opening hours."""
    zone = machine.site.zone
    first = now.astimezone(zone).date() + dt.timedelta(days=DAYS_AHEAD + 1)
    for day in range(10):
        for half_hour in range(28):
            time = dt.time(8 + half_hour // 2, 30 * (half_hour % 2))
            yield dt.datetime.combine(first + dt.timedelta(days=day), time, zone)


@contextmanager
def _left_as_found() -> Iterator[None]:
    last_refusal = Refusal.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    last_notice = Notice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    try:
        yield
    finally:
        # The history of a reservation stays, and so does the reservation: only its time is given back.
        Reservation.objects.filter(note=NOTE).update(note="", status="cancelled", cancelled_at=timezone.now())
        Refusal.objects.filter(pk__gt=last_refusal).delete()
        Notice.objects.filter(pk__gt=last_notice).delete()

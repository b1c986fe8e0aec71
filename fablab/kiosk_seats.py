"""A sign-in on a shared computer lasts no longer than the seat: which reservation that is, and whether it is over."""

import datetime as dt
from dataclasses import dataclass

from people.models import Kiosk, Person
from reservations.models import Participant, Reservation, Status
from reservations.models.reservation import OPEN


@dataclass(frozen=True, slots=True)
class Seat:
    """`reservation_id` and `end` of the seat one sits on; `is_over` once it ended, or once somebody else sits there."""

    reservation_id: int | None = None
    end: dt.datetime | None = None
    is_over: bool = False


NO_SEAT = Seat()


def seat_of(*, kiosk: Kiosk, person_id: int, known_id: int | None, now: dt.datetime) -> Seat:
    """The seat behind this screen for the person. One query, and none for a screen at the entrance.

    `known_id` is the seat found at an earlier look: once it has ended the sign-in ends with it. Before one was found,
    the running seat counts when it is theirs or a ticket's without a name; somebody else's ends the sign-in.
    """
    if kiosk.kind != Kiosk.Kind.SHARED_PC:
        return NO_SEAT
    rows = Reservation.objects.filter(machine__kiosk=kiosk)
    if known_id is not None:
        known = rows.filter(pk=known_id).only("pk", "end", "status").first()
        is_over = known is None or known.status not in OPEN or known.end <= now
        return Seat(known_id, known.end if known else None, is_over)
    running = rows.filter(status=Status.IN_USE, end__gt=now).order_by("start").only("pk", "end", "holder_id").first()
    if running is None:
        return NO_SEAT
    if running.holder_id not in (None, person_id) and not _takes_part(running, person_id):
        return Seat(None, None, is_over=True)
    return Seat(running.pk, running.end)


def taken_until(*, kiosk: Kiosk, person: Person, now: dt.datetime) -> dt.datetime | None:
    """Until when somebody else sits there; None when the person may sign in."""
    rows = Reservation.objects.filter(machine__kiosk=kiosk, status=Status.IN_USE, end__gt=now, holder__isnull=False)
    if kiosk.kind != Kiosk.Kind.SHARED_PC:
        return None
    others = rows.exclude(holder=person).exclude(participants__person=person)
    return others.values_list("end", flat=True).first()


def _takes_part(running: Reservation, person_id: int) -> bool:
    return Participant.objects.filter(reservation=running, person=person_id).exists()

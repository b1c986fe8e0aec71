"""What leaves the place: handed over part by part, taken back part by part, and photographed on the way.

The loan lasts as long as its reservation; while it is out the reservation stays in use, also after its end.
"""

import datetime as dt
from collections.abc import Mapping
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext

from machines.closing_services import declare_outage
from machines.errors import AlreadyOut
from machines.models import Machine, Outage
from machines.photos import reencoded
from people.models import Person
from people.permissions import is_staff
from reservations.errors import OnlyForTheTeam, WrongState
from reservations.holding import lock_in_order, locked
from reservations.lent import leaves_the_place
from reservations.life import CHECK_IN_OPENS, check_in, finish_reservation
from reservations.loan_notices import forget_due, remind_of_due, tell_back
from reservations.models import Condition, HeldUnit, Loan, LoanItem, LoanPhoto, Reservation, Status
from reservations.overdue import lift_overdue

MOST_PHOTOS = 12


def things_held(reservation: Reservation) -> list[Machine]:
    """What is handed over: the thing itself first, then the parts that it holds. What serves several stays here."""
    rows = Machine.objects.filter(unit__held_units__reservation=reservation).select_related("unit")
    return sorted(rows, key=lambda machine: (machine.pk != reservation.machine_id, machine.name, machine.pk))


@transaction.atomic
def hand_over(
    *, reservation: Reservation, conditions: Mapping[int, Condition], by: Person, now: dt.datetime, note: str = ""
) -> Loan:
    """The thing leaves with whoever reserved it; `conditions` by the key of each machine. Handing over twice is once.

    Side effects in order: units and reservation locked; loan and things written; the reservation checked in; the
    borrower's reminders written down.

    Raises:
        OnlyForTheTeam: somebody else asks for it.
        WrongState: `held_for_a_group`, `not_lent`; `part_not_ticked` where a condition is missing, or the thing
            itself; `still_out` with somebody else, `out_of_service`; `too_early_to_lend`, `not_open`.
    """
    if not is_staff(by, reservation):
        raise OnlyForTheTeam
    _lock_units(reservation)
    fresh = locked(reservation)
    if known := Loan.objects.filter(reservation=fresh).first():
        return known
    things = _what_may_leave(fresh, conditions, now)
    loan = Loan.objects.create(reservation=fresh, handed_over_at=now, handed_over_by=by, note_out=note.strip())
    LoanItem.objects.bulk_create(
        LoanItem(loan=loan, machine=thing, condition_out=conditions[thing.pk]) for thing in things
    )
    check_in(reservation=fresh, now=now, by=by)
    remind_of_due(fresh, now)
    return loan


def _what_may_leave(reservation: Reservation, conditions: Mapping[int, Condition], now: dt.datetime) -> list[Machine]:
    if reservation.machine is None:
        raise WrongState("held_for_a_group")
    if not leaves_the_place(reservation):
        raise WrongState("not_lent")
    if reservation.status not in (Status.CONFIRMED, Status.IN_USE) or reservation.end <= now:
        raise WrongState("not_open")
    if now < reservation.start - CHECK_IN_OPENS:
        raise WrongState("too_early_to_lend")
    things = things_held(reservation)
    is_there = conditions.get(reservation.machine.pk) != Condition.MISSING
    if not is_there or any(thing.pk not in conditions for thing in things):
        raise WrongState("part_not_ticked")
    if LoanItem.objects.filter(machine__in=things, loan__returned_at=None).exists():
        raise WrongState("still_out")
    if Outage.objects.filter(machine__in=things).holding_at(now).exists():
        raise WrongState("out_of_service")
    return things


@transaction.atomic
def take_back(*, loan: Loan, conditions: Mapping[int, Condition], by: Person, now: dt.datetime, note: str = "") -> Loan:
    """The thing is back; `conditions` by the key of each machine that left. Taking back twice is once.

    Side effects in order: units, reservation and loan locked; conditions and note written; the reservation finished,
    the rest of its time given back; what was declared because it was overdue is lifted; what came back worse than it
    left, damaged or not at all, is out of service until somebody has looked at it; reminders taken back, and the next
    borrower told where they had been warned.

    Raises:
        OnlyForTheTeam: somebody else asks for it.
        WrongState: `part_not_ticked`, where the condition of something that left is not said.
    """
    if not is_staff(by, loan.reservation):
        raise OnlyForTheTeam
    _lock_units(loan.reservation)
    reservation = locked(loan.reservation)
    fresh = Loan.objects.select_for_update(of=("self",), no_key=True).get(pk=loan.pk)
    if fresh.returned_at is not None:
        return fresh
    items = list(fresh.items.select_related("machine__unit__site"))
    if any(item.machine_id not in conditions for item in items):
        raise WrongState("part_not_ticked")
    fresh.returned_at, fresh.returned_to, fresh.note_back = max(now, fresh.handed_over_at), by, note.strip()
    fresh.save(update_fields=["returned_at", "returned_to", "note_back"])
    for item in items:
        item.condition_back = conditions[item.machine_id]
    LoanItem.objects.bulk_update(items, ["condition_back"])
    due = reservation.end
    if reservation.status == Status.IN_USE:
        finish_reservation(reservation=reservation, now=now, by=by)
    lift_overdue(machine_ids=[item.machine_id for item in items], due=due, by=by, now=now)
    for item in items:
        _keep_for_a_look(item, by, now)
    forget_due(reservation, now)
    tell_back(fresh, now)
    return fresh


def _keep_for_a_look(item: LoanItem, by: Person, now: dt.datetime) -> None:
    back = item.condition_back
    if back is None or back < Condition.DAMAGED or back <= item.condition_out:
        return
    is_missing = back == Condition.MISSING
    # Not the note: it may name somebody, and everybody reads the reason.
    reason = (
        gettext("It did not come back from a loan.") if is_missing else gettext("It came back damaged from a loan.")
    )
    try:
        declare_outage(
            machine=item.machine, kind=Outage.Kind.TO_CHECK, reason=reason, start=now, by=by, now=now
        )  # fmt: skip
    except AlreadyOut:
        # Somebody is looking after it already.
        return


@transaction.atomic
def add_photo(*, item: LoanItem, picture: BinaryIO, by: Person, now: dt.datetime) -> LoanPhoto:
    """Keep a photo of something lent, drawn anew without what the camera wrote in it.

    It is of the return once the thing is back.

    Raises:
        NotAPhoto: it cannot be read as a picture.
        OnlyForTheTeam: somebody else asks for it.
        WrongState: `enough_photos`.
    """
    if not is_staff(by, item.loan.reservation):
        raise OnlyForTheTeam
    loan = Loan.objects.select_for_update(of=("self",), no_key=True).get(pk=item.loan_id)
    if LoanPhoto.objects.filter(item__loan=loan).count() >= MOST_PHOTOS:
        raise WrongState("enough_photos")
    photo = LoanPhoto(item=item, is_return=loan.returned_at is not None, taken_at=now)
    drawn = reencoded(picture)
    # Its name tells nothing of what or whose it is.
    photo.image.save(f"{loan.pk}-{item.pk}.jpg", drawn, save=False)
    photo.save()
    return photo


def _lock_units(reservation: Reservation) -> None:
    units = HeldUnit.objects.filter(reservation=reservation).values_list("unit_id", flat=True)
    lock_in_order([], units)

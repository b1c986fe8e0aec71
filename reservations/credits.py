"""Prepaid credits: an append-only ledger whose balance the database keeps from falling below nothing."""

import datetime as dt

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from people.errors import NotAllowed
from people.locking import locked_person
from people.models import FileAccess, Person
from people.permissions import is_manager
from people.services import note_access
from reservations.errors import NotEnoughCredits
from reservations.models import CreditEntry, CreditLot, CreditPack, Reservation

Why = CreditEntry.Why


def usable_lots(person: Person, at: dt.datetime) -> QuerySet[CreditLot]:
    """What the person may still use at that instant, what expires first in front."""
    return CreditLot.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at), person=person, left__gt=0)


def credits_left(person: Person, at: dt.datetime) -> int:
    """The balance at that instant, without what will have expired by then. One query."""
    return usable_lots(person, at).aggregate(n=Sum("left"))["n"] or 0


def credits_open_to(reservation: Reservation, at: dt.datetime) -> int:
    """Of what the reservation took, that which may still pay for it if it began then: what expires before does not.
    At most one query."""
    if not reservation.credits:
        return 0
    return sum(taken for lot, taken in _taken_by(reservation) if lot.expires_at is None or lot.expires_at > at)


@transaction.atomic
def give_credits(
    *,
    person: Person,
    amount: int,
    by: Person | None,
    now: dt.datetime,
    pack: CreditPack | None = None,
    days_valid: int | None = None,
    words: str = "",
) -> CreditLot:
    """Hand out credits, of a pack or by hand; without `days_valid` they never expire.

    Side effects in order: the person locked; lot and first line inserted; a note in the person's file.

    Raises:
        ValueError: nothing is given.
        NotAllowed: `own_credits`: nobody gives to themselves, unless they manage.
        WrongState: `person_is_gone`.
    """
    if amount <= 0:
        raise ValueError("at least one credit is given")
    _check_not_own(person, by)
    locked_person(person.pk)
    expires_at = now + dt.timedelta(days=days_valid) if days_valid else None
    lot = CreditLot.objects.create(person=person, pack=pack, expires_at=expires_at, created_at=now)
    CreditEntry.objects.create(lot=lot, amount=amount, why=Why.GIVEN, words=words, at=now, by=by)
    _note(person, by, now)
    lot.refresh_from_db()
    return lot


@transaction.atomic
def correct_credits(*, lot: CreditLot, amount: int, words: str, by: Person, now: dt.datetime) -> CreditEntry:
    """Add to or take from what was handed out, saying why.

    Side effects in order: the person locked, then their lots; the line inserted; a note in their file.

    Raises:
        ValueError: no reason, or nothing to correct.
        NotEnoughCredits: more would be taken than is left of them.
        NotAllowed: `own_credits`, as when giving.
    """
    if not words.strip() or not amount:
        raise ValueError("a correction says why")
    if lot.person is not None:
        _check_not_own(lot.person, by)
        # As reserving does: what the rules have just counted is not taken away before it is paid with.
        Person.objects.select_for_update(of=("self",), no_key=True).get(pk=lot.person.pk)
        _lock_lots(lot.person)
    left = CreditLot.objects.values_list("left", flat=True).get(pk=lot.pk)
    if left + amount < 0:
        raise NotEnoughCredits(left)
    entry = CreditEntry.objects.create(lot=lot, amount=amount, why=Why.CORRECTED, words=words.strip(), at=now, by=by)
    if lot.person is not None:
        _note(lot.person, by, now)
    return entry


def _check_not_own(person: Person, by: Person | None) -> None:
    if by is not None and by.pk == person.pk and not is_manager(by):
        raise NotAllowed("own_credits", _("Nobody gives themselves credits. Ask somebody of the team."))


def _note(person: Person, by: Person | None, now: dt.datetime) -> None:
    if by is not None and by.pk != person.pk:
        note_access(person=person, by=by, deed=FileAccess.Deed.CHANGED, now=now)


def _lock_lots(person: Person) -> None:
    """All of the person's lots in one order, whoever asks: two that touch the same lots wait for each other."""
    lots = CreditLot.objects.filter(person=person).order_by("pk")
    list(lots.select_for_update(no_key=True).values_list("pk"))


def settle_credits(*, reservation: Reservation, wanted: int, by: Person | None, now: dt.datetime) -> None:
    """Make what the reservation took be `wanted`: takes the rest from what expires first, gives the rest back to
    where it came from. What has been moved beyond the end of its credits is paid for with later ones. Within the
    caller's transaction.
    """
    if reservation.holder is None:
        return
    is_moved_beyond = bool(wanted and reservation.credits) and credits_open_to(reservation, reservation.start) < (
        reservation.credits
    )
    if wanted == reservation.credits and not is_moved_beyond:
        return
    _lock_lots(reservation.holder)
    if is_moved_beyond:
        _give_back_expiring(reservation, by, now)
    difference = wanted - reservation.credits
    if difference > 0:
        reservation.credits += _take(reservation.holder, reservation, difference, by, now)
    else:
        _give_back(reservation, -difference, by, now)
        reservation.credits = wanted
    reservation.save(update_fields=["credits"])


def _take(person: Person, reservation: Reservation, amount: int, by: Person | None, now: dt.datetime) -> int:
    """How much was taken: less than asked for where the team set the rule aside, since nothing is owed."""
    taken = 0
    for lot in usable_lots(person, reservation.start):
        part = min(amount - taken, lot.left)
        if part:
            _write(lot.pk, -part, Why.RESERVED, reservation, by, now)
        taken += part
    return taken


def _give_back_expiring(reservation: Reservation, by: Person | None, now: dt.datetime) -> None:
    """What expires before it begins goes back: the person may use it until then."""
    for lot, taken in _taken_by(reservation):
        if lot.expires_at is not None and lot.expires_at <= reservation.start:
            _write(lot.pk, taken, Why.GIVEN_BACK, reservation, by, now)
            reservation.credits -= taken


def _taken_by(reservation: Reservation) -> list[tuple[CreditLot, int]]:
    """The lots that the reservation is paid with now, the newest first, and how much of each. One query."""
    lots = CreditLot.objects.filter(entries__reservation=reservation).annotate(moved=Sum("entries__amount"))
    return [(lot, -lot.moved) for lot in lots.order_by("-pk") if lot.moved < 0]


def _give_back(reservation: Reservation, amount: int, by: Person | None, now: dt.datetime) -> None:
    for lot, taken in _taken_by(reservation):
        part = min(amount, taken)
        if part > 0:
            _write(lot.pk, part, Why.GIVEN_BACK, reservation, by, now)
            amount -= part


def _write(lot_id: int, amount: int, why: str, reservation: Reservation, by: Person | None, now: dt.datetime) -> None:
    CreditEntry.objects.create(lot_id=lot_id, amount=amount, why=why, reservation=reservation, at=now, by=by)


def ledger_differs() -> list[int]:
    """The keys of lots whose rest is not the sum of their lines: always empty. For the nightly look and the tests."""
    sql = """
        SELECT lot.id FROM reservations_creditlot AS lot
        LEFT JOIN reservations_creditentry AS entry ON entry.lot_id = lot.id
        GROUP BY lot.id HAVING lot."left" <> coalesce(sum(entry.amount), 0)
    """
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [row[0] for row in cursor.fetchall()]

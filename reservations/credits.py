"""Prepaid credits: an append-only ledger whose balance the database keeps from falling below nothing."""

import datetime as dt

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum

from people.models import Person
from reservations.models import CreditEntry, CreditLot, CreditPack, Reservation

Why = CreditEntry.Why


def usable_lots(person: Person, at: dt.datetime) -> QuerySet[CreditLot]:
    """What the person may still use at that instant, what expires first in front."""
    return CreditLot.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at), person=person, left__gt=0)


def credits_left(person: Person, at: dt.datetime) -> int:
    """The balance at that instant, without what will have expired by then. One query."""
    return usable_lots(person, at).aggregate(n=Sum("left"))["n"] or 0


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
    """Hand out credits, of a pack or by hand.

    Raises:
        ValueError: nothing is given.
    """
    if amount <= 0:
        raise ValueError("at least one credit is given")
    expires_at = now + dt.timedelta(days=days_valid) if days_valid else None
    lot = CreditLot.objects.create(person=person, pack=pack, expires_at=expires_at, created_at=now)
    CreditEntry.objects.create(lot=lot, amount=amount, why=Why.GIVEN, words=words, at=now, by=by)
    lot.refresh_from_db()
    return lot


@transaction.atomic
def correct_credits(*, lot: CreditLot, amount: int, words: str, by: Person, now: dt.datetime) -> CreditEntry:
    """Add to or take from what was handed out, saying why; the database refuses to go below nothing.

    Raises:
        ValueError: no reason, or nothing to correct.
        IntegrityError: more would be taken than is left.
    """
    if not words.strip() or not amount:
        raise ValueError("a correction says why")
    return CreditEntry.objects.create(lot=lot, amount=amount, why=Why.CORRECTED, words=words.strip(), at=now, by=by)


def settle_credits(*, reservation: Reservation, wanted: int, by: Person | None, now: dt.datetime) -> None:
    """Make what the reservation took be `wanted`: takes the rest from what expires first, gives the rest back to
    where it came from. Within the caller's transaction.
    """
    difference = wanted - reservation.credits
    if difference == 0 or reservation.holder is None:
        return
    # All of the person's lots in one order, whoever asks: two that touch the same lots wait for each other.
    lots = CreditLot.objects.filter(person=reservation.holder).order_by("pk")
    list(lots.select_for_update(no_key=True).values_list("pk"))
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


def _give_back(reservation: Reservation, amount: int, by: Person | None, now: dt.datetime) -> None:
    taken = CreditEntry.objects.filter(reservation=reservation).values("lot").annotate(n=Sum("amount")).order_by("-lot")
    for row in taken:
        part = min(amount, -row["n"])
        if part > 0:
            _write(row["lot"], part, Why.GIVEN_BACK, reservation, by, now)
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

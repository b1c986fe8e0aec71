"""Reads about credits: what somebody has, until when, and each line of how it came about."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext

from people.models import Person
from reservations.models import CreditEntry, CreditLot
from reservations.rule_facts import BookingFacts
from reservations.rules_of_people import credits_for


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger and the balance after it. `entry` is None where credits ran out by themselves."""

    at: dt.datetime
    amount: int
    balance: int
    words: str
    entry: CreditEntry | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a reservation would take, of how many that may pay for it."""

    wanted: int
    left: int


def cost_of(facts: BookingFacts, start: dt.datetime, end: dt.datetime) -> Cost | None:
    """None where it costs nothing, or where nobody's name stands on it. Pure."""
    if facts.person is None or not facts.settings.credits_per_hour:
        return None
    return Cost(credits_for(end - start, facts.settings.credits_per_hour), facts.person.credits_left)


def lots_open_to(person: Person, now: dt.datetime) -> list[CreditLot]:
    """What is left of each that was handed out, what expires first in front. One query."""
    rows = CreditLot.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), person=person, left__gt=0)
    return list(rows.select_related("pack"))


def ledger(person: Person, now: dt.datetime) -> list[Line]:
    """Every line, oldest first, with those on which credits ran out between them. One query."""
    rows = CreditEntry.objects.filter(lot__person=person).select_related(
        "lot__pack", "reservation__machine", "reservation__site", "by"
    )
    entries = list(rows.order_by("at", "id"))
    moves: list[tuple[dt.datetime, int, CreditEntry | CreditLot]] = [(entry.at, 0, entry) for entry in entries]
    lots = {entry.lot for entry in entries}
    moves += [(lot.expires_at, 1, lot) for lot in lots if lot.expires_at is not None and lot.expires_at <= now]
    left: dict[int, int] = defaultdict(int)
    over: set[int] = set()
    lines: list[Line] = []
    balance = 0
    for at, _order, what in sorted(moves, key=lambda move: (move[0], move[1], move[2].pk)):
        if isinstance(what, CreditLot):
            over.add(what.pk)
            if left[what.pk]:
                balance -= left[what.pk]
                lines.append(Line(at, -left[what.pk], balance, gettext("ran out")))
            continue
        left[what.lot_id] += what.amount
        # What comes back after its last day is of no use any more.
        balance += 0 if what.lot_id in over else what.amount
        lines.append(Line(at, what.amount, balance, what.get_why_display(), what))
    return lines

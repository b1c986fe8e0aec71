"""What becomes of a reservation that no longer fits (we are closed then, the machine is away): told, cancelled, kept.

Nothing happens by itself: the team chooses, and the history says what and why.
"""

import datetime as dt
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction

from people.models import Person
from people.permissions import is_staff
from reservations.deeds import note_deed
from reservations.errors import OnlyForTheTeam, WrongState
from reservations.holding import locked
from reservations.models import Deed, Reservation
from reservations.notices import tell_that_it_does_not_fit
from reservations.services import cancel_reservation

SETTLED, PROBLEM, FOR_START = "settled", "problem", "for_start"


class Choice(enum.StrEnum):
    """What the team does about it."""

    NOTIFY = "notify"
    CANCEL = "cancel"
    KEEP = "keep"


# Of these the holder hears, and wants to know why.
READ = (Choice.NOTIFY, Choice.CANCEL)


@dataclass(frozen=True, slots=True)
class Settled:
    """How many reservations it was done with, and which were left: in use, or over by now."""

    done: int
    left: tuple[Reservation, ...]


def settle(
    *, problems: Mapping[int, str], rows: Iterable[Reservation], choice: Choice, why: str, by: Person, now: dt.datetime,
    known: Mapping[int, str] | None = None,
) -> Settled:  # fmt: skip
    """Tell the holders to choose another time, cancel, or keep these reservations although they do not fit.

    `problems` says by key of the reservation what is wrong with it, by code: kept or told for one reason, it comes
    back for another, or once it is moved. Where no `why` is given, whoever is told or cancelled reads what is `known`
    to be the reason, by key of the reservation. Each is written alone. Side effects of each: history; whoever holds
    it is told of the first two, by telephone from the desk where no other way is left; cancelled time goes to those
    who wait.

    Raises:
        OnlyForTheTeam: one of them stands at a site where `by` is not of the team; those before it are done.
    """
    done, left = 0, []
    for row in rows:
        if not is_staff(by, row):
            raise OnlyForTheTeam
        try:
            reason = why.strip() or ((known or {}).get(row.pk, "") if choice in READ else "")
            _settle(row, choice, problems[row.pk], reason, by, now)
        except WrongState:
            left.append(row)
        else:
            done += 1
    return Settled(done, tuple(left))


def _settle(row: Reservation, choice: Choice, problem: str, why: str, by: Person, now: dt.datetime) -> None:
    if choice == Choice.CANCEL:
        cancel_reservation(reservation=row, by=by, now=now, why=why, is_for_the_team=True)
        return
    with transaction.atomic():
        fresh = locked(row)
        if not fresh.is_movable or fresh.end <= now:
            raise WrongState("not_open")
        known = settled_as([fresh]).get(fresh.pk, {})
        if known.get(problem) == choice:
            return
        before = {SETTLED: choice.value, PROBLEM: problem, FOR_START: fresh.start.isoformat()}
        deed = note_deed(fresh, Deed.Kind.CHANGED, by=by, now=now, why=why, before=before)
        if choice == Choice.NOTIFY:
            tell_that_it_does_not_fit(deed)


def settled_as(rows: Iterable[Reservation]) -> dict[int, dict[str, str]]:
    """What was chosen last for each of them at its present time, by key and problem. One query."""
    starts = {row.pk: row.start.isoformat() for row in rows}
    deeds = Deed.objects.filter(reservation__in=starts, kind=Deed.Kind.CHANGED, before__has_key=SETTLED)
    found: dict[int, dict[str, str]] = {}
    for pk, before in deeds.order_by("at", "id").values_list("reservation_id", "before"):
        if before[FOR_START] == starts[pk]:
            found.setdefault(pk, {})[before[PROBLEM]] = before[SETTLED]
    return found

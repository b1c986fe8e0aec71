"""When a machine was opened and closed for a reservation: read with the reservation's own row."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from iot.models import AccessSession, StopReason
from people.models import Person
from reservations.models import Reservation


@dataclass(frozen=True, slots=True)
class Opened:
    """`end` is None while it is open; `why` is the reason of the end in words; `name` is empty for those who may not
    know it."""

    start: dt.datetime
    end: dt.datetime | None
    why: str
    name: str


def opened_sessions() -> dict[str, ArraySubquery]:
    """With what a query of reservations is annotated for `opened`: it needs none of its own."""
    sessions = AccessSession.objects.filter(reservation=OuterRef("pk")).order_by("allowed_at", "pk")
    facts = JSONObject(
        start="allowed_at", end="ended_at", why="stop_reason", person="person", first="person__first_name",
        last="person__last_name",
    )  # fmt: skip
    return {"opened_sessions": ArraySubquery(sessions.values_list(facts))}


def opened(reservation: Reservation, *, is_team: bool = False, companions: Iterable[Person] = ()) -> Sequence[Opened]:
    """In order. The team reads every name; those who come along know each other by their first names."""
    known = {person.pk: person.get_short_name() for person in companions}
    sessions: Sequence[dict[str, Any]] = reservation.opened_sessions  # type: ignore[attr-defined]
    return [_opened(each, known, is_team=is_team) for each in sessions]


def _opened(facts: dict[str, Any], known: dict[int, str], *, is_team: bool) -> Opened:
    full = " ".join(part for part in (facts["first"], facts["last"]) if part)
    return Opened(
        dt.datetime.fromisoformat(facts["start"]),
        dt.datetime.fromisoformat(facts["end"]) if facts["end"] else None,
        str(StopReason(facts["why"]).label) if facts["why"] else "",
        full if is_team else known.get(facts["person"], ""),
    )

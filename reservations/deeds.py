"""The history of a reservation: each thing done to it is written down once, and whoever it concerns is told."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from people.models import Person
from reservations.models import Deed, Reservation
from reservations.notices import tell_about
from reservations.signals import announce_change

Kind = Deed.Kind
# After these its status or its end is another one.
CHANGES = frozenset(
    {Kind.ACCEPTED, Kind.APPROVED, Kind.REFUSED, Kind.MOVED, Kind.CHECKED_IN, Kind.NO_SHOW, Kind.FINISHED,
     Kind.CANCELLED, Kind.EXPIRED}
)  # fmt: skip


def note_deed(
    reservation: Reservation,
    kind: Deed.Kind,
    *,
    by: Person | None,
    now: dt.datetime,
    why: str = "",
    origin: str = "",
    overridden: Iterable[str] = (),
    before: dict[str, Any] | None = None,
) -> Deed:
    """Write down what was done, within the caller's transaction, then tell those whom it concerns; once it commits,
    the apps that hear of changes."""
    holder = reservation.holder
    deed = Deed.objects.create(
        reservation=reservation,
        kind=kind,
        at=now,
        by=by,
        behalf_of=holder if holder is not None and by != holder else None,
        origin=origin,
        why=why,
        overridden=sorted(overridden),
        before=before or {},
    )
    tell_about(deed)
    if kind in CHANGES:
        announce_change(reservation, by=by, now=now)
    return deed


def place_and_time(reservation: Reservation) -> dict[str, Any]:
    """What a move changes, as it is now: kept as `before`."""
    return {
        "machine": reservation.machine.slug if reservation.machine else None,
        "start": reservation.start.isoformat(),
        "end": reservation.end.isoformat(),
    }


def history(reservation: Reservation) -> QuerySet[Deed]:
    """All that was done to it, oldest first. One query."""
    rows = Deed.objects.filter(reservation=reservation).select_related("by", "behalf_of", "reservation__machine")
    return rows.order_by("at", "id")

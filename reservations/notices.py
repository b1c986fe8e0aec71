"""Who is told what about a reservation: one place that looks at each deed. The words stand in notice_kinds.py."""

import datetime as dt
from typing import Any

from django.urls import reverse

from people.models import Person, Role
from people.notices import settle, tell, withdraw
from people.notices.team import tell_team
from reservations.models import Deed, Origin, Reservation, Status, WaitingEntry

Kind = Deed.Kind
BEFORE_START = dt.timedelta(hours=24)
BEFORE_END = dt.timedelta(minutes=10)
# What the person has just done is on the screen before them; what others or the clock did, they are told.
TOLD_OF_OTHERS = {
    Kind.MADE: "reservation_made",
    Kind.MOVED: "reservation_moved",
    Kind.CANCELLED: "reservation_cancelled",
}
TOLD_ALWAYS = {
    Kind.OFFERED: "reservation_offered",
    Kind.APPROVED: "reservation_approved",
    Kind.REFUSED: "reservation_refused",
    Kind.ASKED_WHERE: "reservation_nobody_came",
    Kind.NO_SHOW: "reservation_given_away",
    Kind.EXPIRED: "reservation_expired",
}
SETS_REMINDERS = {Kind.MADE, Kind.ACCEPTED, Kind.APPROVED, Kind.MOVED}
# Who answers requests: a mediator welcomes people, and does not answer for the machines.
ANSWERS_REQUESTS = frozenset({Role.SUPERVISOR, Role.FAB_MANAGER, Role.ADMINISTRATOR})
MAY_ASK = {Kind.ASKED, Kind.ACCEPTED, Kind.MOVED}
ENDS_REQUEST = {Kind.APPROVED, Kind.REFUSED, Kind.CANCELLED, Kind.EXPIRED, Kind.MOVED}
ENDS_REMINDERS = {Kind.MOVED, Kind.CANCELLED, Kind.REFUSED, Kind.NO_SHOW, Kind.FINISHED, Kind.EXPIRED}


def tell_about(deed: Deed) -> None:
    """Tell those whom the deed concerns, and set or take back reminders; within the deed's transaction."""
    reservation = deed.reservation
    holder = reservation.holder
    if deed.kind in ENDS_REMINDERS:
        withdraw(key_prefix=f"reminder:{reservation.pk}:", now=deed.at)
    _tell_the_team(deed)
    if holder is None:
        return
    if code := _code_for_holder(deed):
        _tell(holder, code, f"deed:{deed.pk}", reservation, deed.at, why=deed.why)
    if deed.kind in SETS_REMINDERS and reservation.status in (Status.CONFIRMED, Status.IN_USE):
        _remind(holder, reservation, deed)


def _code_for_holder(deed: Deed) -> str:
    """What whoever holds it is told; empty: nothing."""
    kind, holder = Kind(deed.kind), deed.reservation.holder
    if kind in TOLD_ALWAYS:
        return TOLD_ALWAYS[kind]
    if holder is None or deed.by_id == holder.pk:
        return ""
    if kind == Kind.MADE and deed.origin == Origin.WAITING:
        return "reservation_from_waiting"
    return TOLD_OF_OTHERS.get(kind, "")


def _tell_the_team(deed: Deed) -> None:
    """A request waits for those who may answer; once it is answered, it waits for nobody."""
    reservation = deed.reservation
    if deed.kind in ENDS_REQUEST:
        settle(key_prefix=f"request:{reservation.pk}:", now=deed.at)
    if deed.kind in MAY_ASK and reservation.status == Status.PENDING:
        tell_team(
            site=reservation.site, kind="request_waiting", key=f"request:{reservation.pk}:{deed.pk}",
            params=_params(reservation), link=reverse("manage-requests"), now=deed.at,
            roles=ANSWERS_REQUESTS, besides=reservation.holder,
        )  # fmt: skip


def tell_free(entry: WaitingEntry, now: dt.datetime) -> None:
    """The time that they asked to be told about is free."""
    tell(
        person=entry.person,
        kind="waiting_free",
        key=f"waiting:{entry.pk}",
        params={"machine": entry.machine.name, "start": entry.start.isoformat(), "end": entry.end.isoformat(),
                "zone": entry.machine.site.time_zone},
        link=f"/reserve/?machine={entry.machine.slug}&day={entry.start.astimezone(entry.machine.site.zone).date()}",
        site=entry.machine.site,
        now=now,
    )  # fmt: skip


def _remind(holder: Person, reservation: Reservation, deed: Deed) -> None:
    """The day before, and ten minutes before the end; not of what begins sooner than that."""
    key = f"reminder:{reservation.pk}:{deed.pk}"
    if reservation.start - BEFORE_START > deed.at:
        due_at = reservation.start - BEFORE_START
        _tell(holder, "reminder_start", f"{key}:start", reservation, deed.at, due_at=due_at)
    if reservation.end - BEFORE_END > max(deed.at, reservation.start):
        due_at = reservation.end - BEFORE_END
        _tell(holder, "reminder_end", f"{key}:end", reservation, deed.at, due_at=due_at)


def _tell(
    person: Person,
    kind: str,
    key: str,
    reservation: Reservation,
    now: dt.datetime,
    *,
    due_at: dt.datetime | None = None,
    why: str = "",
) -> None:
    until = reservation.expires_at.isoformat() if reservation.expires_at else None
    tell(
        person=person, kind=kind, key=key, params=_params(reservation) | {"why": why, "until": until},
        link=reservation.get_absolute_url(), site=reservation.site, now=now, due_at=due_at,
    )  # fmt: skip


def _params(reservation: Reservation) -> dict[str, Any]:
    """What and when, and nothing of anybody."""
    return {
        "what": reservation.what,
        "start": reservation.start.isoformat(),
        "end": reservation.end.isoformat(),
        "zone": reservation.site.time_zone,
    }

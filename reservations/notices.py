"""Who is told what about a reservation: one place that looks at each deed. The words stand in notice_kinds.py."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.urls import reverse

from people.models import Person, Role
from people.notices import Telling, settle, tell, tell_each, withdraw
from people.notices.team import tell_team
from reservations.lent import is_still_out, leaves_the_place
from reservations.loan_notices import forget_due, remind_of_due
from reservations.models import Deed, Origin, Reservation, Status, WaitingEntry
from reservations.notices_of_companions import (
    alike,
    companions_to_tell,
    tell_companions,
    tell_companions_of_series,
    tell_counted_in,
    tell_left_out,
)

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
# What is told of many dates, where one is all that was meant.
OF_ONE_DATE = {
    "series_made": TOLD_OF_OTHERS[Kind.MADE],
    "series_moved": TOLD_OF_OTHERS[Kind.MOVED],
    "series_cancelled": TOLD_OF_OTHERS[Kind.CANCELLED],
    "series_approved": TOLD_ALWAYS[Kind.APPROVED],
    "series_refused": TOLD_ALWAYS[Kind.REFUSED],
}
SETS_REMINDERS = {Kind.MADE, Kind.ACCEPTED, Kind.APPROVED, Kind.MOVED, Kind.CHANGED}
# Who answers requests: a mediator welcomes people, and does not answer for the machines.
ANSWERS_REQUESTS = frozenset({Role.SUPERVISOR, Role.FAB_MANAGER, Role.ADMINISTRATOR})
MAY_ASK = {Kind.ASKED, Kind.ACCEPTED, Kind.MOVED}
ENDS_REQUEST = {Kind.APPROVED, Kind.REFUSED, Kind.CANCELLED, Kind.EXPIRED, Kind.MOVED}
# After a change of who comes others are reminded: all are set anew.
ENDS_REMINDERS = {
    Kind.MOVED, Kind.CHANGED, Kind.CANCELLED, Kind.REFUSED, Kind.NO_SHOW, Kind.FINISHED, Kind.EXPIRED,
}  # fmt: skip


def tell_about(deed: Deed) -> None:
    """Tell those whom the deed concerns, and set or take back reminders; within the deed's transaction."""
    reservation = deed.reservation
    holder = reservation.holder
    if deed.kind in ENDS_REMINDERS:
        withdraw(key_prefix=f"reminder:{reservation.pk}:", now=deed.at)
        if leaves_the_place(reservation):
            forget_due(reservation, deed.at)
    _tell_the_team(deed)
    companions = companions_to_tell(reservation)
    tell_companions(deed, companions, _params(reservation))
    if holder is not None and (code := _code_for_holder(deed)):
        _tell(holder, code, f"deed:{deed.pk}", reservation, deed.at, why=deed.why)
    if deed.kind in SETS_REMINDERS and reservation.status in (Status.CONFIRMED, Status.IN_USE):
        if holder is not None and reservation.holder_takes_part:
            _remind(holder, reservation, deed)
        for person in companions:
            _remind(person, reservation, deed, is_companion=True)
        if leaves_the_place(reservation) and is_still_out(reservation):
            remind_of_due(reservation, deed.at)


def tell_of_people(deed: Deed, *, added: Sequence[Person], removed: Sequence[Person]) -> None:
    """Who is counted in from now on, and who no longer; within the deed's transaction. Whoever holds it hears when
    somebody leaves of their own accord."""
    reservation, params = deed.reservation, _params(deed.reservation)
    tell_counted_in(deed, added, params)
    tell_left_out(deed, removed, params)
    if reservation.holder is not None and any(person.pk == deed.by_id for person in removed):
        _tell(reservation.holder, "companion_left", f"deed:{deed.pk}", reservation, deed.at)


def _code_for_holder(deed: Deed) -> str:
    """What whoever holds it is told; empty: nothing."""
    kind, holder = Kind(deed.kind), deed.reservation.holder
    if deed.origin == Origin.SERIES:
        # All its dates are told in one word: see `tell_of_series`.
        return ""
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
    if deed.kind in MAY_ASK and reservation.status == Status.PENDING and not _is_asked_with_another(deed):
        tell_team(
            site=reservation.site, kind="request_waiting", key=f"request:{reservation.pk}:{deed.pk}",
            params=_params(reservation), link=reverse("manage-requests"), now=deed.at,
            roles=ANSWERS_REQUESTS, besides=reservation.holder,
        )  # fmt: skip


def _is_asked_with_another(deed: Deed) -> bool:
    """Whether it is a date of a series of which an earlier one waits for the answer too: one word is enough."""
    reservation = deed.reservation
    if deed.origin != Origin.SERIES or reservation.series_id is None:
        return False
    rows = Reservation.objects.filter(series=reservation.series_id, status=Status.PENDING)
    return rows.filter(start__lt=reservation.start).exists()


@transaction.atomic
def tell_of_series(
    kind: str, rows: Sequence[Reservation], *, by: Person | None, now: dt.datetime, why: str = ""
) -> None:
    """One word about all dates alike, for whoever holds them and for each who comes along, where somebody else did it;
    none about no date."""
    holder = rows[0].holder if rows else None
    if holder is not None and holder != by:
        for together in alike(kind, rows):
            _tell_holder_of_many(holder, kind, together, now, why)
    tell_companions_of_series(kind, rows, by=by, now=now, params_of=_params_of_many)


def _tell_holder_of_many(holder: Person, kind: str, rows: Sequence[Reservation], now: dt.datetime, why: str) -> None:
    first = rows[0]
    deed = Deed.objects.filter(reservation=first).latest("pk")
    tell(
        person=holder, kind=kind if len(rows) > 1 else OF_ONE_DATE[kind], key=f"series:{deed.pk}",
        link=first.get_absolute_url(), site=first.site, params=_params_of_many(rows) | {"why": why}, now=now,
    )  # fmt: skip


def _params_of_many(rows: Sequence[Reservation]) -> dict[str, Any]:
    return _params(rows[0]) | {"starts": [row.start.isoformat() for row in rows], "last": rows[-1].end.isoformat()}


def tell_that_it_does_not_fit(deed: Deed) -> None:
    """Whoever holds it is asked to choose another time."""
    reservation = deed.reservation
    if reservation.holder is not None:
        code, key = "reservation_does_not_fit", f"unfit:{deed.pk}"
        _tell(reservation.holder, code, key, reservation, deed.at, why=deed.why)


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


def _remind(person: Person, reservation: Reservation, deed: Deed, *, is_companion: bool = False) -> None:
    """The day before, and ten minutes before the end; not of what begins sooner than that. What leaves the place is
    due at its end: see loan_notices.py."""
    key = f"reminder:{reservation.pk}:{deed.pk}"
    key, before = (f"{key}:{person.pk}", "taking_part_reminder") if is_companion else (key, "reminder_start")
    params, tellings = _params_now(reservation), []
    if reservation.start - BEFORE_START > deed.at:
        tellings.append(Telling(before, f"{key}:start", params, reservation.start - BEFORE_START))
    if reservation.end - BEFORE_END > max(deed.at, reservation.start) and not leaves_the_place(reservation):
        tellings.append(Telling("reminder_end", f"{key}:end", params, reservation.end - BEFORE_END))
    link = reservation.get_absolute_url()
    tell_each(tellings, person=person, now=deed.at, link=link, site=reservation.site)


def _tell(person: Person, kind: str, key: str, reservation: Reservation, now: dt.datetime, *, why: str = "") -> None:
    tell(
        person=person, kind=kind, key=key, params=_params_now(reservation, why=why),
        link=reservation.get_absolute_url(), site=reservation.site, now=now,
    )  # fmt: skip


def _params_now(reservation: Reservation, *, why: str = "") -> dict[str, Any]:
    until = reservation.expires_at.isoformat() if reservation.expires_at else None
    return _params(reservation) | {"why": why, "until": until}


def _params(reservation: Reservation) -> dict[str, Any]:
    """What and when, and nothing of anybody."""
    return {
        "what": reservation.what,
        "start": reservation.start.isoformat(),
        "end": reservation.end.isoformat(),
        "zone": reservation.site.time_zone,
        "is_lent": leaves_the_place(reservation),
    }

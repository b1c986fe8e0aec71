"""Who comes along is told too: that they are counted in, and what becomes of it. See notices.py.

Of a request they hear nothing before the team's yes; and of what is done later only those hear who were told of it.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import Q
from django.urls import reverse

from people.models import Notice, Person
from people.notices import tell
from reservations.models import Deed, Origin, Participant, Reservation, Status

Kind = Deed.Kind
COUNTED_IN = "taking_part"
TOLD_FIRST = {Kind.MADE: COUNTED_IN, Kind.APPROVED: COUNTED_IN}
TOLD_LATER = {
    Kind.MOVED: "taking_part_moved",
    Kind.CANCELLED: "taking_part_cancelled",
    Kind.REFUSED: "taking_part_cancelled",
    Kind.EXPIRED: "taking_part_cancelled",
    Kind.NO_SHOW: "reservation_given_away",
    Kind.ASKED_WHERE: "taking_part_nobody_came",
}
STANDS = (Status.CONFIRMED, Status.IN_USE)
# What those who come along are told of many dates, by what whoever holds them is told.
FIRST_OF_SERIES = {"series_made": "taking_part_series", "series_approved": "taking_part_series"}
OF_SERIES = FIRST_OF_SERIES | {
    "series_moved": "taking_part_series_moved",
    "series_cancelled": "taking_part_series_cancelled",
    "series_refused": "taking_part_series_cancelled",
}
OF_ONE = {
    "taking_part_series": COUNTED_IN,
    "taking_part_series_moved": "taking_part_moved",
    "taking_part_series_cancelled": "taking_part_cancelled",
}
SAYS_NO_END = {"series_cancelled", "series_refused"}
ParamsOf = Callable[[Sequence[Reservation]], dict[str, Any]]


def companions_to_tell(reservation: Reservation) -> list[Person]:
    """Those who come beside whoever holds it. One query of a team's, none else: only a team names them."""
    if reservation.team_id is None:
        return []
    rows = Participant.objects.filter(reservation=reservation).select_related("person").order_by("pk")
    return [row.person for row in rows]


def tell_companions(deed: Deed, companions: Sequence[Person], params: dict[str, Any]) -> None:
    """Tell them of the deed, but for the one who did it; of a date of a series with its other dates, see below."""
    kind, reservation = Kind(deed.kind), deed.reservation
    code = TOLD_FIRST.get(kind) or TOLD_LATER.get(kind)
    others = [person for person in companions if person.pk != deed.by_id]
    if code is None or not others or deed.origin == Origin.SERIES:
        return
    if kind in TOLD_LATER:
        known = _who_knew(reservation, others)
        others = [person for person in others if person.pk in known]
    for person in others:
        _tell(person, code, deed, params)


def tell_companions_of_series(
    kind: str, rows: Sequence[Reservation], *, by: Person | None, now: dt.datetime, params_of: ParamsOf
) -> None:
    """One word for each of them about all the dates alike on which they come, but for the one who did it."""
    dates: dict[Person, list[Reservation]] = {}
    for row in rows:
        for person in _to_tell_of_date(kind, row, by):
            dates.setdefault(person, []).append(row)
    code = OF_SERIES[kind]
    for person, theirs in dates.items():
        for together in alike(kind, theirs):
            first = together[0]
            deed = Deed.objects.filter(reservation=first).latest("pk")
            tell(
                person=person, kind=code if len(together) > 1 else OF_ONE[code],
                key=f"with:series:{person.pk}:{deed.pk}",
                params=params_of(together) | {"dates": [row.pk for row in together]}, link=first.get_absolute_url(),
                site=first.site, now=now,
            )  # fmt: skip


def alike(kind: str, rows: Iterable[Reservation]) -> list[list[Reservation]]:
    """The dates of which one sentence says machine and end: one that was moved by itself is told by itself."""
    groups: dict[Any, list[Reservation]] = {}
    for row in rows:
        start, end = (instant.astimezone(row.site.zone) for instant in (row.start, row.end))
        until = None if kind in SAYS_NO_END else (end.time(), end.date() - start.date())
        groups.setdefault((row.machine_id, until), []).append(row)
    return list(groups.values())


def _to_tell_of_date(kind: str, row: Reservation, by: Person | None) -> list[Person]:
    """As for one alone: of a request nothing, and of what is done later those who were told of it. Two queries of a
    team's, else none."""
    others = [person for person in companions_to_tell(row) if person != by]
    if not others or kind in FIRST_OF_SERIES:
        return others if row.status in STANDS else []
    known = _who_knew(row, others)
    return [person for person in others if person.pk in known]


def tell_counted_in(deed: Deed, people: Iterable[Person], params: dict[str, Any]) -> None:
    """Those named later are told as those named at first: once the reservation stands, and not of their own deed."""
    if deed.reservation.status in STANDS:
        for person in people:
            if person.pk != deed.by_id:
                _tell(person, COUNTED_IN, deed, params)


def tell_left_out(deed: Deed, people: Iterable[Person], params: dict[str, Any]) -> None:
    """Those who no longer come, though not of their own deed, and only where they knew that they would."""
    left_out = [person for person in people if person.pk != deed.by_id]
    if not left_out:
        return
    known = _who_knew(deed.reservation, left_out)
    for person in left_out:
        if person.pk in known:
            _tell(person, "taking_part_over", deed, params, link=reverse("me"))


def _who_knew(reservation: Reservation, people: Iterable[Person]) -> set[int]:
    """The keys of those who were told of it, alone or among the dates of a series. One query."""
    alone, among = Q(key__startswith=_prefix(reservation)), Q(params__dates__contains=[reservation.pk])
    return set(Notice.objects.filter(alone | among, person__in=people).values_list("person_id", flat=True))


def _prefix(reservation: Reservation) -> str:
    return f"with:{reservation.pk}:"


def _tell(person: Person, code: str, deed: Deed, params: dict[str, Any], *, link: str = "") -> None:
    reservation = deed.reservation
    tell(
        person=person, kind=code, key=f"{_prefix(reservation)}{person.pk}:{deed.pk}", params=params,
        link=link or reservation.get_absolute_url(), site=reservation.site, now=deed.at,
    )  # fmt: skip

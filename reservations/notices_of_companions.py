"""Who comes along is told too: that they are counted in, and what becomes of it. See notices.py.

Of a request they hear nothing before the team's yes; and of what is done later only those hear who were told of it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.urls import reverse

from people.models import Notice, Person
from people.notices import tell
from reservations.models import Deed, Participant, Reservation, Status

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


def companions_to_tell(reservation: Reservation) -> list[Person]:
    """Those who come beside whoever holds it. One query of a team's, none else: only a team names them."""
    if reservation.team_id is None:
        return []
    rows = Participant.objects.filter(reservation=reservation).select_related("person").order_by("pk")
    return [row.person for row in rows]


def tell_companions(deed: Deed, companions: Sequence[Person], params: dict[str, Any]) -> None:
    """Tell them of the deed, but for the one who did it."""
    kind, reservation = Kind(deed.kind), deed.reservation
    code = TOLD_FIRST.get(kind) or TOLD_LATER.get(kind)
    others = [person for person in companions if person.pk != deed.by_id]
    if code is None or not others:
        return
    if kind in TOLD_LATER:
        known = set(Notice.objects.filter(key__startswith=_prefix(reservation)).values_list("person_id", flat=True))
        others = [person for person in others if person.pk in known]
    for person in others:
        _tell(person, code, deed, params)


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
    known = set(
        Notice.objects.filter(key__startswith=_prefix(deed.reservation), person__in=left_out).values_list(
            "person_id", flat=True
        )
    )
    for person in left_out:
        if person.pk in known:
            _tell(person, "taking_part_over", deed, params, link=reverse("me"))


def _prefix(reservation: Reservation) -> str:
    return f"with:{reservation.pk}:"


def _tell(person: Person, code: str, deed: Deed, params: dict[str, Any], *, link: str = "") -> None:
    reservation = deed.reservation
    tell(
        person=person, kind=code, key=f"{_prefix(reservation)}{person.pk}:{deed.pk}", params=params,
        link=link or reservation.get_absolute_url(), site=reservation.site, now=deed.at,
    )  # fmt: skip

"""Reservations that wait for the team's answer: which they are, and what the rules say of each by now."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import BigIntegerField, Count, Value, Window

from fablab.lib.denials import Denial
from people.models import Person
from people.permissions import staff_site_ids
from reservations.models import Participant, Reservation, Status
from reservations.models.reservation import ReservationQuerySet
from reservations.rule_names import Checked, checklist
from reservations.rules import may_be_set_aside
from reservations.wishes import Wish


@dataclass(frozen=True, slots=True)
class Look:
    """What the rules say of a request by now; `may_be_set_aside` once all that stands in the way is the team's to
    set aside."""

    checked: tuple[Checked, ...]
    may_be_set_aside: bool

    @property
    def denials(self) -> list[Denial]:
        return [denial for line in self.checked for denial in line.denials]


def waiting_requests(*, staff: Person, now: dt.datetime) -> ReservationQuerySet:
    """Those at the sites where the person is of the team, soonest first.

    Everybody of the team answers: whom they reserve for at the desk needs nobody else's yes either.
    """
    rows = Reservation.objects.filter(status=Status.PENDING, start__gt=now)
    return rows if staff.is_superuser else rows.filter(site__in=staff_site_ids(staff))


def first_and_count(*, staff: Person, now: dt.datetime) -> tuple[Reservation | None, int]:
    """The soonest request and how many there are; read once and kept on the person for the rest of the request."""
    known: tuple[Reservation | None, int] | None = getattr(staff, "_requests_waiting", None)
    if known is None:
        rows = waiting_requests(staff=staff, now=now).select_related("machine", "site").annotate(of=Window(Count("pk")))
        first = rows.order_by("start", "pk").first()
        known = (first, first.of if first else 0)
        staff._requests_waiting = known  # type: ignore[attr-defined]
    return known


def with_first_and_count(rows: ReservationQuerySet, *, staff: Person, now: dt.datetime) -> list[Reservation]:
    """These rows, in their order, with machine, holder and site; what `first_and_count` asks comes with them, in one
    statement, and is kept on the person."""
    places = ("machine", "holder", "site")
    others = rows.select_related(*places).annotate(of=Value(0, BigIntegerField()))
    requests = waiting_requests(staff=staff, now=now).select_related(*places).annotate(of=Window(Count("pk")))
    found = list(others.union(requests.order_by("start", "pk")[:1], all=True))
    first = next((row for row in found if row.of), None)
    staff._requests_waiting = (first, first.of if first else 0)  # type: ignore[attr-defined]
    return [row for row in found if not row.of]


def look_now(reservation: Reservation) -> Look:
    """Every rule as an approval would ask it now; none for what is held for a group."""
    if reservation.machine is None:
        return Look((), may_be_set_aside=False)
    rows = Participant.objects.filter(reservation=reservation).select_related("person")
    wish = Wish(
        reservation.machine, reservation.start, reservation.end, reservation.holder, None,
        companions=[row.person for row in rows], holder_takes_part=reservation.holder_takes_part,
    )  # fmt: skip
    # As life.approve: it was asked for in time.
    asked_at = reservation.created_at
    facts = wish.facts(asked_at, ignoring=reservation)
    checked = tuple(checklist(facts, wish.asked, asked_at))
    denials = [denial for line in checked for denial in line.denials]
    return Look(checked, all(may_be_set_aside(denial.code, facts) for denial in denials))

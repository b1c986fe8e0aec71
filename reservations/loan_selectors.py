"""Reads about what is lent: what is out and when it is due, what is fetched today, and until when it may be kept."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch, QuerySet

from fablab.lib.intervals import Interval
from machines.opening import instant_of
from people.models import Person, Site
from reservations.facts import opening_around
from reservations.models import Loan, LoanItem, LoanPhoto, Reservation, Status
from reservations.rules import is_open_at_end

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

SHOWN_MOST = 500
# A site that is closed for longer than this tells nobody when to bring something back.
LOOK_AHEAD_DAYS = 45


@dataclass(frozen=True, slots=True)
class LoansOut:
    """What is out at a site, by when it is due, and what is fetched today; each in the order of its time."""

    overdue: Sequence[Loan]
    today: Sequence[Loan]
    later: Sequence[Loan]
    to_fetch: Sequence[Reservation]

    @property
    def people(self) -> list[Person]:
        """Whoever is named on it, once each."""
        rows = [loan.reservation for loan in (*self.overdue, *self.today, *self.later)]
        return list({row.holder.pk: row.holder for row in (*rows, *self.to_fetch) if row.holder is not None}.values())


def loans_out(*, staff: Person, site: Site, now: dt.datetime) -> LoansOut:
    """What of the site is out, and what is to be handed over before midnight. Three queries."""
    rows = list(
        Loan.objects.filter(
            returned_at=None, reservation__site=site, reservation__in=Reservation.objects.visible_to(staff)
        )
        .select_related("reservation__machine", "reservation__holder__guardian", "reservation__site")
        .prefetch_related(Prefetch("items", LoanItem.objects.select_related("machine").order_by("pk")))
        .order_by("reservation__end", "pk")[:SHOWN_MOST]
    )
    midnight = _next_midnight(site, now)
    return LoansOut(
        overdue=[row for row in rows if row.reservation.end <= now],
        today=[row for row in rows if now < row.reservation.end < midnight],
        later=[row for row in rows if row.reservation.end >= midnight],
        to_fetch=list(_to_fetch(staff, site, now, midnight)[:SHOWN_MOST]),
    )


def _to_fetch(staff: Person, site: Site, now: dt.datetime, midnight: dt.datetime) -> QuerySet[Reservation]:
    return (
        Reservation.objects.visible_to(staff)
        .filter(site=site, status=Status.CONFIRMED, machine__category__is_lent=True, start__lt=midnight, end__gt=now)
        .select_related("machine", "holder__guardian", "site")
        .order_by("start", "pk")
    )


def _next_midnight(site: Site, now: dt.datetime) -> dt.datetime:
    tomorrow = now.astimezone(site.zone).date() + dt.timedelta(days=1)
    return instant_of(tomorrow, dt.time(0), site.zone)


def overdue_count(*, site: Site, now: dt.datetime) -> int:
    """How many things are not back that should be. One query."""
    return Loan.objects.filter(returned_at=None, reservation__site=site, reservation__end__lte=now).count()


def loan_of(reservation: Reservation) -> Loan | None:
    """The loan, with what left and its photos; None where nothing was handed over. Three queries, one without."""
    things = LoanItem.objects.select_related("machine").order_by("pk")
    photos = Prefetch("photos", LoanPhoto.objects.order_by("taken_at", "pk"))
    rows = Loan.objects.filter(reservation=reservation)
    return rows.prefetch_related(Prefetch("items", things.prefetch_related(photos))).first()


def photos_visible_to(person: "Person | AnonymousUser") -> QuerySet[LoanPhoto]:
    """Those of one's own loans, and for the team those of their sites."""
    mine: Any = Reservation.objects.visible_to(person)
    return LoanPhoto.objects.filter(item__loan__reservation__in=mine)


def later_due(reservation: Reservation, *, days: int = 1) -> dt.datetime | None:
    """When something lent would be due if it were kept for `days` more: that time of the day, on the first day on
    which the site is open then. None where that is weeks away."""
    machine = reservation.machine
    if machine is None:
        return None
    zone = machine.site.zone
    wall = reservation.end.astimezone(zone)
    ahead = [
        instant_of(wall.date() + dt.timedelta(days=n), wall.time(), zone) for n in range(days, days + LOOK_AHEAD_DAYS)
    ]
    asked = Interval(reservation.end, ahead[-1])
    opening = opening_around(machine, asked.start, asked.end)
    return next((end for end in ahead if is_open_at_end(end, opening)), None)

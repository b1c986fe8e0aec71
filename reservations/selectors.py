"""Reads about reservations for pages: what is on, what one of them holds, whom to call."""

import datetime as dt
from collections.abc import Sequence

from django.db.models import Q, QuerySet

from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person, Site
from reservations.models import HeldUnit, Reservation, Status, WaitingEntry

COMING = (Status.PENDING, Status.CONFIRMED, Status.IN_USE)


def held_names(reservation: Reservation) -> list[str]:
    """The names of the rooms and machines it holds, rooms first. One query."""
    rows = HeldUnit.objects.filter(reservation=reservation).values_list("unit__room__name", "unit__machine__name")
    return [str(room or machine) for room, machine in sorted(rows, key=lambda row: (row[0] is None, row))]


def has_run_out(reservation: Reservation, now: dt.datetime) -> bool:
    """Whether nobody answered in time, also before a sweep has written it down."""
    return (
        reservation.status in (Status.HELD, Status.PENDING)
        and reservation.expires_at is not None
        and reservation.expires_at <= now
    )


def places_of(person: Person, now: dt.datetime) -> list[WaitingEntry]:
    """Where the person waits for a time to come, soonest first. One query."""
    rows = WaitingEntry.objects.filter(person=person, state=WaitingEntry.State.WAITING, start__gt=now)
    return list(rows.select_related("machine__unit__site").order_by("start", "pk")[:50])


def public_events(*, sites: Sequence[Site], start: dt.datetime, end: dt.datetime) -> QuerySet[Reservation]:
    """What the team reserved under a public title and that touches [start, end), soonest first."""
    return (
        Reservation.objects.filter(site__in=sites, status__in=COMING)
        .exclude(title="")
        .overlapping(start, end)
        .select_related("site")
        .order_by("start", "pk")
    )


def held_with_titles(unit_id: int, window: Interval) -> list[tuple[Interval, str]]:
    """What is held of the unit inside the window, buffers included, each with the public title that the team gave it.

    One query, none where the window is empty.
    """
    if window.is_empty:
        return []
    # `blocked` finds them in the constraint's index: by start and end alone the whole past is read.
    rows = HeldUnit.objects.filter(unit=unit_id, is_holding=True, blocked__overlap=(window.start, window.end))
    found = rows.order_by("blocked").values_list("blocked", "reservation__title")
    return [(Interval(blocked.lower, blocked.upper), title) for blocked, title in found]


def now_and_next(*, staff: Person, site: Site, now: dt.datetime, ahead: dt.timedelta) -> QuerySet[Reservation]:
    """The site's reservations that run now or begin soon, those that run first. For the desk."""
    return (
        Reservation.objects.visible_to(staff)
        .filter(site=site, status__in=COMING)
        .overlapping(now, now + ahead)
        .select_related("machine__category", "holder", "team", "site")
        .order_by("start", "pk")
    )


def calls_to_make(*, staff: Person, site: Site, start: dt.datetime, end: dt.datetime) -> QuerySet[Reservation]:
    """Reservations to come over [start, end) about which somebody can be called, by time: see `to_call`."""
    return (
        Reservation.objects.visible_to(staff)
        .filter(Q(holder__isnull=False) | Q(machine=None), site=site, status__in=COMING)
        .overlapping(start, end)
        .select_related("machine", "holder__guardian", "created_by__guardian", "site")
        .order_by("start", "pk")
    )


def to_start_at(machine: Machine, person: Person, now: dt.datetime, *, ahead: dt.timedelta) -> Reservation | None:
    """What the person has on the machine now or begins within `ahead`, as holder or as somebody who comes. One query.

    Whoever scans the square on the machine is asked for nothing else.
    """
    # What begins at the very end of that time counts too.
    until = now + ahead + dt.timedelta(microseconds=1)
    rows = Reservation.objects.overlapping(now, until).filter(
        Q(holder=person) | Q(participants__person=person),
        machine=machine,
        status__in=[Status.CONFIRMED, Status.IN_USE],
    )
    return rows.order_by("start", "pk").first()

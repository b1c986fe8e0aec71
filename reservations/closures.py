"""What a change of opening hours does to reservations that exist: nothing is cancelled, what they block is fitted."""

import datetime as dt

from django.db import IntegrityError, transaction

from fablab.lib.intervals import Interval
from machines.models import Attendance, Machine
from machines.opening import opening_between
from machines.selectors import timetable
from people.models import Site
from reservations.facts import opening_around, part_window
from reservations.holding import lock_in_order, time_range
from reservations.models import HeldUnit, Reservation, Status
from reservations.rules import blocked_interval, is_open_at_end

COMING = (Status.PENDING, Status.CONFIRMED, Status.IN_USE)


def reservations_outside_hours(*, site: Site, now: dt.datetime) -> list[Reservation]:
    """Those to come of which a part (for machines that may run closed: the start) lies outside the hours in force.

    What the team reserves under a title is its own affair and not among them. One query, and one for the hours where
    they are not at hand.
    """
    rows = list(
        Reservation.objects.filter(site=site, machine__isnull=False, status__in=COMING, end__gt=now)
        .with_places()
        .select_related("holder__guardian")
        .order_by("start")
    )
    if not rows:
        return []
    first, last = (instant.astimezone(site.zone).date() for instant in (rows[0].start, max(r.end for r in rows)))
    opening = opening_between(rows[0].start, max(r.end for r in rows), timetable(site, first, last))
    return [row for row in rows if not _is_inside(row, opening)]


def _is_inside(reservation: Reservation, opening: list[Interval]) -> bool:
    asked = Interval(reservation.start, reservation.end)
    booking = reservation.machine.booking if reservation.machine else None
    if booking and booking.is_lent:
        is_fetched = reservation.status == Status.IN_USE or any(i.holds(asked.start) for i in opening)
        return is_fetched and is_open_at_end(asked.end, opening)
    if booking and booking.attendance == Attendance.START:
        return any(interval.holds(asked.start) for interval in opening)
    return any(interval.contains(asked) for interval in opening)


@transaction.atomic
def refit_blocked(*, site: Site, now: dt.datetime) -> list[Reservation]:
    """Compute anew what reservations block that may run while the site is closed, with what they take along; returns
    those that did not fit.

    Each is written alone, and whole: one whose new time would touch a neighbour keeps the old one and is returned, so
    that somebody looks at it.
    """
    stuck = []
    rows = Reservation.objects.filter(site=site, machine__isnull=False, status__in=COMING, end__gt=now).with_places()
    # All at once and by id, like everybody who waits for units.
    lock_in_order([], HeldUnit.objects.filter(reservation__in=rows.values("pk")).values_list("unit_id", flat=True))
    for reservation in rows.order_by("start"):
        machine = reservation.machine
        if machine is None or machine.booking.attendance != Attendance.START:
            continue
        try:
            with transaction.atomic():
                _refit(reservation, machine)
        except IntegrityError:
            stuck.append(reservation)
    return stuck


def _refit(reservation: Reservation, machine: Machine) -> None:
    asked = Interval(reservation.start, reservation.end)
    whole = blocked_interval(asked, machine.booking, opening_around(machine, asked.start, asked.end))
    for held in reservation.held_units.select_related("unit__machine__category").order_by("unit"):
        part = getattr(held.unit, "machine", None)
        is_whole = held.unit_id == machine.unit_id
        wanted = whole if is_whole else part_window(part, asked, whole.end - machine.booking.cleanup_buffer)
        held.blocked = time_range(wanted)
        held.save(update_fields=["blocked"])

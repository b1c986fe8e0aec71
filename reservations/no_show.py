"""Nobody came: asked after five minutes, given to others after fifteen, and only on evidence.

Silence is not absence: a machine that is not heard of, one that is out of service, and a person whom nothing reaches
are left to the desk. A sweep that comes late, twice or not at all changes no outcome: the reservation is judged by the
same facts when its time is over (life.close_ended_reservations).
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q

from fablab.lib.live import announce_machines
from machines.models import Outage
from people.models import Person
from people.notices import is_reachable
from people.permissions import is_staff
from reservations.deeds import note_deed
from reservations.errors import OnlyForTheTeam, WrongState
from reservations.evidence import Use, use_of
from reservations.holding import locked, machine_ids_of
from reservations.models import Deed, Reservation, Status
from reservations.services import serve_freed
from reservations.sweeps import each_alone

ASKED_AFTER = dt.timedelta(minutes=5)
ONE_MORE = dt.timedelta(minutes=10)


def ask_where_they_are(now: dt.datetime, *, most: int = 200) -> int:
    """Ask those who have not come five minutes after the start whether they will; how many were asked."""
    rows = Reservation.objects.filter(
        status=Status.CONFIRMED, start__lte=now - ASKED_AFTER, end__gt=now, asked_at__isnull=True,
        holder__isnull=False,
    ).filter(
        # Not where the manager switched the rule off.
        Q(machine__no_show_min__isnull=False) | Q(machine__category__no_show_min__isnull=False)
    )  # fmt: skip
    return each_alone(rows.order_by("start")[:most], lambda row: _ask(row, now))


@transaction.atomic
def _ask(row: Reservation, now: dt.datetime) -> bool:
    fresh = locked(row)
    is_late = fresh.start <= now - ASKED_AFTER and now < fresh.end
    if fresh.status != Status.CONFIRMED or fresh.asked_at is not None or not is_late:
        return False
    fresh.asked_at = now
    fresh.save(update_fields=["asked_at"])
    note_deed(fresh, Deed.Kind.ASKED_WHERE, by=None, now=now)
    return True


def answer(*, reservation: Reservation, by: Person, now: dt.datetime) -> Reservation:
    """“I am coming”: ten more minutes, as often as they say so, never beyond the end.

    Raises:
        WrongState: `not_open`.
    """
    with transaction.atomic():
        fresh = locked(reservation)
        if fresh.status != Status.CONFIRMED or fresh.end <= now:
            raise WrongState("not_open")
        fresh.grace_until = min(fresh.end, max(fresh.grace_until or now, now) + ONE_MORE)
        fresh.save(update_fields=["grace_until"])
        note_deed(fresh, Deed.Kind.ANSWERED, by=by, now=now)
    return fresh


def release_no_shows(now: dt.datetime, *, most: int = 200) -> int:
    """Give to others what nobody came for, where the machine itself has told so; how many."""
    rows = Reservation.objects.filter(status=Status.CONFIRMED, start__lt=now, end__gt=now, asked_at__isnull=False)
    # All that run now are looked at, few as they are: many of them are left to the desk until their end.
    return each_alone(rows.order_by("start"), lambda row: _release(row, now), most=most)


def left_to_the_desk(now: dt.datetime, rows: "list[Reservation]") -> list[Reservation]:
    """Of these, those past their time that nobody may give away but the desk."""
    return [row for row in rows if is_past(row, now) and not may_be_released(row, now)]


def is_past(reservation: Reservation, now: dt.datetime) -> bool:
    """Whether the time to come is over: after the start, after the question, and after what they answered."""
    machine = reservation.machine
    if machine is None or machine.booking.no_show_min is None or reservation.status != Status.CONFIRMED:
        return False
    wait = dt.timedelta(minutes=machine.booking.no_show_min)
    # Asked late, they still get the time between question and release.
    answered_by = (reservation.asked_at or now) + max(wait - ASKED_AFTER, dt.timedelta(0))
    return now >= max(reservation.start + wait, answered_by, reservation.grace_until or reservation.start)


def may_be_released(reservation: Reservation, now: dt.datetime) -> bool:
    """Whether the machine was heard of and stood still, works, and the person could be asked."""
    machine, holder = reservation.machine, reservation.holder
    if machine is None or holder is None or machine.booking.no_show_min is None or not is_reachable(holder):
        return False
    if Outage.objects.filter(machine=machine).overlapping(reservation.start, now).exists():
        return False
    return use_of(machine.pk, reservation.start, now) == Use.IDLE


def free_absent(*, reservation: Reservation, by: Person, now: dt.datetime) -> Reservation:
    """The desk has looked: nobody came, the time is for others. Freeing it twice is once.

    Raises:
        OnlyForTheTeam: somebody else asks for it.
        WrongState: `not_open`; `still_expected` while they may still come.
    """
    if not is_staff(by, reservation):
        raise OnlyForTheTeam
    with transaction.atomic():
        fresh = locked(reservation)
        if fresh.status == Status.NO_SHOW:
            return fresh
        if fresh.status != Status.CONFIRMED or fresh.end <= now:
            raise WrongState("not_open")
        if not is_past(fresh, now):
            raise WrongState("still_expected")
        _free(fresh, by, now)
    return fresh


@transaction.atomic
def _release(row: Reservation, now: dt.datetime) -> int:
    fresh = locked(row)
    if not is_past(fresh, now) or not may_be_released(fresh, now):
        return 0
    _free(fresh, None, now)
    return 1


def _free(fresh: Reservation, by: Person | None, now: dt.datetime) -> None:
    fresh.status = Status.NO_SHOW
    fresh.save(update_fields=["status"])
    note_deed(fresh, Deed.Kind.NO_SHOW, by=by, now=now)
    announce_machines(machine_ids_of(fresh))
    serve_freed(fresh, now)

"""What follows a reservation: the team's answer, somebody comes, somebody leaves, its time is over."""

import datetime as dt
from dataclasses import replace

from django.db import transaction

from fablab.lib.intervals import Interval
from fablab.lib.live import announce_machines
from fablab.lib.retries import retried
from people.models import Person
from people.permissions import is_staff
from reservations.check_in_rules import check_in_denials
from reservations.deeds import note_deed
from reservations.errors import OnlyForTheTeam, ReservationRefused, WrongState
from reservations.facts import opening_around
from reservations.holding import lock_in_order, locked, machine_ids_of, time_range
from reservations.lent import is_still_out, still_out, was_not_fetched
from reservations.models import Deed, Reservation, Status
from reservations.no_show import may_be_released
from reservations.rules import Code, blocked_interval
from reservations.services import give_back, notice_denials, serve_freed
from reservations.signals import announce_change
from reservations.sweeps import each_alone
from reservations.wishes import NOTHING_SET_ASIDE, SetAside, Wish, check, companions_of, with_those_who_come

CHECK_IN_OPENS = dt.timedelta(minutes=10)


@retried
def approve(
    *,
    reservation: Reservation,
    by: Person,
    now: dt.datetime,
    decision: str = "",
    set_aside: SetAside = NOTHING_SET_ASIDE,
    origin: str = "",
) -> Reservation:
    """The team says yes: every rule is asked again, since much may have changed. Approving twice is once.

    `origin` SERIES: whoever answers many dates tells of them together.

    Raises:
        OnlyForTheTeam: `by` is not of the team of its site.
        ReservationRefused: with every reason; it stays pending.
        WrongState: `not_pending`.
    """
    if not is_staff(by, reservation):
        raise OnlyForTheTeam
    with transaction.atomic():
        companions = companions_of(reservation)
        lock_in_order([reservation.holder, *companions], [])
        fresh = locked(reservation)
        if fresh.status == Status.CONFIRMED and fresh.decided_by_id is not None:
            return fresh
        if fresh.status != Status.PENDING or fresh.start <= now:
            raise WrongState("not_pending")
        if fresh.machine is not None:
            wish = Wish(
                fresh.machine, fresh.start, fresh.end, fresh.holder, by, companions=companions, set_aside=set_aside
            )
            wish = with_those_who_come(wish, fresh)
            # It was asked for in time: the team owes no notice.
            facts = wish.facts(now, ignoring=fresh)
            check(replace(facts, set_aside=facts.set_aside | {Code.TOO_SOON}), wish.asked, now)
        fresh.status, fresh.expires_at = Status.CONFIRMED, None
        _decide(fresh, by, now, decision)
        note_deed(
            fresh, Deed.Kind.APPROVED, by=by, now=now, why=decision or set_aside.why, overridden=set_aside.codes,
            origin=origin,
        )  # fmt: skip
        announce_machines(machine_ids_of(fresh))
    return fresh


@retried
def refuse(*, reservation: Reservation, by: Person, now: dt.datetime, decision: str, origin: str = "") -> Reservation:
    """The team says no, and why; the time is free for others. Refusing twice is once. `origin` as in `approve`.

    Raises:
        OnlyForTheTeam: `by` is not of the team of its site.
        WrongState: `not_pending`, or `says_no_reason`.
    """
    if not is_staff(by, reservation):
        raise OnlyForTheTeam
    if not decision.strip():
        raise WrongState("says_no_reason")
    with transaction.atomic():
        fresh = locked(reservation)
        if fresh.status == Status.REFUSED:
            return fresh
        if fresh.status != Status.PENDING:
            raise WrongState("not_pending")
        fresh.status, fresh.expires_at = Status.REFUSED, None
        _decide(fresh, by, now, decision)
        give_back(fresh, by, now)
        note_deed(fresh, Deed.Kind.REFUSED, by=by, now=now, why=decision, origin=origin)
        serve_freed(fresh, now)
    return fresh


def _decide(fresh: Reservation, by: Person, now: dt.datetime, decision: str) -> None:
    fresh.decided_at, fresh.decided_by, fresh.decision = now, by, decision.strip()
    fresh.save(update_fields=["status", "expires_at", "decided_at", "decided_by", "decision"])


def check_in(*, reservation: Reservation, now: dt.datetime, by: Person | None = None) -> Reservation:
    """The person is there (or the machine was seen running). From 10 min before the start; twice changes nothing.

    Where people get hurt somebody of the team must be there by now, unless the team checks in. Whoever comes in the
    holder's place must know the machine. `by` is None for a machine that runs already: what has begun is not stopped.

    Raises:
        ReservationRefused: `supervision_required`; of somebody else than the holder what they themselves lack.
        WrongState: `too_early`, or `not_open` when it has ended; `handed_over_first` of what leaves the place.
    """
    with transaction.atomic():
        fresh = locked(reservation)
        if fresh.status == Status.IN_USE:
            return fresh
        if fresh.status != Status.CONFIRMED or fresh.end <= now:
            raise WrongState("not_open")
        if now < fresh.start - CHECK_IN_OPENS:
            raise WrongState("too_early")
        if by is not None and was_not_fetched(fresh):
            raise WrongState("handed_over_first")
        if by is not None and not is_staff(by, fresh) and (denials := check_in_denials(fresh, by, now)):
            raise ReservationRefused(denials)
        fresh.status, fresh.checked_in_at = Status.IN_USE, now
        fresh.save(update_fields=["status", "checked_in_at"])
        note_deed(fresh, Deed.Kind.CHECKED_IN, by=by, now=now)
        announce_machines(machine_ids_of(fresh))
    return fresh


def finish_reservation(*, reservation: Reservation, now: dt.datetime, by: Person | None = None) -> Reservation:
    """End it; before its time, the tail goes back to others, to the waiting list first. The booked times are kept.

    Before it even began (somebody checked in early and left), all of the time goes back: it counts as cancelled, and
    where the notice for that was not kept, as used and paid for too.

    Raises:
        WrongState: `not_started` before it was checked in, `not_open` when it has ended; `still_lent` until the team
            has taken it back.
    """
    with transaction.atomic():
        fresh = locked(reservation)
        if fresh.status == Status.COMPLETED:
            return fresh
        if fresh.status != Status.IN_USE:
            raise WrongState("not_started" if fresh.status == Status.CONFIRMED else "not_open")
        if is_still_out(fresh):
            raise WrongState("still_lent")
        if now <= fresh.start:
            fresh.status, fresh.cancelled_at, fresh.cancelled_by = Status.CANCELLED, now, by
            if is_staff(by, fresh) or not notice_denials(fresh, now):
                # As if nobody had come: that somebody did makes it count, see quotas.GIVEN_UP_LATE.
                fresh.checked_in_at = None
                give_back(fresh, by, now)
        else:
            if now < fresh.end:
                give_back_tail(fresh, now)
            fresh.status, fresh.finished_at = Status.COMPLETED, now
        fresh.save(update_fields=["status", "checked_in_at", "finished_at", "end", "cancelled_at", "cancelled_by"])
        note_deed(fresh, Deed.Kind.FINISHED, by=by, now=now)
        announce_machines(machine_ids_of(fresh))
        serve_freed(fresh, now)
    return fresh


def close_ended_reservations(*, now: dt.datetime, most: int = 500) -> int:
    """Reservations whose time is over become finished; how many. Where nobody came, as the machine itself has told,
    they were not used; where nobody knows, they count as used.

    What was lent and is not back stays in use until the team takes it back; what nobody fetched was not used.
    """
    rows = Reservation.objects.filter(status__in=[Status.CONFIRMED, Status.IN_USE], end__lte=now)
    return each_alone(rows.exclude(still_out()).order_by("end")[:most], lambda row: _close(row, now))


@transaction.atomic
def _close(row: Reservation, now: dt.datetime) -> bool:
    fresh = locked(row)
    if fresh.status not in (Status.CONFIRMED, Status.IN_USE) or fresh.end > now or is_still_out(fresh):
        return False
    was_empty = fresh.status == Status.CONFIRMED and (was_not_fetched(fresh) or may_be_released(fresh, fresh.end))
    if was_empty:
        fresh.status = Status.NO_SHOW
        note_deed(fresh, Deed.Kind.NO_SHOW, by=None, now=now)
    else:
        fresh.status, fresh.finished_at = Status.COMPLETED, fresh.end
        announce_change(fresh, by=None, now=now)
    fresh.save(update_fields=["status", "finished_at"])
    announce_machines(machine_ids_of(fresh))
    return True


def give_back_tail(reservation: Reservation, now: dt.datetime) -> None:
    """It ends now. What was set up stays held, and what nobody can clear before the next opening too."""
    reservation.end = now
    for held in reservation.held_units.select_related("unit__machine__category", "unit__site"):
        machine = getattr(held.unit, "machine", None)
        used = Interval(reservation.start, now)
        needed = used
        if machine is not None:
            needed = blocked_interval(used, machine.booking, opening_around(machine, reservation.start, now))
        held.period = time_range(Interval(held.period.lower, now))
        held.blocked = time_range(Interval(held.blocked.lower, min(held.blocked.upper, needed.end)))
        held.save(update_fields=["period", "blocked"])

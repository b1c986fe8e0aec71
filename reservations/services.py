"""Writes: reserve, look first, move, cancel. Page, API, kiosk and device all come through here; see life.py for what
follows, holding.py for the order of locks."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import transaction

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from fablab.lib.live import announce_machines
from fablab.lib.retries import retried
from machines.models import Machine
from people.models import Person
from people.permissions import is_staff
from people.selectors import teams_to_reserve_as
from reservations.alternatives import alternatives
from reservations.credits import settle_credits
from reservations.deeds import note_deed, place_and_time
from reservations.errors import NotOfTheTeam, ReservationRefused, WrongState
from reservations.holding import hold_other_units, hold_units, lock_in_order, locked, machine_ids_of, windows_of
from reservations.kept_longer import check_nobody_waits
from reservations.models import Deed, HeldUnit, Origin, Reservation, Status, WaitingEntry
from reservations.offers import end_offer
from reservations.participants import are_of_the_team
from reservations.refusals import record_refusal
from reservations.rules import BookingFacts, Purpose, cancel_denials
from reservations.waiting import end_own_wait, serve_those_before, serve_waiting
from reservations.wishes import (
    NOTHING_SET_ASIDE,
    SetAside,
    Wish,
    check,
    companions_of,
    credits_wanted,
    insert_reservation,
    with_people_now,
    with_taken_now,
    with_those_who_come,
)


def create_reservation(*, now: dt.datetime, **wish: Any) -> Reservation:
    """Reserve the machine over [start, end), with all that is taken along; see `Wish` for what can be asked.

    Where somebody of the team says yes first it is pending, unless the team reserves. Side effects in order: whoever
    waits for that time is served; people and units locked; reservation, participants and held units inserted; credits
    taken; history written; the machines announced; on refusal that is recorded, then alternatives looked for.

    Raises:
        NotOfTheTeam: neither who reserves nor who holds it is in the team, or it is archived, of another site, or the
            lab has no teams.
        ReservationRefused: with every reason.
    """
    return reserve(Wish(**wish), now)


def reserve(wish: Wish, now: dt.datetime) -> Reservation:
    """As `create_reservation`."""
    try:
        return reserve_unexplained(wish, now)
    except ReservationRefused as refusal:
        explain_refusal(wish, refusal, now)
        raise


def reserve_unexplained(wish: Wish, now: dt.datetime) -> Reservation:
    """As `create_reservation`; a refusal is neither recorded nor given alternatives: there is more to try."""
    check_team(wish)
    units = [wish.machine.unit_id]
    has_others = serve_those_before(wish.machine.site, units, wish.asked, now, besides=wish.holder)
    made = _create(wish, now)
    if has_others:
        end_own_wait(made, now)
    return made


def check_team(wish: Wish) -> None:
    """Who may reserve in the name of a team, and who comes then.

    Raises:
        NotOfTheTeam: neither who reserves nor who holds it may, or somebody who comes is no member.
        WrongState: `nobody_comes`.
    """
    if wish.holder is not None and not wish.holder_takes_part and not wish.companions:
        raise WrongState("nobody_comes")
    team = wish.team
    if team is None:
        return
    if not teams_to_reserve_as([wish.holder, wish.by], wish.machine.site).filter(pk=team.pk).exists():
        raise NotOfTheTeam
    if not are_of_the_team(team, wish.companions):
        raise NotOfTheTeam


def explain_refusal(
    wish: Wish, refusal: ReservationRefused, now: dt.datetime, *, moving: Reservation | None = None
) -> None:
    """Record it, and find other ways."""
    record_refusal(wish.machine, wish.asked, refusal.denials, wish.holder, wish.origin, now)
    codes = {str(denial.code) for denial in refusal.denials}
    refusal.alternatives = alternatives(
        machine=wish.machine, holder=wish.holder, asked=wish.asked, codes=codes, now=now, ignoring=moving
    )


def preview_reservation(*, now: dt.datetime, moving: Reservation | None = None, **wish: Any) -> BookingFacts:
    """Ask every rule without reserving anything; a refusal is recorded and comes with alternatives, like a real one.

    Raises:
        ReservationRefused: with every reason.
    """
    looked = Wish(by=None, **wish)
    if moving is not None:
        looked = replace(looked, purpose=Purpose.MOVE)
    facts = looked.facts(now, ignoring=moving)
    try:
        check(facts, looked.asked, now)
    except ReservationRefused as refusal:
        explain_refusal(looked, refusal, now, moving=moving)
        raise
    return facts


@retried
def _create(wish: Wish, now: dt.datetime) -> Reservation:
    # Asked before anything is locked: in a storm those who come too late leave without having waited.
    facts = wish.facts(now)
    check(facts, wish.asked, now)
    windows = windows_of(wish.machine.unit_id, facts, wish.asked)
    with transaction.atomic():
        lock_in_order([wish.holder, *wish.companions], windows)
        # Whoever lost the race while they waited leaves at once: behind them others wait for the same lock.
        check(with_taken_now(facts, wish.machine.unit_id, windows), wish.asked, now)
        if wish.holder is not None:
            # What only the people's own locks keep true is asked again; the constraint answers for the machines.
            check(with_people_now(facts, wish, now), wish.asked, now)
        reservation = insert_reservation(wish, facts, now)
        hold_units(reservation, windows, facts.zone)
        if facts.settings.credits_per_hour:
            settle_credits(reservation=reservation, wanted=credits_wanted(facts, wish.asked), by=wish.by, now=now)
        announce_machines(machine_ids_of(reservation) if facts.parts else [wish.machine.pk])
    return reservation


def move_reservation(
    *,
    reservation: Reservation,
    start: dt.datetime,
    end: dt.datetime,
    by: Person,
    now: dt.datetime,
    machine: Machine | None = None,
    set_aside: SetAside = NOTHING_SET_ASIDE,
) -> Reservation:
    """Move the reservation to another time or machine; every rule is asked at the destination.

    A reservation that runs keeps its start: only its end may change. What needs somebody's yes needs it anew.

    What is out on a loan is not kept longer while somebody waits for that time.

    Raises:
        ReservationRefused: with every reason; the old time is kept.
        WrongState: `not_open` when it has ended, `already_started` when a running one would get another start,
            `held_for_a_group` when it holds more than one machine, `answer_the_offer_first` of an offer.
    """
    target = machine or reservation.machine
    if target is None or reservation.machine is None:
        raise WrongState("held_for_a_group")
    # One date of a series moved by hand is told like any other: see notices.tell_of_series.
    door = Origin.PAGE if reservation.origin == Origin.SERIES else Origin(reservation.origin)
    wish = Wish(
        machine=target, start=start, end=end, holder=reservation.holder, by=by, origin=door,
        companions=companions_of(reservation), holder_takes_part=reservation.holder_takes_part, set_aside=set_aside,
    )  # fmt: skip
    serve_those_before(target.site, [target.unit_id], wish.asked, now, besides=wish.holder)
    left = machine_ids_of(reservation)
    try:
        moved = move_unexplained(reservation, wish, now)
    except ReservationRefused as refusal:
        explain_refusal(wish, refusal, now, moving=reservation)
        raise
    serve_freed(reservation, now, machine_ids=left)
    return moved


@retried
def move_unexplained(reservation: Reservation, wish: Wish, now: dt.datetime) -> Reservation:
    """As `move_reservation`; who waits is not served, and a refusal is neither recorded nor given alternatives."""
    asked = wish.asked
    # The parts at the destination are known before anything is locked; a rule that changes meanwhile is asked below.
    ahead = windows_of(wish.machine.unit_id, wish.facts(now, ignoring=reservation), asked)
    with transaction.atomic():
        units = HeldUnit.objects.filter(reservation=reservation).values_list("unit_id", flat=True)
        lock_in_order([wish.holder, *wish.companions], [*units, *ahead])
        fresh = locked(reservation)
        if not fresh.is_movable or fresh.end <= now:
            raise WrongState("not_open")
        if fresh.status == Status.HELD:
            raise WrongState("answer_the_offer_first")
        is_running = fresh.status == Status.IN_USE or fresh.start <= now
        if is_running and (asked.start != fresh.start or wish.machine.pk != fresh.machine_id):
            raise WrongState("already_started")
        wish = with_those_who_come(replace(wish, purpose=Purpose.EXTEND if is_running else Purpose.MOVE), fresh)
        facts = wish.facts(now, ignoring=fresh)
        check(facts, asked, now)
        if is_running and facts.settings.is_lent:
            check_nobody_waits(fresh, asked.end)
        left, before = machine_ids_of(fresh), place_and_time(fresh)
        _write_move(fresh, wish, facts)
        hold_other_units(fresh, windows_of(wish.machine.unit_id, facts, asked), facts.zone)
        if facts.settings.credits_per_hour or fresh.credits:
            booked = Interval(fresh.booked_start, fresh.booked_end)
            settle_credits(reservation=fresh, wanted=credits_wanted(facts, booked), by=wish.by, now=now)
        note_deed(
            fresh, Deed.Kind.MOVED, by=wish.by, now=now, why=wish.set_aside.why, overridden=wish.set_aside.codes,
            before=before, origin=Origin.SERIES if wish.origin == Origin.SERIES else "",
        )  # fmt: skip
        announce_machines([*left, *machine_ids_of(fresh)])
    return fresh


def _write_move(fresh: Reservation, wish: Wish, facts: BookingFacts) -> None:
    fresh.machine, fresh.site_id = wish.machine, wish.machine.unit.site_id
    fresh.start = fresh.booked_start = wish.start
    is_running = wish.purpose == Purpose.EXTEND
    fresh.end = wish.end
    # Ending a running one earlier is an early finish: what was booked counts.
    fresh.booked_end = max(fresh.booked_end, wish.end) if is_running else wish.end
    # Whoever is asked whether they come is asked anew at the new time.
    fresh.asked_at = fresh.grace_until = None
    if wish.purpose == Purpose.MOVE and facts.settings.needs_approval and not is_staff(wish.by, wish.machine):
        fresh.status = Status.PENDING
    if fresh.status == Status.PENDING:
        fresh.expires_at = wish.start
    fresh.save(
        update_fields=["machine", "site", "start", "end", "booked_start", "booked_end", "status", "expires_at",
                       "asked_at", "grace_until"]
    )  # fmt: skip


@retried
def cancel_reservation(
    *,
    reservation: Reservation,
    by: Person | None,
    now: dt.datetime,
    why: str = "",
    is_for_the_team: bool = False,
    origin: str = "",
) -> Reservation:
    """Give the whole time back, to the waiting list first. Cancelling twice changes nothing.

    The notice that the machine wants is asked of the holder; `is_for_the_team` (a closure, an erasure) wants none, and
    neither does the team.

    Raises:
        ReservationRefused: `too_soon`, with less notice than the machine wants.
        WrongState: `already_used` once it was started, `not_open` when it ended another way.
    """
    with transaction.atomic():
        fresh = locked(reservation)
        if fresh.status == Status.CANCELLED:
            return fresh
        if fresh.status == Status.IN_USE:
            raise WrongState("already_used")
        if not fresh.is_movable or fresh.end <= now:
            raise WrongState("not_open")
        if not is_for_the_team and not is_staff(by, fresh):
            _check_notice(fresh, now)
        fresh.status, fresh.cancelled_at, fresh.cancelled_by = Status.CANCELLED, now, by
        fresh.save(update_fields=["status", "cancelled_at", "cancelled_by"])
        if fresh.start > now or is_for_the_team or is_staff(by, fresh):
            give_back(fresh, by, now)
        else:
            # Its time has begun: what it cost is not given back, as after an early finish.
            announce_machines(machine_ids_of(fresh))
        end_offer(fresh, WaitingEntry.State.LEFT, now)
        note_deed(fresh, Deed.Kind.CANCELLED, by=by, now=now, why=why, origin=origin)
        serve_freed(fresh, now)
    return fresh


def _check_notice(reservation: Reservation, now: dt.datetime) -> None:
    # Who is asked whether they come may say no: better late than not at all.
    if reservation.status != Status.CONFIRMED or reservation.asked_at is not None:
        return
    if denials := notice_denials(reservation, now):
        raise ReservationRefused(denials)


def notice_denials(reservation: Reservation, now: dt.datetime) -> list[Denial]:
    """Why it may no longer be given up for nothing; what is held for a group always may."""
    machine = reservation.machine
    if machine is None:
        return []
    facts = Wish(machine, reservation.start, reservation.end, reservation.holder, None).facts(now, ignoring=reservation)
    return cancel_denials(facts=facts, start=reservation.start, now=now)


def give_back(reservation: Reservation, by: Person | None, now: dt.datetime) -> None:
    """What it cost, and word to the boards; within the caller's transaction."""
    if reservation.credits:
        settle_credits(reservation=reservation, wanted=0, by=by, now=now)
    announce_machines(machine_ids_of(reservation))


def serve_freed(reservation: Reservation, now: dt.datetime, *, machine_ids: Sequence[int] | None = None) -> None:
    """Whoever waits for its time is served, once the transaction that freed it is committed. A sweep finds what is
    missed, and so does the next one who asks for that time."""
    freed = Interval(reservation.start, reservation.booked_end)
    keys = machine_ids_of(reservation) if machine_ids is None else machine_ids
    for machine in Machine.objects.filter(pk__in=keys).with_places():
        transaction.on_commit(partial(serve_waiting, machine, freed, now), robust=True)

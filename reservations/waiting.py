"""The waiting list: whoever waits longest gets the time first, as a held reservation that runs out.

Served when a time is given back, by a sweep, and before anybody else may take that time: so no offer is lost when one
of the three does not come.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from fablab.lib.intervals import Interval
from fablab.lib.live import announce_machines
from fablab.lib.retries import retried
from machines.models import Machine
from machines.parts import machines_in_the_way
from machines.selectors import machines_of_model
from people.models import Person, Site
from reservations.credits import settle_credits
from reservations.deeds import note_deed
from reservations.errors import ReservationRefused, WrongState
from reservations.expiry import expire_due
from reservations.holding import hold_units, lock_in_order, locked, machine_ids_of, windows_of
from reservations.models import Deed, Origin, Reservation, Status, WaitingEntry
from reservations.notices import tell_free
from reservations.offers import end_offer
from reservations.rules import Code, closed, machine_unavailable, taken
from reservations.sweeps import each_alone
from reservations.wishes import Wish, check, credits_wanted, insert_reservation, with_people_now

State = WaitingEntry.State
OFFER_LASTS = dt.timedelta(minutes=15)
# An offer for something that begins soon leaves half of what is left: the next one wants a chance too.
SHARE_OF_WAIT = 2
# Each place is looked at every minute, and before others reserve.
MOST_PLACES = 20
LONGEST_WAIT = dt.timedelta(days=62)


def join_waiting(
    *,
    machine: Machine,
    person: Person,
    start: dt.datetime,
    end: dt.datetime,
    by: Person,
    now: dt.datetime,
    any_of_model: bool = False,
    is_notice_only: bool = False,
    accepts_at_once: bool = False,
) -> WaitingEntry:
    """Wait for this time on the machine. Joining twice is once.

    Raises:
        WrongState: `time_is_over`; `ends_before_it_starts`; `waits_too_long`; `waits_already` for a time that touches
            it; `waits_enough`.
    """
    if end <= start:
        raise WrongState("ends_before_it_starts")
    if start <= now:
        raise WrongState("time_is_over")
    if end - start > LONGEST_WAIT:
        raise WrongState("waits_too_long")
    is_any = any_of_model and bool(machine.model_name)
    with transaction.atomic():
        # Under the person's lock: two places asked for at once are counted one after the other.
        lock_in_order([person], [])
        places = WaitingEntry.objects.filter(person=person, state__in=[State.WAITING, State.OFFERED])
        if known := places.filter(machine=machine, start=start, end=end).first():
            return known
        if places.filter(_same_machine(machine, is_any=is_any), start__lt=end, end__gt=start).exists():
            raise WrongState("waits_already")
        if places.count() >= MOST_PLACES:
            raise WrongState("waits_enough")
        return WaitingEntry.objects.create(
            machine=machine, person=person, start=start, end=end, any_of_model=is_any, is_notice_only=is_notice_only,
            accepts_at_once=accepts_at_once, created_at=now, created_by=by,
        )  # fmt: skip


def _same_machine(machine: Machine, *, is_any: bool) -> Q:
    """Places that could be served by the machine, or by whichever machine serves a place for any of its model."""
    if not machine.model_name:
        return Q(machine=machine)
    twins = Q(machine__model_name=machine.model_name, machine__unit__site=machine.unit.site_id)
    return Q(machine=machine) | (twins if is_any else twins & Q(any_of_model=True))


def leave_waiting(*, entry: WaitingEntry, by: Person | None, now: dt.datetime) -> WaitingEntry:
    """Wait no more; an offer that was made goes to the next one."""
    WaitingEntry.objects.filter(pk=entry.pk, state=State.WAITING).update(state=State.LEFT, ended_at=now)
    entry.refresh_from_db()
    offer = entry.offer
    if entry.state == State.OFFERED and offer is not None:
        decline_offer(reservation=offer, by=by, now=now)
        entry.refresh_from_db()
    return entry


def accept_offer(*, reservation: Reservation, by: Person, now: dt.datetime) -> Reservation:
    """Say yes to what was offered: the rules are asked again, and where the team says yes first it is pending.

    Raises:
        ReservationRefused: a rule that was kept when it was offered no longer is.
        WrongState: `offer_is_over`.
    """
    with transaction.atomic():
        lock_in_order([reservation.holder], [])
        fresh = locked(reservation)
        if fresh.status in (Status.CONFIRMED, Status.PENDING):
            return fresh
        if fresh.status != Status.HELD or fresh.expires_at is None or fresh.expires_at <= now or not fresh.machine:
            raise WrongState("offer_is_over")
        wish = Wish(fresh.machine, fresh.start, fresh.end, fresh.holder, by)
        facts = replace(wish.facts(now, ignoring=fresh), set_aside=frozenset({Code.TOO_SOON}))
        check(facts, wish.asked, now)
        is_pending = facts.settings.needs_approval
        fresh.status = Status.PENDING if is_pending else Status.CONFIRMED
        fresh.expires_at = fresh.start if is_pending else None
        fresh.save(update_fields=["status", "expires_at"])
        if facts.settings.credits_per_hour:
            settle_credits(reservation=fresh, wanted=credits_wanted(facts, wish.asked), by=by, now=now)
        end_offer(fresh, State.TAKEN, now)
        note_deed(fresh, Deed.Kind.ACCEPTED, by=by, now=now)
        announce_machines(machine_ids_of(fresh))
    return fresh


def decline_offer(*, reservation: Reservation, by: Person | None, now: dt.datetime) -> Reservation:
    """Say no to what was offered; the next one gets it.

    Raises:
        WrongState: `offer_is_over`.
    """
    with transaction.atomic():
        fresh = locked(reservation)
        if fresh.status != Status.HELD:
            raise WrongState("offer_is_over")
        fresh.status, fresh.cancelled_at, fresh.cancelled_by = Status.CANCELLED, now, by
        fresh.save(update_fields=["status", "cancelled_at", "cancelled_by"])
        end_offer(fresh, State.LEFT, now)
        note_deed(fresh, Deed.Kind.CANCELLED, by=by, now=now)
        announce_machines(machine_ids_of(fresh))
    if fresh.machine is not None:
        serve_waiting(fresh.machine, Interval(fresh.start, fresh.end), now)
    return fresh


def serve_waiting(machine: Machine, window: Interval, now: dt.datetime, *, besides: Person | None = None) -> int:
    """Free what has run out there, then offer the time to those who wait for it, in order; how many were served.

    `besides` asks for the time right now: those behind them are not served first. One query where nobody waits and
    nothing has run out.
    """
    if not somebody_waits(machine.unit.site, window, now):
        return 0
    expire_due(now, machine_ids=[machine.pk])
    entries = waiting_for(machine, window).select_related("person")
    return each_alone(_those_before(entries, window, besides), lambda entry: _serve(entry, machine, now))


def _those_before(entries: Iterable[WaitingEntry], window: Interval, besides: Person | None) -> Iterator[WaitingEntry]:
    for entry in entries:
        if besides is not None and entry.person_id == besides.pk and not entry.is_notice_only:
            # Asking for no more than they wait for, they are not served after those behind them.
            if entry.start <= window.start and window.end <= entry.end:
                break
            continue
        yield entry


def serve_those_before(
    site: Site, unit_ids: Sequence[int], window: Interval, now: dt.datetime, *, besides: Person | None = None
) -> bool:
    """Before these units are taken: serve whoever waits for them, for what goes with them, or for what they go with.

    Whether there was anything to look at. One query where nobody waits at the site.
    """
    if not somebody_waits(site, window, now):
        return False
    for machine in machines_in_the_way(unit_ids):
        serve_waiting(machine, window, now, besides=besides)
    return True


def waiting_for(machine: Machine, window: Interval) -> QuerySet[WaitingEntry]:
    """Who waits for a time on the machine, or on any of its model, that touches the window; in order."""
    twins = Q(any_of_model=True, machine__model_name=machine.model_name, machine__unit__site=machine.unit.site_id)
    wanted = Q(machine=machine) | (twins if machine.model_name else Q(pk=None))
    return WaitingEntry.objects.filter(wanted, state=State.WAITING, start__lt=window.end, end__gt=window.start)


def sweep_waiting(now: dt.datetime) -> int:
    """Serve everybody whose time has become free, and end what is over; how many. Run late, twice or not at all, it
    changes nothing but the moment."""
    expire_due(now)
    over = WaitingEntry.objects.filter(state=State.WAITING, start__lte=now)
    over.update(state=State.PASSED, ended_at=now)
    # Read once: whoever joins meanwhile is served the next time.
    waiting = WaitingEntry.objects.filter(state=State.WAITING).select_related("person")
    entries = list(waiting.order_by("created_at", "id"))
    machines = Machine.objects.filter(pk__in={entry.machine_id for entry in entries}).with_places()
    wanted = {machine.pk: machine for machine in machines}
    return each_alone(entries, lambda entry: _serve_anywhere(entry, wanted[entry.machine_id], now))


def _serve_anywhere(entry: WaitingEntry, machine: Machine, now: dt.datetime) -> bool:
    return any(_serve(entry, one, now) for one in [machine, *_twins(entry, machine)])


def end_own_wait(reservation: Reservation, now: dt.datetime) -> None:
    """Who has reserved what they waited for waits no more."""
    WaitingEntry.objects.filter(
        person=reservation.holder, machine=reservation.machine, state=State.WAITING,
        start__gte=reservation.start, end__lte=reservation.end,
    ).update(state=State.TAKEN, ended_at=now)  # fmt: skip


def _twins(entry: WaitingEntry, machine: Machine) -> list[Machine]:
    if not entry.any_of_model:
        return []
    return [twin for twin in machines_of_model(machine) if twin.pk != machine.pk]


# Asked before every reservation: as query sets the two take longer to build than to answer.
SOMEBODY_WAITS_SQL = """
SELECT EXISTS (
    SELECT FROM reservations_reservation
    WHERE site_id = %(site)s AND status IN ('held', 'pending') AND expires_at <= %(now)s
) OR EXISTS (
    SELECT FROM reservations_waitingentry AS entry
    JOIN machines_machine AS machine ON machine.id = entry.machine_id
    JOIN machines_unit AS unit ON unit.id = machine.unit_id
    WHERE entry.state = 'waiting' AND unit.site_id = %(site)s
      AND entry."start" < %(end)s AND entry."end" > %(start)s
)
"""


def somebody_waits(site: Site, window: Interval, now: dt.datetime) -> bool:
    """Whether anybody waits for a time at the site that touches the window, or anything has run out there that nobody
    swept yet. One query."""
    if window.is_empty:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            SOMEBODY_WAITS_SQL, {"site": site.pk, "now": now, "start": window.start, "end": window.end}
        )  # fmt: skip
        return bool(cursor.fetchone()[0])


def _serve(entry: WaitingEntry, machine: Machine, now: dt.datetime) -> bool:
    """Offer the time on this machine to one who waits; whether it was free and theirs to have."""
    if entry.start <= now:
        return False
    wish = Wish(machine, entry.start, entry.end, entry.person, None, origin=Origin.WAITING)
    if entry.is_notice_only:
        return _tell(entry, wish, now)
    try:
        return _offer(entry, wish, now)
    except (ReservationRefused, WrongState):
        # Still taken, or they may not any more, or were erased: their place is kept, the next one is asked.
        return False


def _tell(entry: WaitingEntry, wish: Wish, now: dt.datetime) -> bool:
    facts = wish.facts(now)
    # Their place on the list is used up by the word: it is said once they could really have it.
    if any(rule(facts, wish.asked, now) for rule in (taken, machine_unavailable, closed)):
        return False
    with transaction.atomic():
        told = WaitingEntry.objects.filter(pk=entry.pk, state=State.WAITING).update(state=State.TOLD, ended_at=now)
        if told:
            tell_free(entry, now)
    return bool(told)


@retried
def _offer(entry: WaitingEntry, wish: Wish, now: dt.datetime) -> bool:
    facts = replace(wish.facts(now), set_aside=frozenset({Code.TOO_SOON}))
    check(facts, wish.asked, now)
    windows = windows_of(wish.machine.unit_id, facts, wish.asked)
    with transaction.atomic():
        lock_in_order([wish.holder], windows)
        # Under their lock: another machine may have been offered to them at this very moment.
        check(with_people_now(facts, wish, now), wish.asked, now)
        fresh = WaitingEntry.objects.select_for_update(no_key=True).filter(pk=entry.pk).first()
        if fresh is None or fresh.state != State.WAITING:
            return False
        fields = {} if fresh.accepts_at_once else {"status": Status.HELD, "expires_at": runs_out_at(wish.start, now)}
        offer = insert_reservation(wish, facts, now, **fields)
        hold_units(offer, windows, facts.zone)
        if fresh.accepts_at_once and facts.settings.credits_per_hour:
            settle_credits(reservation=offer, wanted=credits_wanted(facts, wish.asked), by=None, now=now)
        fresh.state = State.TAKEN if fresh.accepts_at_once else State.OFFERED
        fresh.offer, fresh.ended_at = offer, now if fresh.accepts_at_once else None
        fresh.save(update_fields=["state", "offer", "ended_at"])
        announce_machines(machine_ids_of(offer))
    return True


def runs_out_at(start: dt.datetime, now: dt.datetime) -> dt.datetime:
    """Until when an offer stands: a quarter of an hour, less near the start, never beyond it."""
    return now + min(OFFER_LASTS, (start - now) / SHARE_OF_WAIT)

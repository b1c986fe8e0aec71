"""A reservation whose machine has done its work and rests ends early: the tail goes back, the waiting list first."""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Case, Exists, F, Max, OuterRef, Subquery, TextField, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Concat, Greatest, JSONObject

from iot.heat import is_hot
from iot.models import AccessSession, Device, MachineAccess, ReportedState, StopReason, UsageSession, UseState
from iot.rest_rules import ANSWER_WITHIN, RestFacts, Step, rests_since, step_of
from machines.models import Attendance, Machine, Outage
from people.models import Notice, Person
from people.notices import is_reachable, settle, tell
from reservations.deeds import note_deed
from reservations.errors import ReservationError, WrongState
from reservations.evidence import Use, use_of
from reservations.holding import locked
from reservations.life import finish_reservation
from reservations.models import Deed, HeldUnit, Reservation, Status

log = logging.getLogger(__name__)

ASKED, FINISHED = "machine_at_rest", "finished_at_rest"
SEAT = "seat"
# Who says that they go on is not asked again five minutes later.
STAYS_FOR = dt.timedelta(minutes=30)

Keeper = Callable[[Reservation, dt.datetime], bool]
Teller = Callable[[int, dt.datetime], UseState | None]
_keepers: list[Keeper] = []
_tellers: list[Teller] = []
_endings: list[Callable[[UsageSession], bool]] = []


@dataclass(frozen=True, slots=True)
class Question:
    """Whether somebody still needs what is at rest `since`; given to others at `free`, unless they say so."""

    since: dt.datetime
    free: dt.datetime


def keeps_time(function: Keeper) -> Keeper:
    """Register `function(reservation, now)`: whether something still waits there, such as a print for its turn or for
    a clear bed. Then the time stays theirs."""
    _keepers.append(function)
    return function


def tells_state(function: Teller) -> Teller:
    """Register `function(machine key, now)`: what else than a device knows of a machine; None where it does not."""
    _tellers.append(function)
    return function


def ends_work(function: Callable[[UsageSession], bool]) -> Callable[[UsageSession], bool]:
    """Register `function(session)`: whether what it ran for is done, where its plug saw no more than an end."""
    _endings.append(function)
    return function


def question_facts() -> dict[str, Subquery | Greatest]:
    """For `annotate` on reservations: what `question_of` looks at, without a query of its own."""
    keys = Concat(Value("rest:"), Cast(OuterRef("pk"), TextField()), Value(":"), output_field=TextField())
    asked = Notice.objects.filter(person=OuterRef("holder"), kind=ASKED, key__startswith=keys).order_by("-created_at")
    facts = JSONObject(at="created_at", since=KT("params__since"), free=KT("params__free"))
    mine = OuterRef("pk")
    deeds = Deed.objects.filter(reservation=mine).order_by("-at").values("at")
    runs = UsageSession.objects.filter(reservation=mine).order_by("-start").values("start")
    badges = AccessSession.objects.filter(reservation=mine).order_by("-allowed_at").values("allowed_at")
    answers = (Subquery(rows[:1]) for rows in (deeds, runs, badges))
    # PostgreSQL's GREATEST passes over what is not there.
    return {"rest_asked": Subquery(asked.values_list(facts)[:1]), "last_word_at": Greatest(*answers)}


def question_of(reservation: Reservation, now: dt.datetime) -> Question | None:
    """What its holder was asked and has not answered; None once the time is over, or nothing was asked."""
    facts: Any = reservation
    if reservation.status != Status.IN_USE or not facts.rest_asked:
        return None
    at, since, free = (dt.datetime.fromisoformat(facts.rest_asked[name]) for name in ("at", "since", "free"))
    is_answered = facts.last_word_at is not None and facts.last_word_at >= at
    return None if is_answered or free <= now else Question(since, free)


def stay(*, reservation: Reservation, by: Person, now: dt.datetime) -> Reservation:
    """“I go on”: the time stays theirs; half an hour later a rest counts again.

    Raises:
        WrongState: `not_open`.
    """
    with transaction.atomic():
        fresh = locked(reservation)
        if fresh.status != Status.IN_USE or fresh.end <= now:
            raise WrongState("not_open")
        note_deed(fresh, Deed.Kind.STAYS, by=by, now=now)
        settle(key_prefix=_keys(fresh), now=now)
    return fresh


def finish_what_rests(*, now: dt.datetime, most: int = 200) -> int:
    """Ask those whose machine has done its work whether they go on, and finish what nobody took up again; how many were
    finished. A late, skipped or doubled sweep changes nothing but when."""
    open_ones = Reservation.objects.filter(status=Status.IN_USE, start__lt=now, end__gt=now, machine__isnull=False)
    ran = UsageSession.objects.filter(reservation=OuterRef("pk"), end__isnull=False)
    rows = open_ones.filter(Exists(ran)).exclude(
        Exists(UsageSession.objects.filter(machine=OuterRef("machine"), end=None))
    )
    finished = 0
    for row in rows.order_by("end", "pk")[:most]:
        try:
            finished += _looked_at(row, now)
        except Exception:
            # One that cannot be finished must not keep all the others.
            log.exception("%s could not be looked at", row)
    return finished


@transaction.atomic
def _looked_at(row: Reservation, now: dt.datetime) -> int:
    fresh = locked(row)
    if fresh.status != Status.IN_USE or fresh.machine is None or fresh.holder is None:
        return 0
    facts = facts_of(fresh, fresh.machine, now)
    step = step_of(facts, now)
    since = rests_since(facts)
    if step == Step.NOTHING or since is None:
        return 0
    if step == Step.ASK:
        _tell(fresh, ASKED, _key(fresh, since), since, now)
        return 0
    try:
        finish_reservation(reservation=fresh, now=now)
    except ReservationError:
        # Lent in the meantime, or held in a way that only the desk ends.
        return 0
    settle(key_prefix=_keys(fresh), now=now)
    _tell(fresh, FINISHED, f"rested:{fresh.pk}", since, now)
    return 1


def facts_of(reservation: Reservation, machine: Machine, now: dt.datetime) -> RestFacts:
    """What the rule looks at; some fifteen queries, asked of what has ended a run and is not running."""
    last = UsageSession.objects.filter(machine=machine).order_by("-start", "-pk").first()
    is_theirs = last is not None and last.end is not None and last.reservation_id == reservation.pk
    ran_until = last.end if last is not None and is_theirs else None
    state = ReportedState.objects.filter(machine=machine).first()
    access = MachineAccess.objects.filter(machine=machine).first()
    came_at = _came_at(reservation, machine)
    since = max(ran_until, came_at) if ran_until is not None else None
    wait = machine.booking.no_show_min
    asked = Notice.objects.filter(key=_key(reservation, since)).first() if since is not None else None
    return RestFacts(
        end=reservation.end,
        is_one_of_ours=_is_one_of_ours(reservation, machine, state),
        gives_away_after=dt.timedelta(minutes=wait) if wait is not None else None,
        off_when_idle_after=access.idle_off_after if access is not None else None,
        runs_alone=machine.booking.attendance == Attendance.START,
        came_at=came_at,
        ran_until=ran_until,
        stopped_for=_stopped_for(last) if last is not None and is_theirs else "",
        state=_state(state, machine, now),
        use_since=use_of(machine.pk, ran_until, now) if ran_until is not None else Use.UNKNOWN,
        is_hot=is_hot(state, now),
        is_out_of_service=Outage.objects.filter(machine=machine).holding_at(now).exists(),
        is_kept=any(keeper(reservation, now) for keeper in _keepers),
        asked_at=asked.created_at if asked is not None else None,
    )


def _stopped_for(session: UsageSession) -> str:
    if session.stop_reason == StopReason.NORMAL and any(is_done(session) for is_done in _endings):
        return StopReason.JOB_FINISHED
    return session.stop_reason


def _state(state: ReportedState | None, machine: Machine, now: dt.datetime) -> str:
    if state is not None and not state.is_unreachable and state.state != UseState.UNKNOWN:
        return state.state
    told = (teller(machine.pk, now) for teller in _tellers)
    return next((each for each in told if each is not None), UseState.UNKNOWN)


def _is_one_of_ours(reservation: Reservation, machine: Machine, state: ReportedState | None) -> bool:
    holder, category = reservation.holder, machine.category
    if holder is None or category.is_lent or category.is_seat or not is_reachable(holder):
        return False
    if state is not None and state.battery_pct is not None:
        # What has a battery is carried about: at rest it is not left.
        return False
    told = Device.objects.filter(machine=machine, revoked_at=None).values_list("capabilities", flat=True)
    if any(SEAT in (capabilities or ()) for capabilities in told):
        return False
    return HeldUnit.objects.filter(reservation=reservation).count() == 1


def _came_at(reservation: Reservation, machine: Machine) -> dt.datetime:
    """When a person last did something with it: came, changed it, presented a badge; or until when they said that they
    stay."""
    until = Case(When(kind=Deed.Kind.STAYS, then=F("at") + STAYS_FOR), default=F("at"))
    deed = Deed.objects.filter(reservation=reservation).aggregate(at=Max(until))["at"]
    badge = AccessSession.objects.filter(machine=machine, reservation=reservation)
    let_in = badge.aggregate(at=Max("allowed_at"), on=Max("energised_at"))
    told = (reservation.start, reservation.checked_in_at, deed, let_in["at"], let_in["on"])
    return max(at for at in told if at is not None)


def _keys(reservation: Reservation) -> str:
    """With what all its questions begin."""
    return f"rest:{reservation.pk}:"


def _key(reservation: Reservation, since: dt.datetime) -> str:
    """One question for each rest: who takes it up again is asked anew."""
    return f"{_keys(reservation)}{since.isoformat()}"


def _tell(reservation: Reservation, kind: str, key: str, since: dt.datetime, now: dt.datetime) -> None:
    if reservation.holder is None:
        return
    params: dict[str, Any] = {
        "what": reservation.what,
        "start": reservation.start.isoformat(),
        "end": reservation.end.isoformat(),
        "since": since.isoformat(),
        "free": (now + ANSWER_WITHIN).isoformat(),
        "zone": reservation.site.time_zone,
    }
    tell(
        person=reservation.holder, kind=kind, key=key, params=params, link=reservation.get_absolute_url(),
        site=reservation.site, now=now,
    )  # fmt: skip

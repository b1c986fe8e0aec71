"""One badge, one answer: known within 150 ms, the same for the same request, whatever else the devices say."""

import datetime as dt
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import IntegrityError, connection, transaction

from fablab.lib.denials import Denial
from iot.access import words
from iot.access.button import holder_now, is_waited_for
from iot.access.cooling import cools_first, was_told_hot
from iot.access.sessions import (
    WAITING,
    WAITS,
    State,
    add_second_person,
    end_access,
    one_at_a_time,
    open_access,
    prolong,
    start_access,
)
from iot.access.time_for import outage_denials, standing_denials, time_for
from iot.access.told import take_back
from iot.access.who import person_behind
from iot.clocks import stamp
from iot.models import (
    AccessAttempt,
    AccessSession,
    Device,
    DriverKind,
    MachineAccess,
    ReportedState,
    StopReason,
    UseState,
)
from iot.protocol import Access, Decision
from machines.models import Machine
from people.models import Person
from people.permissions import is_staff
from reservations.desk import extend
from reservations.errors import ReservationError, ReservationRefused

UNKNOWN_MOST = 5
UNKNOWN_WITHIN = dt.timedelta(minutes=1)
# Somebody of the team who uses it all the same has it for so long at a time.
OVERRIDE_LASTS = dt.timedelta(hours=1)
MORE_TIME = dt.timedelta(minutes=30)


@dataclass(slots=True)
class Verdict:
    """What comes of one request; `denials` empty when it is allowed."""

    person: Person | None = None
    session: AccessSession | None = None
    denials: list[Denial] = field(default_factory=list)
    is_ended: bool = False


def answer(device: Device, asked: Access, now: dt.datetime) -> Decision | None:
    """Decide about a badge, code or button at this device; the same request is answered as before, and not at all when
    the device has decided it itself meanwhile.

    Side effects in order: a code used up or a badge given; a reservation made or checked in; a session opened, ended,
    prolonged or taken over; the attempt written down. A refusal touches no session.
    """
    with _one_decider(device, asked):
        before = AccessAttempt.objects.filter(device=device, request_id=asked.request_id).first()
        if before is not None:
            return _again(before, now) if before.answer else None
        return _decided(device, asked, now)


@contextmanager
def _one_decider(device: Device, asked: Access) -> Iterator[None]:
    """The same request that comes to two processes at once is decided by one of them, and known to the other."""
    digest = hashlib.blake2b(f"{device.pk}:{asked.request_id}".encode(), digest_size=8).digest()
    key = int.from_bytes(digest, "big", signed=True)
    with connection.cursor() as cursor:
        # What is committed on the way is on the disk with the last commit, which waits for it: whoever stands there
        # would wait for the disk four times.
        cursor.execute("SELECT pg_advisory_lock(%s), set_config('synchronous_commit', 'off', false)", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _decided(device: Device, asked: Access, now: dt.datetime) -> Decision | None:
    began = time.perf_counter()
    machine = Machine.objects.with_places().filter(devices=device).first()
    access = MachineAccess.objects.filter(machine=machine).first() or MachineAccess(machine=machine)
    verdict = _verdict(device, machine, access, asked, now)
    decision = _decision(verdict, machine, access, asked, now)
    written = {
        "kind": asked.kind, "at": now, "person": verdict.person, "session": verdict.session,
        "is_allowed": decision.is_allowed, "codes": [str(denial.code) for denial in verdict.denials],
        "answer": msgspec.to_builtins(decision), "took_ms": round((time.perf_counter() - began) * 1000, 1),
    }  # fmt: skip
    try:
        with transaction.atomic():
            _wait_for_disk()
            AccessAttempt.objects.create(device=device, request_id=asked.request_id, **written)
    except IntegrityError:
        row = AccessAttempt.objects.get(device=device, request_id=asked.request_id)
        if row.answer:
            # The same request came twice at once: the first answer stands.
            return _again(row, now)
        if decision.is_allowed and not row.is_allowed and verdict.session is not None:
            # The device grew tired of waiting and turned them away: nobody is there who could begin.
            with transaction.atomic():
                _wait_for_disk()
                take_back(device, verdict.session.pk, row, leaves=verdict.is_ended, at=now)
            return None
        # It let them in by its roster: what was decided here holds, and it follows.
        with transaction.atomic():
            _wait_for_disk()
            AccessAttempt.objects.filter(pk=row.pk).update(**written)
    return decision


def _wait_for_disk() -> None:
    """This commit, and so all before it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO on")


def too_late(asked: Access, now: dt.datetime) -> Decision:
    """A request that comes from the past opens nothing: whoever stood there has left. Nothing is written."""
    text = words.refusal_line(Denial(words.TOO_LATE), None, words.LANGUAGE)
    return Decision(asked.request_id, False, stamp(now), reason=words.TOO_LATE, text=text)


def _again(attempt: AccessAttempt, now: dt.datetime) -> Decision:
    """The answer as it was, with what is left of its time."""
    known: dict[str, Any] = attempt.answer | {"server_at": stamp(now)}
    passed_s = max(0, round((now - attempt.at).total_seconds()))
    if known.get("most_s"):
        known["most_s"] = max(0, known["most_s"] - passed_s)
    return msgspec.convert(known, Decision)


def _verdict(
    device: Device, machine: Machine | None, access: MachineAccess, asked: Access, now: dt.datetime
) -> Verdict:
    if machine is None:
        return Verdict(denials=[Denial(words.NO_MACHINE)])
    if asked.kind == "button":
        return _pressed(device, machine, access, now)
    # Codes are few and could be tried; whoever has a badge that is known is never kept waiting by others.
    is_guessing = _unknown_of_late(device, now) >= UNKNOWN_MOST
    person = None if is_guessing and asked.kind == "code" else person_behind(device, asked, now)
    if person is None:
        unknown = words.UNKNOWN_CODE if asked.kind == "code" else words.UNKNOWN_BADGE
        return Verdict(denials=[Denial(words.TOO_MANY_ATTEMPTS if is_guessing else unknown)])
    running = open_access(machine.pk)
    if running is not None and running.state == State.WAITING_SECOND and running.person_id != person.pk:
        return _second(running, machine, access, person, now)
    if running is not None and running.person_id == person.pk and running.until > now:
        return _own_again(running, machine, access, person, now)
    return _begin(device, machine, access, person, running, now)


def _unknown_of_late(device: Device, now: dt.datetime) -> int:
    rows = AccessAttempt.objects.filter(device=device, at__gt=now - UNKNOWN_WITHIN)
    return rows.filter(codes__has_any_keys=[words.UNKNOWN_BADGE, words.UNKNOWN_CODE]).count()


def _begin(
    device: Device,
    machine: Machine,
    access: MachineAccess,
    person: Person,
    running: AccessSession | None,
    now: dt.datetime,
    *,
    is_known: bool = True,
) -> Verdict:
    """`is_known`: it is they who stand there; whose time it only is overrides nothing."""
    overridden: tuple[str, ...] = ()
    if access.needs_two_people and running is not None and running.state == State.ACTIVE and running.until > now:
        # Whoever begins here waits for a second person: meanwhile nobody would have what runs.
        return Verdict(person, denials=[Denial(words.SOMEBODY_IS_THERE)])
    try:
        reservation = time_for(machine=machine, access=access, person=person, now=now)
        until = reservation.end
    except ReservationRefused as refusal:
        if not is_known or not _may_override(person, machine, now):
            return Verdict(person, denials=list(refusal.denials))
        reservation, until = None, now + OVERRIDE_LASTS
        overridden = tuple(str(denial.code) for denial in refusal.denials)
    with one_at_a_time(machine.pk):
        session = start_access(
            machine=machine, device=device, access=access, person=person, until=until, now=now,
            reservation=reservation, overridden=overridden,
        )  # fmt: skip
    if session.state == State.WAITING_SECOND:
        return Verdict(person, session, [Denial(words.TWO_PERSON)])
    return Verdict(person, session)


def _may_override(person: Person, machine: Machine, now: dt.datetime) -> bool:
    """The team of the site uses what others may not, except what was stopped for safety: that is lifted first."""
    is_stopped = any(denial.code == words.SAFETY_INPUT for denial in outage_denials(machine, now))
    return is_staff(person, machine) and not is_stopped


def _second(
    running: AccessSession, machine: Machine, access: MachineAccess, person: Person, now: dt.datetime
) -> Verdict:
    if denials := standing_denials(machine, person, now):
        return Verdict(person, denials=denials)
    with one_at_a_time(machine.pk):
        fresh = AccessSession.objects.select_related("machine").get(pk=running.pk)
        if fresh.state != State.WAITING_SECOND or now - fresh.allowed_at > WAITS:
            return Verdict(person, denials=[Denial(words.TOO_LATE)])
        add_second_person(fresh, second=person, access=access, now=now)
    return Verdict(person, fresh)


def _own_again(
    running: AccessSession, machine: Machine, access: MachineAccess, person: Person, now: dt.datetime
) -> Verdict:
    """Near the end: more time, if nobody waits. Otherwise whoever presents the badge again leaves; never while it
    works."""
    if running.state in WAITING:
        AccessSession.objects.filter(pk=running.pk, ended_at=None).update(allowed_at=now)
        denials = [Denial(words.TWO_PERSON)] if running.state == State.WAITING_SECOND else []
        return Verdict(person, running, denials)
    if running.until - now <= access.warn_before:
        return _more(running, person, now)
    # Our agent says when power is on: before that, its answer was lost, and nobody leaves.
    was_lost = running.energised_at is None and running.device is not None and running.device.kind == DriverKind.FABLAB
    if was_lost or ReportedState.objects.filter(machine=machine, state=UseState.BUSY).exists():
        return Verdict(person, running)
    if cools_first(running, now):
        # The device says when it ended. One that does not know of the heat would cut at once: it is told first.
        return Verdict(person, running, is_ended=was_told_hot(running, now))
    with one_at_a_time(machine.pk):
        fresh = AccessSession.objects.select_related("machine", "reservation").get(pk=running.pk)
        end_access(fresh, at=now, reason=StopReason.NORMAL, now=now)
    return Verdict(person, fresh, is_ended=True)


def _pressed(device: Device, machine: Machine, access: MachineAccess, now: dt.datetime) -> Verdict:
    """Begins what is checked in and has the machine now, by the rules of a badge; asks more time for who has it."""
    running = open_access(machine.pk)
    if running is None:
        holder = holder_now(machine, now)
        if holder is None:
            return Verdict(denials=[Denial(words.BADGE_FIRST)])
        return _begin(device, machine, access, holder, None, now, is_known=False)
    if running.person is None or not is_waited_for(running, machine, now):
        return Verdict(denials=[Denial(words.BADGE_FIRST)])
    if running.until - now > access.warn_before:
        return Verdict(running.person, running)
    return _more(running, running.person, now)


def _more(running: AccessSession, person: Person, now: dt.datetime) -> Verdict:
    """Another half hour, asked of the same rules; refused, it ends when it was to end."""
    reservation, until = running.reservation, running.until + MORE_TIME
    if reservation is not None:
        try:
            until = extend(reservation=reservation, by=person, now=now, length=MORE_TIME).end
        except ReservationRefused as refusal:
            return Verdict(person, running, list(refusal.denials))
        except ReservationError:
            return Verdict(person, running, [Denial(words.NO_RESERVATION)])
    with one_at_a_time(running.machine_id):
        fresh = AccessSession.objects.select_related("device").get(pk=running.pk)
        if fresh.ended_at is not None:
            return Verdict(person, denials=[Denial(words.TOO_LATE)])
        prolong(fresh, until=until)
    return Verdict(person, fresh)


def _decision(
    verdict: Verdict, machine: Machine | None, access: MachineAccess, asked: Access, now: dt.datetime
) -> Decision:
    person, session = verdict.person, verdict.session
    if verdict.denials or session is None or machine is None:
        denial = verdict.denials[0]
        text = words.refusal_line(denial, person, words.LANGUAGE)
        return Decision(asked.request_id, False, stamp(now), reason=str(denial.code), text=text)
    most_s = 0 if verdict.is_ended else max(0, int((session.until - now).total_seconds()))
    return Decision(
        request_id=asked.request_id,
        is_allowed=True,
        server_at=stamp(now),
        session_id=session.reference,
        most_s=most_s,
        warn_s=int(access.warn_before.total_seconds()),
        needs_button=session.state == State.WAITING_BUTTON and asked.kind != "button",
        display_name=person.get_short_name() if person else "",
        text=words.until_line(session.until, machine.site.zone, person, words.LANGUAGE),
    )

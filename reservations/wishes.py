"""What somebody would like to have, the rules asked about it, and the row that comes of it: whichever the door."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person, Team
from people.permissions import is_staff
from reservations.credits import credits_left
from reservations.deeds import note_deed
from reservations.errors import OnlyForTheTeam, ReservationRefused
from reservations.facts import booking_facts, taken_of_units
from reservations.facts_of_people import busy_times, companion_facts, of_kind_times
from reservations.holding import lock_in_order
from reservations.models import Deed, Origin, Participant, Reservation, Status
from reservations.quotas import quota_facts
from reservations.rules import BookingFacts, Purpose, may_be_set_aside, reservation_denials
from reservations.rules_of_people import credits_for


@dataclass(frozen=True, slots=True)
class SetAside:
    """Rules that somebody of the team sets aside this once, by code, and why: kept in the history."""

    codes: frozenset[str]
    why: str

    def __post_init__(self) -> None:
        if self.codes and not self.why.strip():
            raise ValueError("a rule is set aside for a reason")


NOTHING_SET_ASIDE = SetAside(frozenset(), "")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody would like to have, through which door, and who asks for it.

    Raises:
        OnlyForTheTeam: rules are set aside by somebody who is not of the team of the machine's site.
    """

    machine: Machine
    start: dt.datetime
    end: dt.datetime
    holder: Person | None
    by: Person | None
    origin: Origin = Origin.PAGE
    purpose: Purpose = Purpose.BOOK
    team: Team | None = None
    note: str = ""
    companions: Sequence[Person] = ()
    holder_takes_part: bool = True
    set_aside: SetAside = field(default=NOTHING_SET_ASIDE)

    def __post_init__(self) -> None:
        if self.set_aside.codes and not is_staff(self.by, self.machine):
            raise OnlyForTheTeam

    @property
    def asked(self) -> Interval:
        return Interval(self.start, self.end)

    @property
    def comes(self) -> Person | None:
        """Who of the two is busy then."""
        return self.holder if self.holder_takes_part else None

    def facts(self, now: dt.datetime, **more: Any) -> BookingFacts:
        """All that the rules look at."""
        return booking_facts(
            machine=self.machine, holder=self.holder, start=self.start, end=self.end, now=now, purpose=self.purpose,
            companions=self.companions, set_aside=self.set_aside.codes, holder_takes_part=self.holder_takes_part,
            **more,
        )  # fmt: skip


def companions_of(reservation: Reservation) -> list[Person]:
    """Who comes beside whoever holds it, in the order in which they were named. One query."""
    rows = Participant.objects.filter(reservation=reservation).select_related("person").order_by("pk")
    return [row.person for row in rows]


def check(facts: BookingFacts, asked: Interval, now: dt.datetime) -> None:
    """Ask every rule.

    Raises:
        ReservationRefused: with every reason.
    """
    denials = reservation_denials(facts=facts, start=asked.start, end=asked.end, now=now)
    if denials:
        settable = all(may_be_set_aside(denial.code, facts) for denial in denials)
        raise ReservationRefused(denials, may_be_set_aside=settable)


def credits_wanted(facts: BookingFacts, asked: Interval) -> int:
    return credits_for(asked.duration, facts.settings.credits_per_hour)


def insert_reservation(wish: Wish, facts: BookingFacts, now: dt.datetime, **fields: Any) -> Reservation:
    """The row, those who come along, and the first line of its history; within the caller's transaction."""
    is_asked = facts.settings.needs_approval and not is_staff(wish.by, wish.machine)
    status = fields.pop("status", Status.PENDING if is_asked else Status.CONFIRMED)
    expires_at = fields.pop("expires_at", wish.start if status == Status.PENDING else None)
    reservation = Reservation(
        site=wish.machine.site, machine=wish.machine, holder=wish.holder, team=wish.team,
        start=wish.start, end=wish.end, booked_start=wish.start, booked_end=wish.end, status=status,
        expires_at=expires_at, origin=wish.origin, note=wish.note, holder_takes_part=wish.holder_takes_part,
        created_at=now, created_by=wish.by, **fields,
    )  # fmt: skip
    reservation.save(force_insert=True)
    if wish.companions:
        Participant.objects.bulk_create(Participant(reservation=reservation, person=who) for who in wish.companions)
    kinds = {Status.PENDING: Deed.Kind.ASKED, Status.HELD: Deed.Kind.OFFERED}
    kind = kinds.get(Status(status), Deed.Kind.MADE)
    note_deed(
        reservation, kind, by=wish.by, now=now, why=wish.set_aside.why, overridden=wish.set_aside.codes,
        origin=wish.origin,
    )  # fmt: skip
    return reservation


def with_those_who_come(wish: Wish, fresh: Reservation) -> Wish:
    """Who comes to the reservation that moves, as it is under its lock. One query, and a lock where somebody was
    named in between: that one comes out of order, and a deadlock is tried again."""
    companions = companions_of(fresh)
    if late := [person for person in companions if person not in wish.companions]:
        lock_in_order(late, [])
    return replace(wish, companions=companions, holder_takes_part=fresh.holder_takes_part)


def with_people_now(facts: BookingFacts, wish: Wish, now: dt.datetime) -> BookingFacts:
    """What the people held a moment ago, as it is under their locks: asked again as far as it was looked at before."""
    machine, asked, comes = wish.machine, wish.asked, wish.comes
    fresh: dict[str, Any] = {}
    if comes is not None:
        fresh["busy"] = busy_times(comes, wish.start, wish.end)
        if facts.quotas:
            fresh["quotas"] = quota_facts(machine=machine, person=comes, asked=asked, now=now)
        if facts.settings.rest:
            fresh["of_kind"] = of_kind_times(machine, comes, asked)
    if wish.companions:
        fresh["companions"] = companion_facts(machine, wish.companions, asked, now=now)
    if wish.holder is not None and facts.person is not None and facts.settings.credits_per_hour:
        fresh["person"] = replace(facts.person, credits_left=credits_left(wish.holder, wish.start))
    return replace(facts, **fresh)


def with_taken_now(facts: BookingFacts, unit_id: int, windows: Mapping[int, Interval]) -> BookingFacts:
    """What others hold of these units, as it is under their locks. One query."""
    held = taken_of_units(windows)
    if not held:
        return facts
    parts = tuple(replace(part, taken=tuple(held.get(part.unit_id, ()))) for part in facts.parts)
    return replace(facts, taken=tuple(held.get(unit_id, ())), parts=parts)

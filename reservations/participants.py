"""Who comes, of a team's reservation: chosen among its members, and changed until it is over."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from fablab.lib.retries import retried
from people.models import Person, Team, TeamMembership
from people.permissions import is_staff
from reservations.deeds import note_deed
from reservations.errors import NotOfTheTeam, ReservationRefused, WrongState
from reservations.holding import lock_in_order, locked
from reservations.models import Deed, Origin, Participant, Reservation, Status
from reservations.notices import tell_of_people
from reservations.refusals import record_refusal
from reservations.rules_of_people import (
    guardian_required,
    person_busy,
    quota_exceeded,
    supervision_required,
    too_many_open,
)
from reservations.selectors import has_run_out
from reservations.wishes import Wish, companions_of

# Of the reservation and who comes beside the holder, both as they are under the lock: who shall come, and whether the
# holder does.
Choose = Callable[[Reservation, Sequence[Person]], tuple[Sequence[Person], bool]]
# What is asked of those who are new, and what is asked again when somebody leaves.
ASKED_OF_NEW = (person_busy, quota_exceeded, too_many_open)
ASKED_OF_THE_REST = (guardian_required, supervision_required)


@dataclass(frozen=True, slots=True)
class _Change:
    """Who comes beside the holder from now on, who of them is new and who leaves, and whether the holder joins."""

    wanted: Sequence[Person]
    added: Sequence[Person]
    removed: Sequence[Person]
    holder_joins: bool
    holder_leaves: bool

    @property
    def is_nothing(self) -> bool:
        return not (self.added or self.removed or self.holder_joins or self.holder_leaves)


def who_comes(reservation: Reservation) -> list[Person]:
    """All of them, the holder first; of what is nobody's team's the holder alone. One query of a team's, else none."""
    holder = [reservation.holder] if reservation.holder is not None and reservation.holder_takes_part else []
    return [*holder, *(companions_of(reservation) if reservation.team_id is not None else [])]


def may_choose_people(reservation: Reservation, now: dt.datetime) -> bool:
    """Whether it is a team's, and its time is not over."""
    is_open = reservation.is_movable and reservation.end > now and reservation.status != Status.HELD
    return reservation.team_id is not None and is_open and not has_run_out(reservation, now)


def are_of_the_team(team: Team | None, people: Iterable[Person]) -> bool:
    """Whether all of them are members; nobody is of no team. One query, none for nobody."""
    wanted = {person.pk for person in people}
    if not wanted or team is None:
        return not wanted
    return TeamMembership.objects.filter(team=team, person__in=wanted).count() == len(wanted)


def set_participants(
    *, reservation: Reservation, people: Iterable[Person], holder_takes_part: bool, by: Person, now: dt.datetime
) -> Reservation:
    """From now on these come, and the holder or not; the same ones again is nothing.

    Side effects in order: all whom it concerns are locked; of those who are new the limits and other reservations are
    asked, and of those who stay whether they may do without the ones who leave; participants written; history and
    reminders; those who were added or left out are told. On refusal that is recorded.

    Raises:
        NotOfTheTeam: somebody new is no member of the reservation's team.
        ReservationRefused: with every reason; nothing is changed.
        WrongState: `not_open` when it is over, `answer_the_offer_first` of an offer, `nobody_comes`.
    """
    wanted = list(people)
    return _changed(reservation, wanted, lambda _fresh, _before: (wanted, holder_takes_part), by, now)


def leave_reservation(*, reservation: Reservation, person: Person, now: dt.datetime) -> Reservation:
    """Somebody who was to come does not. As `set_participants`; whoever holds it is told.

    Raises:
        ReservationRefused: the others may not do without them.
        WrongState: as `set_participants`.
    """

    def without_them(fresh: Reservation, before: Sequence[Person]) -> tuple[Sequence[Person], bool]:
        others = [row for row in before if row.pk != person.pk]
        return others, fresh.holder_takes_part and fresh.holder_id != person.pk

    return _changed(reservation, [], without_them, person, now)


def _changed(
    reservation: Reservation, new: Sequence[Person], choose: Choose, by: Person, now: dt.datetime
) -> Reservation:
    try:
        return _set(reservation, new, choose, by, now)
    except ReservationRefused as refusal:
        if reservation.machine is not None:
            asked = Interval(reservation.start, reservation.end)
            record_refusal(reservation.machine, asked, refusal.denials, reservation.holder, Origin.PAGE, now)
        raise


@retried
def _set(reservation: Reservation, new: Sequence[Person], choose: Choose, by: Person, now: dt.datetime) -> Reservation:
    with transaction.atomic():
        lock_in_order([reservation.holder, *companions_of(reservation), *new], [])
        fresh = locked(reservation)
        if not fresh.is_movable or fresh.end <= now or has_run_out(fresh, now):
            raise WrongState("not_open")
        if fresh.status == Status.HELD:
            raise WrongState("answer_the_offer_first")
        before = companions_of(fresh)
        people, holder_takes_part = choose(fresh, before)
        change = _change_of(fresh, before, people, holder_takes_part)
        if change.is_nothing:
            return fresh
        if not change.wanted and not (holder_takes_part and fresh.holder is not None):
            raise WrongState("nobody_comes")
        if not are_of_the_team(fresh.team, change.added):
            raise NotOfTheTeam
        if denials := _denials(fresh, change, by, now):
            raise ReservationRefused(denials)
        count_before = len(before) + fresh.holder_takes_part
        _write(fresh, change)
        deed = note_deed(fresh, Deed.Kind.CHANGED, by=by, now=now, before={"people": count_before})
        tell_of_people(deed, added=change.added, removed=change.removed)
    return fresh


def _change_of(fresh: Reservation, before: Sequence[Person], people: Sequence[Person], holder_comes: bool) -> _Change:
    # Each once, and the holder by their own mark only.
    wanted = {person.pk: person for person in people if person.pk != fresh.holder_id}
    there = {person.pk for person in before}
    return _Change(
        wanted=list(wanted.values()),
        added=[person for pk, person in wanted.items() if pk not in there],
        removed=[person for person in before if person.pk not in wanted],
        holder_joins=holder_comes and not fresh.holder_takes_part,
        holder_leaves=fresh.holder_takes_part and not holder_comes,
    )


def _denials(fresh: Reservation, change: _Change, by: Person, now: dt.datetime) -> list[Denial]:
    """Every reason of every person; none for what is held for a group."""
    if fresh.machine is None:
        return []
    asked = Interval(fresh.start, fresh.end)
    found: list[Denial] = []
    if change.added or change.holder_joins:
        # What the holder does then is theirs too: asked for by another, it is said of them as of a companion.
        is_own = fresh.holder_id == by.pk
        holder = [fresh.holder] if change.holder_joins and not is_own and fresh.holder is not None else []
        new = Wish(
            fresh.machine, fresh.start, fresh.end, fresh.holder, None, companions=[*holder, *change.added],
            holder_takes_part=change.holder_joins and is_own,
        )  # fmt: skip
        facts = new.facts(now, ignoring=fresh)
        found += [denial for rule in ASKED_OF_NEW for denial in rule(facts, asked, now)]
    # The team knows whom it leaves alone at the machine.
    if (change.removed or change.holder_leaves) and not is_staff(by, fresh):
        left = Wish(
            fresh.machine, fresh.start, fresh.end, fresh.holder, None, companions=change.wanted,
            holder_takes_part=(fresh.holder_takes_part or change.holder_joins) and not change.holder_leaves,
        )  # fmt: skip
        facts = left.facts(now, ignoring=fresh)
        found += [denial for rule in ASKED_OF_THE_REST for denial in rule(facts, asked, now)]
    return found


def _write(fresh: Reservation, change: _Change) -> None:
    Participant.objects.filter(reservation=fresh, person__in=[person.pk for person in change.removed]).delete()
    Participant.objects.bulk_create(Participant(reservation=fresh, person=person) for person in change.added)
    if change.holder_joins or change.holder_leaves:
        fresh.holder_takes_part = change.holder_joins
        fresh.save(update_fields=["holder_takes_part"])

"""Two people at a machine that no device watches: each says on their own phone that they are there."""

import datetime as dt

from iot.access.sessions import WAITS_BY_HAND, State, end_access, one_at_a_time, open_access
from iot.models import AccessSession, StopReason
from machines.models import Machine
from people.models import Person
from reservations.models import Reservation, Status


def waiting_for(machine: Machine, second: Person, now: dt.datetime) -> AccessSession | None:
    """What somebody else began a moment ago and is to be confirmed by this person. One query."""
    first = open_access(machine.pk)
    if first is None or first.device_id is not None or first.person_id == second.pk:
        return None
    return first if _still_waits(first, now) else None


def wait_for_second(machine: Machine, person: Person, reservation: Reservation, now: dt.datetime) -> AccessSession:
    """The first of two is there; nobody uses the machine yet. Asked again they wait anew; it ends after five minutes,
    and what was reserved on the spot is given back then."""
    with one_at_a_time(machine.pk):
        before = open_access(machine.pk)
        if before is not None and before.person_id == person.pk and before.state == State.WAITING_SECOND:
            before.allowed_at, before.until, before.reservation = now, reservation.end, reservation
            before.save(update_fields=["allowed_at", "until", "reservation"])
            return before
        if before is not None:
            end_access(before, at=now, reason=StopReason.IDLE_TIMEOUT, now=now)
        return AccessSession.objects.create(
            machine=machine, person=person, reservation=reservation, state=State.WAITING_SECOND, allowed_at=now,
            until=reservation.end,
        )  # fmt: skip


def second_came(first: AccessSession, second: Person, now: dt.datetime) -> bool:
    """The other one of two is there too, and both are written down. Nothing is switched: no device hears of it.

    Within `one_at_a_time`. False when the first one has left meanwhile.
    """
    fresh = AccessSession.objects.get(pk=first.pk)
    if not _still_waits(fresh, now):
        return False
    fresh.second_person, fresh.state = second, State.ACTIVE
    fresh.save(update_fields=["second_person", "state"])
    return True


def end_pair(machine_id: int, *, at: dt.datetime, reason: StopReason) -> None:
    """Both have left with the use that they began; what was reserved is seen to with that use."""
    row = AccessSession.objects.filter(machine=machine_id, device=None, state=State.ACTIVE).first()
    if row is not None:
        row.state, row.stop_reason, row.ended_at = State.ENDED, reason, max(at, row.allowed_at)
        row.save(update_fields=["state", "stop_reason", "ended_at"])


def _still_waits(first: AccessSession, now: dt.datetime) -> bool:
    reservation = first.reservation
    if reservation is None or reservation.status not in (Status.CONFIRMED, Status.IN_USE) or reservation.end <= now:
        # Given back or over meanwhile: somebody else may have the time by now.
        return False
    return first.state == State.WAITING_SECOND and now - first.allowed_at <= WAITS_BY_HAND

"""Whose the machine is when its button asks: a button says nothing of who presses it."""

import datetime as dt

from iot.access.sessions import WAITING, was_never_begun
from iot.models import AccessSession
from machines.models import Machine, RiskLevel
from people.models import Person
from reservations.models import HeldUnit, Status

# What somebody did on a phone is confirmed at the machine within this, where people can get hurt.
CONFIRMED_WITHIN = dt.timedelta(seconds=30)


def holder_now(machine: Machine, now: dt.datetime) -> Person | None:
    """Who holds the one reservation that is checked in and has the machine now; None when it is nobody's, several
    have it, or it can hurt and they said longer ago that they are there. One query."""
    held = HeldUnit.objects.filter(
        unit=machine.unit_id, is_holding=True, period__contains=now, reservation__status=Status.IN_USE
    )
    found = [row.reservation for row in held.select_related("reservation__holder")[:2]]
    if len(found) != 1 or _is_too_long_ago(machine, found[0].checked_in_at, now):
        return None
    return found[0].holder


def is_waited_for(running: AccessSession, machine: Machine, now: dt.datetime) -> bool:
    """Whether the button alone may go on with a session: not one that waits for a badge, nor one that was allowed a
    while ago at a machine that can hurt and never began."""
    if running.state in WAITING or running.person is None:
        return False
    return not was_never_begun(running) or not _is_too_long_ago(machine, running.allowed_at, now)


def _is_too_long_ago(machine: Machine, at: dt.datetime | None, now: dt.datetime) -> bool:
    return machine.risk >= RiskLevel.LOW and (at is None or now - at > CONFIRMED_WITHIN)

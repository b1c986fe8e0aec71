"""A reader at a machine, badges and taps, for the tests of access."""

import datetime as dt
from typing import Any

from iot.access.decide import answer
from iot.access.sessions import energise
from iot.models import AccessSession, Device
from iot.protocol import Access, Decision
from people.badges import badge_digest
from people.models import Badge, Person
from tests.factories import NOW, make_person

NUMBER = "04A2B91C5D7280"
OTHER = "04FF00112233AA"


def badge_of(person: Person, number: str = NUMBER, **fields: Any) -> Badge:
    return Badge.objects.create(person=person, digest=badge_digest(number), created_at=NOW, **fields)


def tap(
    reader: Device, number: str = NUMBER, *, at: dt.datetime = NOW, request: str = "", kind: Any = "badge"
) -> Decision:
    decision = answer(reader, Access(request or f"r-{number}-{at.isoformat()}", number, kind), at)
    assert decision is not None
    return decision


def with_badge(number: str = NUMBER, **fields: Any) -> Person:
    person = make_person(**fields)
    badge_of(person, number)
    return person


def power_on(decision: Decision) -> None:
    """The device says that power is on."""
    row = AccessSession.objects.get(reference=decision.session_id)
    energise(row, at=row.allowed_at, now=row.allowed_at)

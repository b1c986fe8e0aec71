"""Every refusal is written down, from any door, without saying who asked."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence

from django.conf import settings

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person
from reservations.models import Origin, Refusal


def record_refusal(
    machine: Machine,
    asked: Interval,
    denials: Sequence[Denial],
    holder: Person | None,
    origin: Origin,
    now: dt.datetime,
) -> None:
    """Keep machine, time, codes and a pseudonym."""
    Refusal.objects.create(
        machine=machine,
        start=asked.start,
        end=asked.end,
        codes=[str(denial.code) for denial in denials],
        pseudonym=pseudonym(holder),
        origin=origin,
        at=now,
    )


def pseudonym(person: Person | None) -> str:
    """A keyed hash of the person, 16 hexadecimal digits; empty for nobody."""
    if person is None:
        return ""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"refusal:{person.pk}".encode(), hashlib.sha256).hexdigest()[:16]

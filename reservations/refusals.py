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

# A page read again, or a look before the tap, is not a second wish.
SAME_WITHIN = dt.timedelta(minutes=5)


def record_refusal(
    machine: Machine,
    asked: Interval,
    denials: Sequence[Denial],
    holder: Person | None,
    origin: Origin,
    now: dt.datetime,
) -> None:
    """Keep machine, time, codes and a pseudonym; the same request within five minutes is the same refusal."""
    again = Refusal.objects.filter(
        machine=machine,
        start=asked.start,
        end=asked.end,
        pseudonym=pseudonym(holder),
        at__gt=now - SAME_WITHIN,
        at__lte=now,
    )
    if again.exists():
        return
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

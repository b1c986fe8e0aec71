"""“Tell me when it is free”: what a page about one machine offers for a time that is taken."""

import datetime as dt
from typing import Any

from machines.models import Machine
from people.models import Person
from reservations.day import day_window
from reservations.taken_times import taken_times
from reservations.time_words import from_to_words

USUAL_LENGTH = dt.timedelta(hours=1)


def tell_me(
    person: Person | None, machine: Machine, day: dt.date, now: dt.datetime, length: dt.timedelta | None = None
) -> dict[str, Any]:
    """The day's times that are taken, for the template `fablab/find/_tell_me_later.html`; nothing for a visitor.

    Two queries, none for a visitor.
    """
    if person is None or machine.retired_at is not None:
        return {}
    wanted = length or min(max(USUAL_LENGTH, machine.booking.shortest), machine.booking.longest)
    found = taken_times([machine], duration=wanted, window=day_window(machine, day), now=now).get(machine.pk, [])
    zone = machine.site.zone
    times = [(f"{time.start:%Y-%m-%dT%H:%M:%SZ}", from_to_words(time.start, time.end, zone)) for time in found]
    return {"times": times, "length_min": int(wanted.total_seconds() // 60)}

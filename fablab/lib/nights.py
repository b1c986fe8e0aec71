"""Work of the night, made up for in the morning where the computer is off at night."""

import datetime as dt

from django.utils import timezone


def is_due(*, last_at: dt.datetime | None, at: dt.time, now: dt.datetime) -> bool:
    """Whether the last `at` of the lab's clock passed since the last run, which is None before the first one.

    A run to come was written down by a clock that was wrong: it must not put the work off.
    """
    return last_at is None or last_at > now or last_at < _last(at, now)


def _last(at: dt.time, now: dt.datetime) -> dt.datetime:
    zone = timezone.get_default_timezone()
    here = now.astimezone(zone)
    tonight = dt.datetime.combine(here.date(), at, zone)
    return tonight if tonight <= here else dt.datetime.combine(here.date() - dt.timedelta(days=1), at, zone)

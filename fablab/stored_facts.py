"""What the database knows of how the lab fares: its clock, the worker's heart, and its age. One statement."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from fablab.doctor import CLOCKS_APART_MOST
from fablab.health import BEAT_WITHIN

# The newest rows by key, as `doctor` finds them: years of rows cost nothing.
SQL = """
SELECT clock_timestamp() AS clock,
       (SELECT created_at FROM reservations_reservation ORDER BY id DESC LIMIT 1) AS made,
       (SELECT received_at FROM iot_inboxmessage ORDER BY id DESC LIMIT 1) AS received,
       EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > %(beat_since)s) AS beats,
       (SELECT min(applied) FROM django_migrations) AS born
"""


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """`clock_off` is how far our clock is from the database's, or stands before what is already stored."""

    clock_off: dt.timedelta
    is_worker_alive: bool
    born_at: dt.datetime | None


def stored_facts() -> StoredFacts:
    """One query."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(SQL, params_at(now))
        return facts_from(cursor.fetchone(), now)


def params_at(now: dt.datetime) -> dict[str, Any]:
    """What `SQL` is filled with, by whoever asks it together with something of their own."""
    return {"beat_since": now - BEAT_WITHIN}


def facts_from(row: Any, now: dt.datetime) -> StoredFacts:
    """From a row of `SQL` that was asked for at this time of our clock. Pure."""
    clock, made, received, beats, born = row
    off: dt.timedelta = abs(clock - now)
    stored = max((instant for instant in (made, received) if instant), default=None)
    if stored is not None and stored - now > CLOCKS_APART_MOST:
        off = max(off, stored - now)
    return StoredFacts(off, beats, born)

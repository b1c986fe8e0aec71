"""The monthly partitions of the readings."""

import datetime as dt
import re
from dataclasses import dataclass

from django.db import connection

# Takes what no month holds.
DEFAULT = "iot_reading_default"
_MONTH = re.compile(r"iot_reading_(\d{4})_(\d{2})")


@dataclass(frozen=True, slots=True)
class Partition:
    """The single values of one month, [start, end) in UTC."""

    name: str
    start: dt.datetime
    end: dt.datetime


def partitions() -> list[Partition]:
    """The months that there are, oldest first. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'iot_reading'::regclass")
        names = sorted(name for (name,) in cursor.fetchall())
    found = []
    for name in names:
        if month := _MONTH.fullmatch(name):
            first = int(month[1]), int(month[2])
            found.append(Partition(name, _begin(*first), _begin(*_following(*first))))
    return found


def _following(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


def _begin(year: int, month: int) -> dt.datetime:
    return dt.datetime(year, month, 1, tzinfo=dt.UTC)


def ensure_partitions(now: dt.datetime, *, months_ahead: int = 2) -> list[str]:
    """Make the partitions of this month and of the next ones; the names of those that were missing.

    A month for which the default partition already holds readings stays there: they are found all the same.
    """
    made = []
    year, month = now.year, now.month
    for _ in range(months_ahead + 1):
        following = _following(year, month)
        name = f"iot_reading_{year}_{month:02d}"
        begin, finish = _begin(year, month), _begin(*following)
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [name])
            is_missing = cursor.fetchone()[0] is None
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM iot_reading_default WHERE at >= %s AND at < %s)", [begin, finish]
            )
            if is_missing and not cursor.fetchone()[0]:
                cursor.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF iot_reading FOR VALUES FROM (%s) TO (%s)",
                    [begin, finish],
                )
                made.append(name)
        year, month = following
    return made

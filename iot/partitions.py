"""The monthly partitions of the readings."""

import datetime as dt

from django.db import connection


def ensure_partitions(now: dt.datetime, *, months_ahead: int = 2) -> list[str]:
    """Make the partitions of this month and of the next ones; the names of those that were missing.

    A month for which the default partition already holds readings stays there: they are found all the same.
    """
    made = []
    year, month = now.year, now.month
    for _ in range(months_ahead + 1):
        following = (year + 1, 1) if month == 12 else (year, month + 1)
        name = f"iot_reading_{year}_{month:02d}"
        begin, finish = (dt.datetime(*first, 1, tzinfo=dt.UTC) for first in ((year, month), following))
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

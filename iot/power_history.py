"""Power of a device over any time, from whatever is still kept of it: single values, minutes, hours."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from iot.models import Device, ReadingKind, RolledUp
from iot.rollups import DROPPED, MINUTE

# Minutes and hours never hold the same value twice; of the single ones those count that no minute holds yet.
SUMMED = """
SELECT at, count, total, least, most FROM iot_reading_hour
WHERE device_id = %(device)s AND kind = %(kind)s AND at >= %(start)s AND at < %(end)s
UNION ALL SELECT at, count, total, least, most FROM iot_reading_minute
WHERE device_id = %(device)s AND kind = %(kind)s AND at >= %(start)s AND at < %(end)s
UNION ALL SELECT at, 1, value, value, value FROM iot_reading
WHERE device_id = %(device)s AND kind = %(kind)s AND at >= greatest(%(start)s, %(single_from)s) AND at < %(end)s
"""
SINGLE = """
SELECT at, 1 AS count, value AS total, value AS least, value AS most FROM iot_reading
WHERE device_id = %(device)s AND kind = %(kind)s AND at >= %(start)s AND at < %(end)s
"""
BUCKETS = """
SELECT floor(extract(epoch FROM at - %(start)s) / %(width_s)s)::int AS bucket,
       sum(count), sum(total), min(least), max(most)
FROM ({source}) AS known GROUP BY bucket ORDER BY bucket
"""
FINEST_SUM = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PowerBucket:
    """What was drawn over [start, end); `count` single values went into it."""

    start: dt.datetime
    end: dt.datetime
    count: int
    mean_w: float
    least_w: float
    most_w: float


def power_between(device: Device, start: dt.datetime, end: dt.datetime, *, buckets: int) -> list[PowerBucket]:
    """The power over [start, end) in so many equal parts; parts of which nothing is known are left out. Two queries.

    Of what is older than the single values are kept, nothing finer than a minute, later an hour, can be told: it stands
    in the part in which that minute or hour begins.
    """
    width = (end - start) / buckets
    until = dict(RolledUp.objects.values_list("step", "until"))
    everything = dt.datetime.min.replace(tzinfo=dt.UTC)
    params: dict[str, Any] = {
        "device": device.pk,
        "kind": ReadingKind.POWER_W,
        "start": start,
        "end": end,
        "width_s": width.total_seconds(),
        "single_from": until.get(MINUTE, everything),
    }
    is_fine = width < FINEST_SUM and start >= until.get(DROPPED, everything)
    with connection.cursor() as cursor:
        cursor.execute(BUCKETS.format(source=SINGLE if is_fine else SUMMED), params)
        rows = cursor.fetchall()
    return [
        PowerBucket(start + number * width, start + (number + 1) * width, int(count), total / count, least, most)
        for number, count, total, least, most in rows
    ]

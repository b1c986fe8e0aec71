"""The last seven days of the lab in four numbers."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from reservations.models import Status

WEEK = dt.timedelta(days=7)
USED = [Status.CONFIRMED, Status.IN_USE, Status.COMPLETED]

SQL = """
SELECT coalesce(extract(epoch FROM sum(coalesce("end", %(now)s) - "start")), 0)::float8,
       coalesce(sum(energy_wh), 0)::float8,
       (SELECT coalesce(extract(epoch FROM sum("end" - "start")), 0)::float8 FROM reservations_reservation
        WHERE "start" >= %(since)s AND "start" < %(now)s AND status = ANY(%(used)s)
          AND machine_id = ANY(%(machine_ids)s::bigint[])),
       (SELECT count(*) FROM reservations_refusal
        WHERE at >= %(since)s AND machine_id = ANY(%(machine_ids)s::bigint[]))
FROM iot_usagesession WHERE "start" >= %(since)s AND machine_id = ANY(%(machine_ids)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class WeekNumbers:
    """`refused` counts requests for reservations."""

    busy_h: int
    reserved_h: int
    refused: int
    energy_kwh: float


def week_numbers(now: dt.datetime, machine_ids: Sequence[int]) -> WeekNumbers:
    """Of these machines, over [now − 7 days, now). One query."""
    with connection.cursor() as cursor:
        cursor.execute(SQL, {"now": now, "since": now - WEEK, "used": [str(status) for status in USED],
                             "machine_ids": list(machine_ids)})  # fmt: skip
        busy_s, energy_wh, reserved_s, refused = cursor.fetchone()
    return WeekNumbers(round(busy_s / 3600), round(reserved_s / 3600), refused, energy_wh / 1000)

"""The last seven days of the lab in four numbers. `fablab.week` asks for them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from reservations.models import Status

WEEK = dt.timedelta(days=7)
USED = [Status.CONFIRMED, Status.IN_USE, Status.COMPLETED]

SQL = """
SELECT coalesce(extract(epoch FROM sum(coalesce("end", %(now)s) - "start")), 0)::float8 AS busy_s,
       coalesce(sum(energy_wh), 0)::float8 AS energy_wh,
       (SELECT coalesce(extract(epoch FROM sum("end" - "start")), 0)::float8 FROM reservations_reservation
        WHERE "start" >= %(week_since)s AND "start" < %(now)s AND status = ANY(%(used)s)
          AND machine_id = ANY(%(machine_ids)s::bigint[])) AS reserved_s,
       (SELECT count(*) FROM reservations_refusal
        WHERE at >= %(week_since)s AND machine_id = ANY(%(machine_ids)s::bigint[])) AS refused
FROM iot_usagesession WHERE "start" >= %(week_since)s AND machine_id = ANY(%(machine_ids)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class WeekNumbers:
    """`refused` counts requests for reservations."""

    busy_h: int
    reserved_h: int
    refused: int
    energy_kwh: float


def params_of(now: dt.datetime) -> dict[str, Any]:
    """What `SQL` is filled with beside `now` and `machine_ids`: over [now − 7 days, now)."""
    return {"week_since": now - WEEK, "used": [str(status) for status in USED]}


def numbers_from(row: Any) -> WeekNumbers:
    """From a row of `SQL`. Pure."""
    busy_s, energy_wh, reserved_s, refused = row
    return WeekNumbers(round(busy_s / 3600), round(reserved_s / 3600), refused, energy_wh / 1000)

"""The week of the lab for the overview: four numbers, when it is busy, and what stands there.

Summed up anew at most once a minute. What the banners want to know is asked along with it when that has run out, too:
a process that has just started asks one question for both.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.db import connection
from django.utils import timezone

from fablab import busy_hours, stored_facts, troubles, week_numbers
from fablab.busy_hours import Row
from fablab.week_numbers import WeekNumbers

KEPT_S = 60

SQL = f"""
SELECT numbers.busy_s, numbers.energy_wh, numbers.reserved_s, numbers.refused,
       (SELECT coalesce(json_agg(json_build_array(weekday, hour, grid.busy_s)), '[]') FROM ({busy_hours.SQL}) AS grid),
       EXISTS (SELECT FROM iot_device WHERE machine_id = ANY(%(machine_ids)s::bigint[]) AND revoked_at IS NULL),
       EXISTS (SELECT FROM printing_printer WHERE machine_id = ANY(%(machine_ids)s::bigint[]) AND is_enabled)
FROM ({week_numbers.SQL}) AS numbers
"""  # noqa: S608 - nothing but our own text
WITH_FACTS = f"SELECT * FROM ({SQL}) AS week CROSS JOIN ({stored_facts.SQL}) AS facts"  # noqa: S608 - as above
# How many of the columns are the facts'.
FACTS = 5


@dataclass(frozen=True, slots=True)
class Week:
    """`has_devices` and `has_printers`: what is said when nothing waits depends on them."""

    numbers: WeekNumbers
    grid: list[Row]
    has_devices: bool
    has_printers: bool


def week_of(zone: dt.tzinfo, now: dt.datetime, machine_ids: Sequence[int]) -> Week:
    """Of these machines, up to a minute old. One query, mostly none."""
    kept, key = caches["process"], f"week:{zone}:{hash(tuple(sorted(machine_ids)))}"
    found: Week | None = kept.get(key)
    if found is None:
        found = _asked(zone, now, machine_ids)
        kept.set(key, found, KEPT_S)
    return found


def _asked(zone: dt.tzinfo, now: dt.datetime, machine_ids: Sequence[int]) -> Week:
    """Side effect: the banners' facts are learnt when they were due."""
    params = {"now": now, "machine_ids": list(machine_ids)} | week_numbers.params_of(now)
    params |= busy_hours.params_of(zone, now)
    if not troubles.are_due():
        return _week_from(_row(SQL, params), zone, now)
    asked_at = timezone.now()
    row = _row(WITH_FACTS, params | stored_facts.params_at(asked_at))
    troubles.learn(stored_facts.facts_from(row[-FACTS:], asked_at))
    return _week_from(row[:-FACTS], zone, now)


def _row(sql: str, params: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()


def _week_from(row: Any, zone: dt.tzinfo, now: dt.datetime) -> Week:
    *numbers, grid, has_devices, has_printers = row
    return Week(week_numbers.numbers_from(numbers), busy_hours.grid_from(grid, zone, now), has_devices, has_printers)

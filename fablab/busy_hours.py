"""When is the lab busy? Share of machine time measured as busy, by weekday and hour, over the last eight weeks.

`fablab.week` asks for it.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

WEEKS = 8
FIRST_HOUR, LAST_HOUR = 8, 22

SQL = """
SELECT extract(isodow FROM slot AT TIME ZONE %(zone)s)::int AS weekday,
       extract(hour FROM slot AT TIME ZONE %(zone)s)::int AS hour,
       sum(extract(epoch FROM least(s.last, slot + interval '1 hour') - greatest(s."start", slot)))::float8 AS busy_s
FROM (SELECT "start", coalesce("end", %(now)s) AS last FROM iot_usagesession
      WHERE "start" >= %(grid_since)s AND machine_id = ANY(%(machine_ids)s::bigint[])) AS s
CROSS JOIN LATERAL generate_series(date_trunc('hour', s."start"), s.last, interval '1 hour') AS slot
WHERE slot < s.last
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """`level` 0 to 6 for the colour; `busy_min` a week on average, for the words and the table."""

    hour: int
    level: int
    busy_min: int


@dataclass(frozen=True, slots=True)
class Row:
    weekday: int
    day: dt.date
    cells: tuple[Cell, ...]


def params_of(zone: dt.tzinfo, now: dt.datetime) -> dict[str, Any]:
    """What `SQL` is filled with beside `now` and `machine_ids`."""
    return {"zone": str(zone), "grid_since": now - dt.timedelta(weeks=WEEKS)}


def grid_from(rows: Iterable[tuple[int, int, float]], zone: dt.tzinfo, now: dt.datetime) -> list[Row]:
    """From the rows of `SQL`, Monday to Sunday, hour by hour. Pure."""
    busy_s = {(weekday, hour): seconds for weekday, hour, seconds in rows}
    most_s = max(busy_s.values(), default=0.0)
    monday = now.astimezone(zone).date() - dt.timedelta(days=now.astimezone(zone).weekday())
    return [
        Row(
            weekday,
            monday + dt.timedelta(days=weekday - 1),
            tuple(_cell(busy_s.get((weekday, hour), 0.0), most_s, hour) for hour in range(FIRST_HOUR, LAST_HOUR)),
        )
        for weekday in range(1, 8)
    ]


def _cell(busy_s: float, most_s: float, hour: int) -> Cell:
    level = round(6 * busy_s / most_s) if most_s else 0
    return Cell(hour, max(level, 1) if busy_s > 0 else 0, round(busy_s / 60 / WEEKS))

"""The last hour of a device's power as an SVG path, with its two thresholds; the numbers stand beside it in a table."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from iot.models import Device, ReadingKind

WIDTH, HEIGHT = 600, 160
SPAN = dt.timedelta(hours=1)
POINTS_MOST = 180
GAP_POINTS = 6

SQL = """
SELECT width_bucket(extract(epoch FROM at), %(since)s, %(until)s, %(points)s) AS bucket,
       max(value), min(at)
FROM iot_reading
WHERE device_id = %(device)s AND kind = %(kind)s AND at > to_timestamp(%(since)s) AND at <= to_timestamp(%(until)s)
GROUP BY bucket ORDER BY bucket
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """`path` for an SVG of WIDTH × HEIGHT; `rows` (time, W) every few minutes."""

    path: str
    busy_y: float
    idle_y: float
    most_w: float
    rows: tuple[tuple[dt.datetime, float], ...]
    width: int = WIDTH
    height: int = HEIGHT


def power_curve(device: Device, now: dt.datetime) -> Curve | None:
    """The highest power in each third of a minute; None without a reading in the last hour. One query."""
    params = {
        "since": (now - SPAN).timestamp(),
        "until": now.timestamp(),
        "points": POINTS_MOST,
        "device": device.pk,
        "kind": ReadingKind.POWER_W,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL, params)
        points = cursor.fetchall()
    if not points:
        return None
    most_w = max(max(value for _, value, _ in points), device.busy_w) * 1.1 or 1.0

    def height_of(power_w: float) -> float:
        return round(HEIGHT - HEIGHT * power_w / most_w, 1)

    steps = []
    for n, (bucket, value, _) in enumerate(points):
        # A gap of over two minutes is drawn as one: nothing was measured.
        is_gap = n == 0 or bucket - points[n - 1][0] > GAP_POINTS
        steps.append(f"{'M' if is_gap else 'L'}{bucket * WIDTH / POINTS_MOST:.1f} {height_of(value)}")
    path = " ".join(steps)
    rows = tuple((at, value) for bucket, value, at in points if bucket % 15 == 0 or bucket == points[-1][0])
    return Curve(path, height_of(device.busy_w), height_of(device.idle_w), most_w, rows)

"""What devices and print jobs witness about a machine: the ground on which a time is given to others."""

import datetime as dt

from django.db import connection

from iot.models import ReadingKind, UsageSession
from reservations.evidence import Use, bears_witness

# A device that was quiet for longer was not heard of all along.
LONGEST_PAUSE = dt.timedelta(minutes=3)

# The longest time without a word, the edges counted; null where there was none at all.
PAUSE_SQL = """
SELECT max(pause) FROM (
    SELECT at - lag(at, 1, %(start)s) OVER (ORDER BY at) AS pause
    FROM (
        SELECT reading.at FROM iot_reading AS reading JOIN iot_device AS device ON device.id = reading.device_id
        WHERE device.machine_id = %(machine)s AND device.revoked_at IS NULL AND reading.kind = %(kind)s
          AND reading.at >= %(start)s AND reading.at < %(end)s
        UNION ALL SELECT %(end)s
    ) AS heard
) AS pauses
"""


@bears_witness
def use_measured(machine_id: int, start: dt.datetime, end: dt.datetime) -> Use:
    """Used when a session touches [start, end); idle when its power was told all along and none does. Two queries."""
    # Sessions of a machine do not overlap: the last one that began before the end tells.
    ran = UsageSession.objects.filter(machine=machine_id, start__lt=end).order_by("-start").values_list("end").first()
    if ran is not None and (ran[0] is None or ran[0] > start):
        return Use.USED
    with connection.cursor() as cursor:
        cursor.execute(
            PAUSE_SQL, {"machine": machine_id, "start": start, "end": end, "kind": ReadingKind.POWER_W.value}
        )
        (longest,) = cursor.fetchone()
    return Use.IDLE if longest is not None and longest <= LONGEST_PAUSE else Use.UNKNOWN

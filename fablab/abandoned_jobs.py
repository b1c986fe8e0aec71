"""Background jobs whose worker was killed while it did them."""

import datetime as dt

from django.db import connection

# A living worker's heart beats every ten seconds.
DEAD_AFTER = dt.timedelta(minutes=2)
ENDED = """
UPDATE procrastinate_jobs j SET status = 'failed'
WHERE status = 'doing' AND NOT EXISTS (
    SELECT 1 FROM procrastinate_workers w WHERE w.id = j.worker_id AND w.last_heartbeat > %s
)
"""


def end_abandoned_jobs(*, now: dt.datetime) -> int:
    """Count as failed what no living worker does any more; returns how many.

    Such a job would hold its lock, and keep every later run of the same sweep (the backup's, too) waiting for ever.
    """
    with connection.cursor() as cursor:
        cursor.execute(ENDED, [now - DEAD_AFTER])
        return int(cursor.rowcount)

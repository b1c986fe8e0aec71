"""News for the open pages: one PostgreSQL channel, machine ids as payload, sent when the transaction commits."""

from collections.abc import Iterable

from django.db import connection

CHANNEL = "fablab_live"


def announce_machines(machine_ids: Iterable[int]) -> None:
    """Tell every open board and machine page that these machines changed. Nothing is sent on rollback."""
    ids = sorted(set(machine_ids))
    # A notification carries at most 8,000 bytes.
    for begin in range(0, len(ids), 500):
        payload = ",".join(str(machine_id) for machine_id in ids[begin : begin + 500])
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])

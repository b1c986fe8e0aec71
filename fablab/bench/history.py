"""Years of reservations and measured use, written by the database itself and through its constraint.

Everything follows from the row's number: the same size on the same day makes the same rows. An odd multiplier
makes a number look random and keeps it unique.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from fablab.bench.size import DAYS_AHEAD, GRID_MIN, LEAST_SLOT_MIN, Size
from people.models import Site

BATCH = 250_000

# Reservation i is the j-th of its machine; the j-th falls on a day and, within it, into its own slot.
RESERVATIONS = """
INSERT INTO reservations_reservation (
    reference, site_id, machine_id, title, holder_id, created_by_id, status, origin, "start", "end",
    booked_start, booked_end, created_at, note, decision, credits, holder_takes_part,
    checked_in_at, finished_at, cancelled_at, cancelled_by_id)
SELECT lpad(translate(upper(to_hex((i * 2654435761) %% 1099511627776)), '01', 'XY'), 10, 'Z'),
       %(site_id)s, machine_id, '', holder_id, holder_id, status, 'page', begins, ends, begins, ends,
       least(begins, %(now)s) - interval '2 days', '', '', 0, true,
       CASE WHEN status IN ('completed', 'in_use') THEN begins END,
       CASE WHEN status = 'completed' THEN ends END,
       CASE WHEN status = 'cancelled' THEN least(begins, %(now)s) - interval '1 day' END,
       CASE WHEN status = 'cancelled' THEN holder_id END
FROM (
    SELECT i, machine_id, holder_id, begins, ends,
           CASE WHEN mixed %% 100 < 5 THEN 'cancelled'
                WHEN ends <= %(now)s AND mixed %% 100 < 8 THEN 'no_show'
                WHEN ends <= %(now)s THEN 'completed'
                WHEN begins <= %(now)s THEN 'in_use'
                ELSE 'confirmed' END AS status
    FROM (
        SELECT i, mixed,
               (%(machine_ids)s::bigint[])[1 + i %% %(machines)s] AS machine_id,
               (%(person_ids)s::bigint[])[1 + mixed %% %(people)s] AS holder_id,
               wall AT TIME ZONE %(zone)s AS begins,
               (wall + length_min * interval '1 minute') AT TIME ZONE %(zone)s AS ends
        FROM (
            SELECT i, mixed, length_min,
                   %(first_day)s::date + day + interval '8 hours'
                   + (rank * %(slot_min)s + (mixed / 7 %% (1 + (%(slot_min)s - length_min) / %(grid_min)s))
                      * %(grid_min)s) * interval '1 minute' AS wall
            FROM (
                SELECT i, mixed, day,
                       j - (day * %(a_machine)s::bigint + %(all_days)s - 1) / %(all_days)s AS rank,
                       %(least_min)s + (mixed / 100 %% (1 + (%(longest_min)s - %(least_min)s) / %(grid_min)s))
                       * %(grid_min)s AS length_min
                FROM (
                    SELECT i, i / %(machines)s AS j, (i * 2654435761) %% 1000000007 AS mixed,
                           ((i / %(machines)s) * %(all_days)s / %(a_machine)s)::int AS day
                    FROM generate_series(%(begin)s::bigint, %(finish)s::bigint - 1) AS i
                ) AS numbered
            ) AS placed
        ) AS timed
    ) AS whole
) AS judged
"""

HELD_UNITS = """
INSERT INTO reservations_heldunit (reservation_id, unit_id, period, blocked, is_holding)
SELECT r.id, m.unit_id, tstzrange(r."start", r."end"), tstzrange(r."start", r."end"), true
FROM reservations_reservation AS r JOIN machines_machine AS m ON m.id = r.machine_id
WHERE r.id > %(after)s
ORDER BY r.id
"""

# The first line of each one's history.
DEEDS = """
INSERT INTO reservations_deed (reservation_id, kind, at, by_id, origin, why, overridden, before)
SELECT id, 'made', created_at, created_by_id, origin, '', '{}', '{}'
FROM reservations_reservation
WHERE id > %(after)s
ORDER BY id
"""

# Measured use: most begin a little late and end a little early, inside what was reserved. The latest come first:
# where there are fewer of them than reservations, the weeks that pages look at are still full.
SESSIONS = """
INSERT INTO iot_usagesession (
    reference, machine_id, person_id, reservation_id, source, "start", "end", last_busy_at, stop_reason, energy_wh)
SELECT lpad(translate(upper(to_hex((n * 2654435761) %% 1099511627776)), '01', 'XY'), 10, 'W'),
       machine_id, holder_id, id, 'power', begins, ends, ends, 'normal', 40 + n %% 900
FROM (
    SELECT row_number() OVER (ORDER BY lap, id DESC) AS n, id, machine_id, holder_id,
           "start" + ("end" - "start") * (lap + 0.1) / %(laps)s AS begins,
           "start" + ("end" - "start") * (lap + 0.9) / %(laps)s AS ends
    FROM reservations_reservation CROSS JOIN generate_series(0, %(laps)s - 1) AS lap
    WHERE status = 'completed'
) AS numbered
WHERE n <= %(sessions)s
"""

Say = Callable[[str], object]


def write_history(
    size: Size, *, site: Site, machine_ids: list[int], person_ids: list[int], now: dt.datetime, say: Say
) -> None:
    """Reservations, what they hold and their history, a batch a transaction, then the sessions measured during them.

    Raises:
        DoesNotFit: more reservations than opening hours; nothing was written.
    """
    facts: dict[str, Any] = {
        "machine_ids": machine_ids,
        "person_ids": person_ids,
        "machines": size.machines,
        "people": size.people,
        "all_days": size.all_days,
        "a_machine": size.a_machine,
        "slot_min": size.slot_min,
        "longest_min": size.longest_min,
        "least_min": LEAST_SLOT_MIN,
        "grid_min": GRID_MIN,
        "site_id": site.pk,
        "zone": site.time_zone,
        "now": now,
        "first_day": now.date() - dt.timedelta(days=size.all_days - DAYS_AHEAD),
    }
    for begin in range(0, size.reservations, BATCH):
        finish = min(begin + BATCH, size.reservations)
        _write_batch(facts | {"begin": begin, "finish": finish})
        say(f"{finish:,} of {size.reservations:,} reservations")
    _write_sessions(size.sessions)


def _write_batch(facts: dict[str, Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM reservations_reservation")
        after = cursor.fetchone()[0]
        cursor.execute(RESERVATIONS, facts)
        cursor.execute(HELD_UNITS, {"after": after})
        cursor.execute(DEEDS, {"after": after})


def _write_sessions(sessions: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reservations_reservation WHERE status = 'completed'")
        laps = -(-sessions // max(1, cursor.fetchone()[0]))
        if laps:
            cursor.execute(SESSIONS, {"sessions": sessions, "laps": laps})

"""The worker's printer loop: rows are claimed, so that several workers never visit one printer at once."""

import datetime as dt
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import InterfaceError, OperationalError, close_old_connections, connection, connections
from django.utils import timezone

from printing.dispatch import visit
from printing.models import Printer

log = logging.getLogger(__name__)

CLAIM_FOR = dt.timedelta(minutes=5)
THREADS = 8
PAUSE_S = 0.5

CLAIM_SQL = """
UPDATE printing_printer SET claimed_until = %(until)s
WHERE id IN (
    SELECT id FROM printing_printer
    WHERE is_enabled AND next_poll_at <= %(now)s AND (claimed_until IS NULL OR claimed_until < %(now)s)
    ORDER BY next_poll_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def claim_due(now: dt.datetime, most: int) -> list[int]:
    """Ids of printers that are due, now ours until `CLAIM_FOR` has passed or the visit ends."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_SQL, {"now": now, "until": now + CLAIM_FOR, "most": most})
        return [row[0] for row in cursor.fetchall()]


def run(stopping: threading.Event) -> None:
    """Visit printers as they fall due, several at once: one that hangs holds up no other."""
    busy: set[int] = set()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="printer") as pool:
        while not stopping.wait(PAUSE_S):
            try:
                for pk in claim_due(timezone.now(), THREADS - len(busy)) if len(busy) < THREADS else []:
                    busy.add(pk)
                    pool.submit(_visit, pk).add_done_callback(lambda _, pk=pk: busy.discard(pk))
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s); printers wait.", str(error).split("\n")[0])
                connection.close()
                stopping.wait(2)
    connections.close_all()


def _visit(pk: int) -> None:
    close_old_connections()
    try:
        printer = Printer.objects.select_related("machine").get(pk=pk)
        visit(printer, now=timezone.now())
    except (OperationalError, InterfaceError) as error:
        log.warning("A visit was cut short: the database is away (%s).", str(error).split("\n")[0])
        connection.close()
    except Printer.DoesNotExist:
        log.info("Printer %s is gone.", pk)

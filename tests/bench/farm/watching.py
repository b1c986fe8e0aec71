"""What is seen of a worker from outside: each claim in a table that a trigger writes, its time and memory in /proc."""

import os
import statistics
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

TRIGGER = """
CREATE TABLE bench_look (printer bigint, due timestamptz, began timestamptz, ended timestamptz);
CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.claimed_until IS NULL AND NEW.claimed_until IS NOT NULL THEN
        INSERT INTO bench_look VALUES (NEW.id, OLD.next_poll_at, clock_timestamp(), NULL);
    ELSIF OLD.claimed_until IS NOT NULL AND NEW.claimed_until IS NULL THEN
        UPDATE bench_look SET ended = clock_timestamp() WHERE printer = NEW.id AND ended IS NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bench_note AFTER UPDATE ON printing_printer FOR EACH ROW EXECUTE FUNCTION bench_note();
"""
REMOVE = """
DROP TRIGGER bench_note ON printing_printer; DROP FUNCTION bench_note(); DROP TABLE bench_look;
"""
LOOKS = """
SELECT extract(epoch FROM began - due)::float, coalesce(extract(epoch FROM ended - began)::float, 0) FROM bench_look
WHERE printer = ANY(%s)
"""


@dataclass(frozen=True)
class Lateness:
    """Seconds between when a printer was due and when a worker came."""

    looks: int
    p50_s: float
    p95_s: float
    most_s: float
    # How long a look took.
    took_p50_s: float
    took_p95_s: float


def begin_to_note() -> None:
    _run(TRIGGER)


def forget() -> None:
    """What was noted so far is of the time in which everything began at once."""
    _run("DELETE FROM bench_look")


def stop_to_note() -> None:
    _run(REMOVE)


def lateness_of(ids: list[int]) -> Lateness:
    with connection.cursor() as cursor:
        cursor.execute(LOOKS, [ids])
        rows = cursor.fetchall()
    late, took = sorted(row[0] for row in rows), sorted(row[1] for row in rows)
    p95 = int(0.95 * (len(rows) - 1))
    return Lateness(len(rows), statistics.median(late), late[p95], late[-1], statistics.median(took), took[p95])


def processor_s(pid: int) -> float:
    """User and system time so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int, *, most: bool = False) -> float:
    """What it holds in memory, now or at most since `forget_most`."""
    name = "VmHWM" if most else "VmRSS"
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) / 1024


def forget_most(pid: int) -> None:
    """From now on the most memory is counted anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _run(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)

"""How the database finds what the main doors ask about reservations: its plan and the pages it reads."""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from fablab.bench.booking import wish_for
from fablab.bench.requests import MEMBER, signed_in_as, week
from fablab.lib.intervals import Interval
from machines.models import Machine
from reservations.availability import free_time
from reservations.services import create_reservation

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "
# What says nothing about how rows are found.
QUIET_NODES = {"Result", "Limit", "Subquery Scan", "Materialize", "Memoize", "Append", "Function Scan", "ProjectSet"}

Statement = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Explained:
    """One statement of a door. `pages` are those of 8 kB that it read, from memory or from the disk."""

    door: str
    nodes: tuple[str, ...]
    pages: int
    ms: float


def explained() -> list[Explained]:
    """The statements about reservations of each main door; nothing of it is kept."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    found = []
    for door, act in DOORS.items():
        with transaction.atomic():
            statements = _statements(act)
            transaction.set_rollback(True)
        for statement in statements:
            _explain(door, statement)  # once to warm up
            found.append(_explain(door, statement))
    return found


def as_lines(found: Sequence[Explained]) -> str:
    """A line a statement, below a line a door."""
    lines: list[str] = []
    for door in dict.fromkeys(row.door for row in found):
        rows = [row for row in found if row.door == door]
        pages, ms = sum(row.pages for row in rows), sum(row.ms for row in rows)
        lines.append(f"{door}: {pages:,} pages, {ms:.1f} ms in the database")
        lines += [f"  {row.pages:>6,} pages  {row.ms:>6.2f} ms  {' < '.join(row.nodes)}" for row in rows]
    return "\n".join(lines)


def _statements(act: Callable[[], object]) -> list[Statement]:
    seen: list[Statement] = []

    def note(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        if "reservations_" in statement and statement.lstrip(" \n(").startswith("SELECT"):
            seen.append((statement, params))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):
        act()
    return seen


def _explain(door: str, statement: Statement) -> Explained:
    text, params = statement
    with connection.cursor() as cursor:
        cursor.execute(EXPLAIN + text, params)
        plan = cursor.fetchone()[0]
    whole = (json.loads(plan) if isinstance(plan, str) else plan)[0]
    top = whole["Plan"]
    pages = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return Explained(door, tuple(_nodes(top)), pages, float(whole["Execution Time"]))


def _nodes(plan: dict[str, Any]) -> Iterator[str]:
    """From the top down. A node that was never run is left out with all below it."""
    if not plan["Actual Loops"]:
        return
    if plan["Node Type"] not in QUIET_NODES:
        where = plan.get("Index Name") or plan.get("Relation Name") or ""
        times = f" × {plan['Actual Loops']}" if plan["Actual Loops"] > 1 else ""
        yield f"{plan['Node Type']} {where}".strip() + f" ({plan['Actual Rows']:.0f}{times})"
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _machine_week() -> None:
    signed_in_as(MEMBER).get("/api/v1/machines/machine-1/calendar/", week())


def _all_week() -> None:
    signed_in_as(MEMBER).get("/api/v1/calendar/", week())


def _free() -> None:
    machines = list(Machine.objects.filter(retired_at=None).with_places())
    now = timezone.now()
    free_time(machines, Interval(now, now + dt.timedelta(days=7)), least=dt.timedelta(hours=2))


def _create() -> None:
    create_reservation(**wish_for(timezone.now()))


DOORS: dict[str, Callable[[], None]] = {
    "one machine's week": _machine_week,
    "all machines' week": _all_week,
    "free 2 h, all machines, 7 days": _free,
    "create a reservation: its checks": _create,
}

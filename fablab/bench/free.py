"""Free two hours among all machines in seven days: what the database takes for it, and what Python adds."""

import datetime as dt
import json
import statistics
from typing import Any

from django.db import connection
from django.utils import timezone

from fablab.bench.measure import Times, timed
from fablab.bench.requests import MEMBER
from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person
from reservations.availability import free_time
from reservations.search import search as find

ROUNDS = 30
TWO_HOURS = dt.timedelta(hours=2)


def search() -> tuple[Times, float]:
    """The times of the whole search, and the median of the database's own share in ms."""
    machines = list(Machine.objects.filter(retired_at=None).with_places())
    now = timezone.now()
    window = Interval(now, now + dt.timedelta(days=7))

    def look() -> None:
        free_time(machines, window, least=TWO_HOURS)

    times = timed(look, rounds=ROUNDS)
    statement, params = _largest_statement(look)
    return times, statistics.median(_execution_ms(statement, params) for _ in range(ROUNDS))


def for_a_member() -> Times:
    """The same for one member: what the rules let them have, the soonest times of each machine."""
    machines, member = Machine.objects.filter(retired_at=None), Person.objects.get(card_code=MEMBER)
    now = timezone.now()
    window = Interval(now, now + dt.timedelta(days=7))

    def look() -> None:
        find(machines.with_places(), person=member, duration=TWO_HOURS, window=window, now=now)

    return timed(look, rounds=ROUNDS)


def _largest_statement(look: Any) -> tuple[str, Any]:
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((statement, params))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):
        look()
    return max(seen, key=lambda pair: len(pair[0]))


def _execution_ms(statement: str, params: Any) -> float:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", params)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return float(plan[0]["Execution Time"])

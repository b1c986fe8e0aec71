"""How long a door takes and how often it asks the database."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection
from django.test.utils import CaptureQueriesContext

# Begin, commit and savepoints are no questions.
FRAME_WORDS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@dataclass(frozen=True, slots=True)
class Target:
    """What architecture.md promises at most; None where it promises nothing."""

    queries: int | None = None
    ms: float | None = None
    least_a_second: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table. `error` says why there are no figures; `a_second` counts readings."""

    name: str
    title: str
    target: Target
    queries: int | None = None
    best_ms: float | None = None
    median_ms: float | None = None
    p95_ms: float | None = None
    database_ms: float | None = None
    a_second: float | None = None
    error: str = ""

    @property
    def keeps_queries(self) -> bool:
        return self.queries is None or self.target.queries is None or self.queries <= self.target.queries

    @property
    def share(self) -> float | None:
        """What it takes of what was promised: below 1 the promise is kept."""
        taken_ms = self.median_ms if self.database_ms is None else self.database_ms
        if self.target.ms is not None and taken_ms is not None:
            return taken_ms / self.target.ms
        if self.target.least_a_second is not None and self.a_second:
            return self.target.least_a_second / self.a_second
        return None


@dataclass(frozen=True, slots=True)
class Times:
    """Of many calls of one function."""

    queries: int
    best_ms: float
    median_ms: float
    p95_ms: float

    @classmethod
    def of(cls, queries: int, taken_ms: list[float]) -> "Times":
        """`best_ms` is what the call takes when nothing else runs on the machine."""
        return cls(queries, min(taken_ms), statistics.median(taken_ms), percentile(taken_ms, 0.95))


def timed(call: Callable[[], object], *, rounds: int) -> Times:
    """Call it twice to warm up (once counting its queries), then `rounds` times against the clock."""
    call()
    with CaptureQueriesContext(connection) as captured:
        call()
    queries = sum(not query["sql"].startswith(FRAME_WORDS) for query in captured.captured_queries)
    taken_ms = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        call()
        taken_ms.append((time.perf_counter() - began_s) * 1000)
    return Times.of(queries, taken_ms)


def percentile(values: list[float], share: float) -> float:
    """The value below or at which that share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

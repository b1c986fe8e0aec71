"""What is measured, and what was promised for it (docs/performance.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fablab.bench import booking, free, imports, messages
from fablab.bench.measure import Target, Times
from fablab.bench.requests import MANAGER, MEMBER, asking, week

NO_PROMISE = Target()
PAGE = Target(queries=12)

Measured = Times | tuple[Times, float]


@dataclass(frozen=True, slots=True)
class Case:
    """One row: `measure` gives times, or times and one more figure that `extra` names."""

    name: str
    title: str
    measure: Callable[[], Measured]
    target: Target = NO_PROMISE
    extra: Literal["", "database_ms", "a_second"] = ""


CASES = (
    Case(
        "machine-week",
        "one machine's week",
        asking("/api/v1/machines/machine-1/calendar/", card=MEMBER, query=week),
        Target(6, 10.0),
    ),
    Case("week", "all machines' week", asking("/api/v1/calendar/", card=MEMBER, query=week), Target(8, 60.0)),
    Case("create", "create a reservation", booking.creation, Target(ms=15.0)),
    Case("refuse", "refuse one, with alternatives", booking.refusal),
    Case(
        "list",
        "list 1,000 reservations",
        asking("/api/v1/reservations/", card=MANAGER, query=lambda: {"page_size": 1000}),
        Target(6, 50.0),
    ),
    Case("free", "free 2 h, all machines, 7 days", free.search, Target(ms=15.0), "database_ms"),
    Case("find", "what a member can use for 2 h, 7 days", free.for_a_member, Target(queries=8)),
    Case("store", "store 500 messages × 20 samples", messages.storing, Target(least_a_second=15_000.0), "a_second"),
    Case("import", "import 5,000 people", imports.importing, Target(ms=20_000.0)),
    Case("import-again", "the same list again", imports.importing_again, Target(ms=20_000.0)),
    Case("page-home", "home page", asking("/"), PAGE),
    Case("page-machines", "machines page", asking("/machines/"), PAGE),
    Case("page-find", "find page", asking("/find/", card=MEMBER, query=lambda: {"minutes": 120}), PAGE),
    Case("page-machine", "machine page", asking("/machines/machine-1/", card=MEMBER), PAGE),
    Case("page-board", "board", asking("/board/"), PAGE),
    Case("page-manage", "manager's overview", asking("/manage/", card=MANAGER), PAGE),
)

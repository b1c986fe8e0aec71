"""How often prints come out well: by printer, by material and by the slicer's profile."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db.models import Count, Q

from printing.models import JobState, Outcome, PrintJob

LOOKS_BACK = dt.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Success:
    """`good` and `bad`: what the person said; `failed`: what the printer said, where the person said nothing.
    `unsaid`: came to its end, and nobody said how; that and what was stopped are not in the share."""

    name: str
    good: int
    bad: int
    failed: int
    unsaid: int

    @property
    def all(self) -> int:
        return self.good + self.bad + self.failed + self.unsaid

    @property
    def share_pct(self) -> int | None:
        """Of those of which something is known; None where nothing is."""
        known = self.good + self.bad + self.failed
        return round(100 * self.good / known) if known else None


@dataclass(frozen=True, slots=True)
class Successes:
    """The most printed first; an empty name stands for what the file did not say."""

    printers: list[Success]
    materials: list[Success]
    profiles: list[Success]


def successes(sites: Collection[int], now: dt.datetime) -> Successes:
    """Of what was printed at the sites in the last 90 days. One query."""
    unsaid = Q(outcome=Outcome.UNSAID)
    began = PrintJob.objects.filter(
        machine__unit__site__in=sites, ended_at__gte=now - LOOKS_BACK, started_at__isnull=False
    )
    counted = began.order_by().values("machine_id", "machine__name", "file__filament_type", "file__profile").annotate(
        good=Count("pk", filter=Q(outcome=Outcome.GOOD)),
        bad=Count("pk", filter=Q(outcome=Outcome.BAD)),
        failed=Count("pk", filter=unsaid & Q(state=JobState.FAILED)),
        unsaid=Count("pk", filter=unsaid & Q(state=JobState.FINISHED)),
    )  # fmt: skip
    rows = [_Row(**row) for row in counted]
    return Successes(
        _by(rows, lambda row: (row.machine__name, row.machine_id)),
        _by(rows, lambda row: (row.file__filament_type, 0)),
        _by(rows, lambda row: (row.file__profile, 0)),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    machine_id: int
    machine__name: str
    file__filament_type: str
    file__profile: str
    good: int
    bad: int
    failed: int
    unsaid: int


def _by(rows: list[_Row], key: Callable[[_Row], tuple[str, int]]) -> list[Success]:
    """Two printers of one name stay two."""
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        total = sums[key(row)]
        for place, number in enumerate((row.good, row.bad, row.failed, row.unsaid)):
            total[place] += number
    found = [Success(name, *total) for (name, _key), total in sums.items() if any(total)]
    return sorted(found, key=lambda one: (-one.all, one.name))

"""Half-open intervals of time `[start, end)` and the few operations the rules need. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """`[start, end)`, both aware. An interval whose end is not after its start is empty."""

    start: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        return self.end - self.start

    @property
    def is_empty(self) -> bool:
        return self.end <= self.start

    def overlaps(self, other: "Interval") -> bool:
        """Whether they share an instant; touching ends share none."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Interval") -> bool:
        """Whether all of the other lies inside; the ends may coincide."""
        return self.start <= other.start and other.end <= self.end

    def holds(self, instant: datetime) -> bool:
        """Whether the instant lies inside: the start does, the end does not."""
        return self.start <= instant < self.end

    def grown(self, before: timedelta, after: timedelta) -> "Interval":
        """Longer at both ends."""
        return Interval(self.start - before, self.end + after)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The union, sorted, touching neighbours joined, empty ones dropped."""
    result: list[Interval] = []
    for interval in sorted(i for i in intervals if not i.is_empty):
        if result and interval.start <= result[-1].end:
            if interval.end > result[-1].end:
                result[-1] = Interval(result[-1].start, interval.end)
        else:
            result.append(interval)
    return result


def subtracted(whole: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """What of `whole` lies in none of `holes`, sorted."""
    gaps = merged(holes)
    result: list[Interval] = []
    for interval in merged(whole):
        start = interval.start
        for gap in gaps:
            if gap.end <= start or gap.start >= interval.end:
                continue
            if gap.start > start:
                result.append(Interval(start, gap.start))
            start = max(start, gap.end)
        if start < interval.end:
            result.append(Interval(start, interval.end))
    return result

"""The power of a device over a day, a week or a month: an average with its extremes for each part of it, as an SVG path
and as the rows of a table. The last hour, with single values and proposals, is `fablab.power_curve`."""

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fablab.power_curve import HEIGHT, LONGEST_GAP, WIDTH
from iot.models import Device
from iot.power_history import PowerBucket, power_between

# Each row of the table is made of so many parts of the curve.
PARTS_A_ROW = 12


class Span(enum.StrEnum):
    """How far back the curve goes, as the page's address names it."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


LENGTHS: dict[Span, dt.timedelta] = {
    Span.HOUR: dt.timedelta(hours=1),
    Span.DAY: dt.timedelta(days=1),
    Span.WEEK: dt.timedelta(days=7),
    Span.MONTH: dt.timedelta(days=30),
}
ROWS: dict[Span, int] = {Span.DAY: 24, Span.WEEK: 28, Span.MONTH: 30}
SPAN_WORDS: dict[Span, str | Promise] = {
    Span.HOUR: _("The last hour"),
    Span.DAY: _("The last day"),
    Span.WEEK: _("The last week"),
    Span.MONTH: _("The last month"),
}
TITLES: dict[Span, str | Promise] = {
    Span.HOUR: _("Power in the last hour"),
    Span.DAY: _("Power in the last day"),
    Span.WEEK: _("Power in the last week"),
    Span.MONTH: _("Power in the last month"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table, from `start` on; None where nothing was measured."""

    start: dt.datetime
    mean_w: float | None
    most_w: float | None


@dataclass(frozen=True, slots=True)
class SpanCurve:
    """`path` is the average and `band` what lies between the extremes, for an SVG of WIDTH × HEIGHT."""

    span: Span
    since: dt.datetime
    until: dt.datetime
    buckets: tuple[PowerBucket, ...]
    path: str
    band: str
    busy_y: float
    idle_y: float
    most_w: float
    rows: tuple[Row, ...]
    longest_gap: dt.timedelta
    width: int = WIDTH
    height: int = HEIGHT


def span_curve(device: Device, span: Span, now: dt.datetime, zone: ZoneInfo) -> SpanCurve | None:
    """The curve up to now; None when nothing was measured. Two queries.

    The parts begin at full hours of the lab's clock, those of a week and a month at its midnight: the rows of the table
    then stand for hours and days that people know.
    """
    since = _end_of_last_row(span, now, zone) - LENGTHS[span]
    buckets = power_between(device, since, since + LENGTHS[span], buckets=ROWS[span] * PARTS_A_ROW)
    if not buckets:
        return None
    width = LENGTHS[span] / (ROWS[span] * PARTS_A_ROW)
    longest_gap = max(LONGEST_GAP, width, device.silent_after)
    most_w = max(max(bucket.most_w for bucket in buckets), device.busy_w) * 1.1 or 1.0
    draw = _Pen(since, now, most_w)
    stretches = _stretches(buckets, longest_gap)
    return SpanCurve(
        span=span,
        since=since,
        until=now,
        buckets=tuple(buckets),
        path=" ".join(draw.average(stretch) for stretch in stretches),
        band=" ".join(draw.extremes(stretch) for stretch in stretches),
        busy_y=draw.height_of(device.busy_w),
        idle_y=draw.height_of(device.idle_w),
        most_w=most_w,
        rows=_rows(span, since, now, buckets),
        longest_gap=longest_gap,
    )


def _end_of_last_row(span: Span, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    local = now.astimezone(zone)
    if span == Span.DAY:
        return (
            now
            - dt.timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            + (dt.timedelta(hours=1))
        )
    tomorrow = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time(0), zone)
    return tomorrow.astimezone(dt.UTC)


def _stretches(buckets: Sequence[PowerBucket], longest_gap: dt.timedelta) -> list[list[PowerBucket]]:
    """The parts in runs between which nothing was measured."""
    runs = [[buckets[0]]]
    for before, bucket in pairwise(buckets):
        if bucket.start - before.end >= longest_gap:
            runs.append([])
        runs[-1].append(bucket)
    return runs


class _Pen:
    """Where an instant and a power lie in the picture."""

    def __init__(self, since: dt.datetime, until: dt.datetime, most_w: float) -> None:
        self.since, self.length, self.most_w = since, until - since, most_w

    def height_of(self, power_w: float) -> float:
        return round(HEIGHT - HEIGHT * max(power_w, 0.0) / self.most_w, 1)

    def across(self, at: dt.datetime) -> float:
        return round(max(0.0, min(1.0, (at - self.since) / self.length)) * WIDTH, 1)

    def average(self, buckets: Sequence[PowerBucket]) -> str:
        """Level over each part, so that a part that stands alone is seen too."""
        steps = [f"{self.across(at)} {self.height_of(b.mean_w)}" for b in buckets for at in (b.start, b.end)]
        return "M" + " L".join(steps)

    def extremes(self, buckets: Sequence[PowerBucket]) -> str:
        there = [f"{self.across(at)} {self.height_of(b.most_w)}" for b in buckets for at in (b.start, b.end)]
        back = [f"{self.across(at)} {self.height_of(b.least_w)}" for b in reversed(buckets) for at in (b.end, b.start)]
        return "M" + " L".join([*there, *back]) + "Z"


def _rows(span: Span, since: dt.datetime, now: dt.datetime, buckets: Sequence[PowerBucket]) -> tuple[Row, ...]:
    """The average of a row is that of all its single values."""
    length = LENGTHS[span] / ROWS[span]
    found: list[Row] = []
    for start in (since + number * length for number in range(ROWS[span])):
        if start >= now:
            break
        part = [bucket for bucket in buckets if start <= bucket.start < start + length]
        count = sum(bucket.count for bucket in part)
        mean_w = sum(bucket.mean_w * bucket.count for bucket in part) / count if count else None
        found.append(Row(start, mean_w, max((bucket.most_w for bucket in part), default=None)))
    return tuple(found)

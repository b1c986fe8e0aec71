"""The last hour of a device's power as an SVG path, with its thresholds and those that the hour proposes; the numbers
stand beside it in a table."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from iot.models import Device
from iot.recorded_power import SPAN
from iot.thresholds import CannotTell, Proposal, Sample, curve, propose

WIDTH, HEIGHT = 600, 160
# A longer silence is drawn as one, unless the device is one of few words: nothing was measured.
LONGEST_GAP = dt.timedelta(minutes=2)
ROW_EVERY = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Curve:
    """`path` for an SVG of WIDTH × HEIGHT; `rows` (time, greatest W) of each five minutes.

    One of `proposal` and `cannot_tell` is set; the `proposed` heights only where lines would lie elsewhere than now.
    """

    path: str
    busy_y: float
    idle_y: float
    most_w: float
    rows: tuple[Sample, ...]
    since: dt.datetime
    until: dt.datetime
    proposal: Proposal | None = None
    cannot_tell: CannotTell | None = None
    proposed_busy_y: float | None = None
    proposed_idle_y: float | None = None
    # What the path was drawn from; a longer silence than `longest_gap` breaks it.
    points: tuple[Sample, ...] = ()
    longest_gap: dt.timedelta = LONGEST_GAP
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def is_news(self) -> bool:
        """Whether the proposal differs from what the device has."""
        return self.proposed_busy_y is not None

    @property
    def busy_pct(self) -> int:
        return round(100 * self.proposal.busy_share) if self.proposal else 0


def power_curve(samples: Sequence[Sample], device: Device, now: dt.datetime) -> Curve | None:
    """The curve of what was recorded up to now; None without a value. Pure."""
    points = curve(samples)
    if not points:
        return None
    told = propose(samples)
    proposal = told if isinstance(told, Proposal) else None
    is_news = proposal is not None and not _is_set(proposal, device)
    lines = [device.busy_w] + ([proposal.busy_w] if proposal and is_news else [])
    most_w = max(max(power_w for _, power_w in points), *lines) * 1.1 or 1.0

    def height_of(power_w: float) -> float:
        return round(HEIGHT - HEIGHT * power_w / most_w, 1)

    longest_gap = max(LONGEST_GAP, device.silent_after)
    return Curve(
        path=_path(points, now - SPAN, most_w, longest_gap),
        busy_y=height_of(device.busy_w),
        idle_y=height_of(device.idle_w),
        most_w=most_w,
        rows=_rows(samples, now),
        since=now - SPAN,
        until=now,
        proposal=proposal,
        cannot_tell=told if isinstance(told, CannotTell) else None,
        proposed_busy_y=height_of(proposal.busy_w) if proposal and is_news else None,
        proposed_idle_y=height_of(proposal.idle_w) if proposal and is_news else None,
        points=tuple(points),
        longest_gap=longest_gap,
    )


def _is_set(proposal: Proposal, device: Device) -> bool:
    names = ("busy_w", "idle_w", "busy_after", "idle_after")
    return all(getattr(proposal, name) == getattr(device, name) for name in names)


def _path(points: Sequence[Sample], since: dt.datetime, most_w: float, longest_gap: dt.timedelta) -> str:
    steps: list[str] = []
    last: dt.datetime | None = None
    for at, power_w in points:
        is_gap = last is None or at - last > longest_gap
        across = max(0.0, min(1.0, (at - since) / SPAN)) * WIDTH
        steps.append(f"{'M' if is_gap else 'L'}{across:.1f} {HEIGHT - HEIGHT * power_w / most_w:.1f}")
        last = at
    return " ".join(steps)


def _rows(samples: Sequence[Sample], now: dt.datetime) -> tuple[Sample, ...]:
    greatest: dict[int, Sample] = {}
    for sample in samples:
        part = int((now - sample[0]) / ROW_EVERY)
        if part not in greatest or sample[1] > greatest[part][1]:
            greatest[part] = sample
    return tuple(greatest[part] for part in sorted(greatest, reverse=True))

"""Thresholds learnt from a recorded run: which power is idle and which is in use. Pure; `power` applies them.

A machine that waits and works has two levels of power. They are parted where the spread within the two is least
(Otsu 1979), on a logarithm, since 2 W against 60 W is as clear as 20 W against 600 W. Off is looked at only when the
rest shows one level: a saw draws nothing while it waits.
"""

import datetime as dt
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Below this a plug measures its own hum.
OFF_W = 0.5
SHORTEST_RECORDING = dt.timedelta(minutes=10)
LEAST_SAMPLES = 60
# Less than this share of the time at one level is a moment, not a level.
LEAST_SHARE = 0.02
# The upper level is at least so many times the lower one; less is one level that wanders.
LEAST_RATIO = 1.8
# Between the two levels lie at most so many samples, as a share of the lesser level: what wanders fills the middle.
MOST_BETWEEN = 0.2
LONGEST_GAP = dt.timedelta(seconds=60)
SHORTEST_BUSY = dt.timedelta(seconds=10)
SHORTEST_IDLE = dt.timedelta(seconds=60)
LONGEST_IDLE = dt.timedelta(minutes=5)
# A pause within a run is at most so long, and comes at least so often.
LONGEST_DIP = dt.timedelta(minutes=2)
LEAST_DIPS = 3
# Where between the two levels the lines lie, as a share of the logarithm: apart, so that nothing flickers.
IDLE_AT, BUSY_AT = 0.4, 0.6


class Unclear(StrEnum):
    """Why nothing can be proposed."""

    TOO_SHORT = "too_short"
    TOO_FEW = "too_few"
    ALWAYS_OFF = "always_off"
    ONE_LEVEL = "one_level"


SENTENCES: dict[Unclear, str | Promise] = {
    Unclear.TOO_SHORT: _("The recording is shorter than ten minutes. Let it run for an hour with some use in it."),
    Unclear.TOO_FEW: _("Too few values came. Set the plug to tell its power every 10 seconds, then record again."),
    Unclear.ALWAYS_OFF: _("The machine drew no power all along. Switch it on, use it for a while and record again."),
    Unclear.ONE_LEVEL: _(
        "The power stayed at one level: either the machine was not used, or it was never left waiting. "
        "Record again with both."
    ),
}


@dataclass(frozen=True, slots=True)
class CannotTell:
    """No two levels were seen."""

    reason: Unclear

    @property
    def sentence(self) -> str | Promise:
        """Why, and what to do next."""
        return SENTENCES[self.reason]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Thresholds for the device, and the two levels that they part, each the middle of what was measured there."""

    idle_w: float
    busy_w: float
    busy_after: dt.timedelta
    idle_after: dt.timedelta
    idle_level_w: float
    busy_level_w: float
    busy_share: float


Sample = tuple[dt.datetime, float]


def propose(samples: Sequence[Sample]) -> Proposal | CannotTell:
    """What a recording of `(at, power_w)` proposes, best of an hour with some use in it. Order does not matter.

    Values that are no number, or below zero, are passed over.
    """
    known = sorted((at, power_w) for at, power_w in samples if math.isfinite(power_w) and power_w >= 0)
    if len(known) < LEAST_SAMPLES:
        return CannotTell(Unclear.TOO_FEW)
    if known[-1][0] - known[0][0] < SHORTEST_RECORDING:
        return CannotTell(Unclear.TOO_SHORT)
    powered = sorted(math.log(power_w) for _, power_w in known if power_w >= OFF_W)
    if len(powered) < max(LEAST_SAMPLES // 4, LEAST_SHARE * len(known)):
        return CannotTell(Unclear.ALWAYS_OFF)
    off = [math.log(OFF_W)] * (len(known) - len(powered))
    return _parted(known, powered) or _parted(known, off + powered) or CannotTell(Unclear.ONE_LEVEL)


def _parted(known: Sequence[Sample], logs: Sequence[float]) -> Proposal | None:
    split = otsu(logs)
    lower, upper = logs[:split], logs[split:]
    lesser = min(len(lower), len(upper))
    if lesser < LEAST_SHARE * len(logs) or _middle(upper) - _middle(lower) < math.log(LEAST_RATIO):
        return None
    third = (_middle(upper) - _middle(lower)) / 3
    between = bisect_left(logs, _middle(upper) - third) - bisect_left(logs, _middle(lower) + third)
    if between > MOST_BETWEEN * lesser:
        return None
    # Between the edges of the levels rather than their middles: a level may be wide.
    floor, ceiling = max(_middle(lower), _at(lower, 0.95)), min(_middle(upper), _at(upper, 0.05))
    if floor >= ceiling:
        floor, ceiling = _middle(lower), _middle(upper)
    idle_w = _round(math.exp(floor + IDLE_AT * (ceiling - floor)))
    busy_w = max(_round(math.exp(floor + BUSY_AT * (ceiling - floor))), idle_w)
    busy_after, idle_after = _durations(known, idle_w=idle_w)
    return Proposal(
        idle_w=idle_w,
        busy_w=busy_w,
        busy_after=busy_after,
        idle_after=idle_after,
        idle_level_w=0.0 if _middle(lower) <= math.log(OFF_W) else _round(math.exp(_middle(lower))),
        busy_level_w=_round(math.exp(_middle(upper))),
        busy_share=round(len(upper) / len(known), 3),
    )


def otsu(values: Sequence[float]) -> int:
    """Where sorted values are best cut in two: most of their variance lies between the two; 0 when all are equal."""
    count, whole = len(values), math.fsum(values)
    best, best_between, left = 0, 0.0, 0.0
    for index in range(1, count):
        left += values[index - 1]
        between = (left / index - (whole - left) / (count - index)) ** 2 * index * (count - index)
        # Equal values are never parted.
        if between > best_between and values[index] > values[index - 1]:
            best, best_between = index, between
    return best


def _durations(known: Sequence[Sample], *, idle_w: float) -> tuple[dt.timedelta, dt.timedelta]:
    """How long each must last: longer than the pauses and the peaks that belong to the other.

    A pause well within a run (a head that travels, a heater that rests) repeats; it must not end the use.
    """
    pauses = _pauses(known, idle_w)
    dips = sorted(length for length in pauses if length <= LONGEST_DIP)
    is_habit = len(dips) >= max(LEAST_DIPS, len(pauses) / 2)
    # The length that nine in ten do not reach.
    idle_after = max(SHORTEST_IDLE, 2 * dips[int(0.9 * (len(dips) - 1))]) if is_habit else SHORTEST_IDLE
    steps = sorted(later - earlier for (earlier, _), (later, _) in pairwise(known))
    # Two samples at least, or one that is an error would begin a use.
    busy_after = max(SHORTEST_BUSY, min(2 * steps[len(steps) // 2], SHORTEST_IDLE))
    return _whole_seconds(busy_after), _whole_seconds(min(idle_after, LONGEST_IDLE))


def _pauses(known: Sequence[Sample], below_w: float) -> list[dt.timedelta]:
    """How long each time below the threshold was that has use before and after it, without a gap in it."""
    found: list[dt.timedelta] = []
    began: dt.datetime | None = None
    was_above, last = False, known[0][0]
    for at, power_w in known:
        if at - last > LONGEST_GAP:
            began, was_above = None, False
        last = at
        if power_w >= below_w:
            if began is not None:
                found.append(at - began)
            began, was_above = None, True
        elif was_above and began is None:
            began = at
    return found


def _middle(values: Sequence[float]) -> float:
    return _at(values, 0.5)


def _at(values: Sequence[float], share: float) -> float:
    return values[round(share * (len(values) - 1))]


def _round(power_w: float) -> float:
    """Two digits: what a person would type."""
    if power_w <= 0:
        return 0.0
    return round(power_w, 1 - math.floor(math.log10(power_w)))


def _whole_seconds(length: dt.timedelta) -> dt.timedelta:
    return dt.timedelta(seconds=math.ceil(length.total_seconds()))


def curve(samples: Sequence[Sample], *, most: int = 600) -> list[Sample]:
    """The samples thinned for a chart: of each stretch of time the least and the greatest, in order of time."""
    known = sorted(sample for sample in samples if math.isfinite(sample[1]))
    if len(known) <= most:
        return known
    times = [at for at, _ in known]
    parts = max(1, (most - 1) // 2)
    length = (times[-1] - times[0]) / parts
    kept: list[Sample] = []
    for index in range(parts):
        first, after = (bisect_left(times, times[0] + edge * length) for edge in (index, index + 1))
        part = known[first:after]
        if part:
            kept += sorted({min(part, key=lambda s: s[1]), max(part, key=lambda s: s[1])})
    return kept if kept and kept[-1] == known[-1] else [*kept, known[-1]]

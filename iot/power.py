"""Power becomes use: two thresholds with hysteresis, each of which must hold for a while. Pure.

`busy` begins when power has been at or above `busy_w` for `busy_after`, counted from the first such sample;
it ends when power has been below `idle_w` for `idle_after`, counted likewise. Between the two nothing changes.

What goes on when the machine's own software has said that it is done is the tail of the same run: a meter that is at
rest with `crossing_since` equal to `since` is in it, until power was once below `idle_w`.
"""

import datetime as dt
from dataclasses import dataclass

UNKNOWN, IDLE, BUSY = "unknown", "idle", "busy"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`longest_gap`: after a longer silence a crossing cannot be said to have lasted."""

    busy_w: float
    idle_w: float
    busy_after: dt.timedelta
    idle_after: dt.timedelta
    longest_gap: dt.timedelta


@dataclass(frozen=True, slots=True)
class Meter:
    """Where the hysteresis stands; `at` is the time of the last sample."""

    state: str = UNKNOWN
    since: dt.datetime | None = None
    crossing_since: dt.datetime | None = None
    at: dt.datetime | None = None


def is_tail(meter: Meter) -> bool:
    """Whether what it draws still belongs to the run that was told to be over."""
    return meter.state != BUSY and meter.since is not None and meter.crossing_since == meter.since


def step(meter: Meter, at: dt.datetime, power_w: float, limits: Thresholds) -> Meter:
    """The meter after one more sample. `since` is when the state began: the first sample over the threshold.

    A sample older than the last one changes nothing.
    """
    if meter.at is not None and at < meter.at:
        return meter
    has_gap = meter.at is not None and at - meter.at > limits.longest_gap
    crossing = None if has_gap else meter.crossing_since
    if is_tail(meter) and not has_gap:
        return Meter(meter.state, meter.since, meter.crossing_since if power_w >= limits.idle_w else None, at)
    if meter.state == BUSY:
        is_crossing, wanted, target = power_w < limits.idle_w, limits.idle_after, IDLE
    else:
        is_crossing, wanted, target = power_w >= limits.busy_w, limits.busy_after, BUSY
    if not is_crossing:
        if meter.state == UNKNOWN:
            return Meter(IDLE, at, None, at)
        return Meter(meter.state, meter.since, None, at)
    crossing = crossing or at
    if at - crossing >= wanted:
        return Meter(target, crossing, None, at)
    return Meter(meter.state, meter.since, crossing, at)

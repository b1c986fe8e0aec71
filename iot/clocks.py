"""A device's clock is a claim: corrected by its uptime against the server's receipt. Pure."""

import datetime as dt

# Below this, a difference is latency, not a wrong clock.
TOLERANCE = dt.timedelta(seconds=30)
# No device of ours was made before; a clock that says so has lost its battery.
EARLIEST = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def parsed(raw: str) -> dt.datetime | None:
    """The instant, or None when no calendar knows it."""
    try:
        instant = dt.datetime.fromisoformat(raw)
        return instant.astimezone(dt.UTC) if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


def stamp(instant: dt.datetime) -> str:
    """As it stands in our messages: UTC, to the millisecond."""
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boot_instant(received_at: dt.datetime, uptime_s: float) -> dt.datetime:
    """When the device's run began, at the latest. An absurd uptime counts as none."""
    try:
        instant = received_at - dt.timedelta(seconds=uptime_s)
    except OverflowError:
        return received_at
    # The earliest claim of a run wins for good: one that cannot be true would misdate all that follows.
    return instant if instant >= EARLIEST else received_at


def corrected(
    raw: str, uptime_s: float, *, booted_at: dt.datetime, is_anchored: bool, received_at: dt.datetime
) -> dt.datetime:
    """When it happened by our clock.

    `booted_at` is the earliest of receipt − uptime over the run's messages; `is_anchored` says that one of them
    was live, so that it is exact. Without an anchor (a backlog of an earlier run) the device's own time is
    believed when it is possible at all.
    """
    try:
        estimate = min(booted_at + dt.timedelta(seconds=uptime_s), received_at)
    except OverflowError:
        estimate = received_at
    claimed = parsed(raw)
    if claimed is None or claimed < EARLIEST or claimed > received_at + TOLERANCE:
        return estimate
    if not is_anchored:
        return min(claimed, received_at)
    return min(claimed, received_at) if abs(claimed - estimate) <= TOLERANCE else estimate

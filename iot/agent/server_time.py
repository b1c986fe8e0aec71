"""The lab's time, kept by a clock that nobody at this computer can set."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Quartz drifts some 50 ppm: a fifth of a second an hour. A better estimate than that is not kept longer.
KEPT_FOR_S = 3600.0


def boot_clock_s() -> float:
    """Seconds that also pass while a laptop sleeps, where the system can tell (Linux)."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def computer_boot() -> str:
    """Names this run of the computer, over restarts of the agent; empty where the system cannot tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def parsed(raw: object) -> datetime | None:
    """The instant, or None for what is none or lacks its offset."""
    try:
        instant = datetime.fromisoformat(str(raw))
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None


class ServerTime:
    """What time it is at the lab, from what the lab wrote on its messages and the seconds since.

    A message can only be late, never early: the least delayed one of the last hour is believed. Until one came,
    `now()` is None, unless this computer's own clock is trusted.
    """

    def __init__(self, *, clock_s: Callable[[], float] = boot_clock_s, is_clock_trusted: bool = False) -> None:
        self._clock_s = clock_s
        self._is_clock_trusted = is_clock_trusted
        self._offset_s: float | None = None
        self._found_s = 0.0

    @property
    def offset_s(self) -> float | None:
        """The lab's clock minus ours; it may be kept as long as the computer runs."""
        return self._offset_s

    def resume(self, offset_s: float) -> None:
        """Take up what was known before a restart of the agent."""
        self._offset_s, self._found_s = offset_s, self._clock_s()

    def hear(self, written_at: object) -> bool:
        """Learn from the instant on a message; whether it changed what is known."""
        instant = parsed(written_at)
        if instant is None:
            return False
        now_s = self._clock_s()
        offset_s = instant.timestamp() - now_s
        if self._offset_s is None or offset_s > self._offset_s or now_s - self._found_s > KEPT_FOR_S:
            self._offset_s, self._found_s = offset_s, now_s
            return True
        return False

    def now(self) -> datetime | None:
        if self._offset_s is None:
            return datetime.now(UTC) if self._is_clock_trusted else None
        return datetime.fromtimestamp(self._offset_s + self._clock_s(), UTC)

    def instant(self, at_s: float) -> datetime | None:
        """When our clock showed, or will show, `at_s`."""
        now = self.now()
        return None if now is None else now + timedelta(seconds=at_s - self._clock_s())

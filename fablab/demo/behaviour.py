"""What a played machine measures while it follows something else: a reservation, or a print. Pure."""

from dataclasses import dataclass
from random import Random

from fablab.demo.lab import DemoMachine

# OctoPrint's words for a printer that works; a paused one keeps its bed warm.
PRINTING_STATES = ("printing", "starting", "resuming", "pausing", "paused", "finishing", "cancelling")
# How often a machine reports, in seconds: seldom while nothing happens, and always sooner than a device falls silent.
BUSY_EVERY_S, IDLE_EVERY_S, PRINT_EVERY_S = 5.0, 15.0, 2.0
S_PER_HOUR = 3600


def is_printing(state: str) -> bool:
    """Whether OctoPrint's state ("Printing", "Printing from SD", "Operational", …) means that it works."""
    return state.strip().lower().startswith(PRINTING_STATES)


@dataclass
class Behaviour:
    """One machine's meter, from sample to sample. `energy_wh` goes on from where the lab last saw it."""

    machine: DemoMachine
    rng: Random
    energy_wh: float = 0.0
    battery_pct: float = 80.0
    is_busy: bool = False
    _taken_at_s: float | None = None

    def is_due(self, now_s: float, is_busy: bool, *, every_s: float | None = None) -> bool:
        """Whether to report now: at once when it begins or ends, else every so many seconds."""
        if self._taken_at_s is None or is_busy != self.is_busy:
            return True
        return now_s - self._taken_at_s >= (every_s or (BUSY_EVERY_S if is_busy else IDLE_EVERY_S))

    def sample(self, now_s: float, is_busy: bool) -> dict[str, float]:
        """Power, energy and battery at this moment of a clock that never goes back."""
        power = self.machine.power
        span_s = now_s - self._taken_at_s if self._taken_at_s is not None else 0.0
        mean_w = power.busy_w if self.is_busy else power.idle_w
        self.energy_wh += mean_w * span_s / S_PER_HOUR
        self._taken_at_s, self.is_busy = now_s, is_busy
        power_w = (power.busy_w if is_busy else power.idle_w) * self.rng.uniform(0.93, 1.07)
        values = {"power_w": round(power_w, 1), "energy_wh": round(self.energy_wh, 2)}
        if self.machine.has_battery:
            self.battery_pct = min(100.0, max(15.0, self.battery_pct + (-0.5 if is_busy else 1.0) * span_s / 60))
            values["battery_pct"] = round(self.battery_pct, 1)
        return values

"""The battery of the laptop that the agent runs on (Linux). Nothing else of the computer is read."""

import re
from pathlib import Path

SYSTEM = Path("/sys/class/power_supply")


def battery_pct(system: Path = SYSTEM) -> float | None:
    """The charge of the first battery in per cent; None without a battery that says it."""
    for battery in sorted(system.glob("BAT*")):
        try:
            text = (battery / "capacity").read_text().strip()
        except OSError:
            continue
        if re.fullmatch(r"\d{1,3}", text):
            return float(min(100, int(text)))
    return None

"""How machines behave, second by second: pure generators for the demo, the tests and the load.

The figures are typical ones: a desktop filament printer, a 40 W CO2 laser cutter with its chiller and
extractor, a 14-inch laptop on its charger, and a soldering station behind a metering plug.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Step:
    """One second of a machine's life: the values at its end, and the events that fell within it."""

    values: dict[str, float]
    events: tuple[str, ...] = ()


Profile = Callable[[Random], Iterator[Step]]


def printer(rng: Random) -> Iterator[Step]:
    """Idle near 12 W; a job heats up at 240 W for two minutes, then swings around 120 W for 18 to 88 more."""
    energy_wh = rng.uniform(5_000, 50_000)
    while True:
        for second in range(rng.randint(300, 1_800)):
            power_w = max(0.0, rng.gauss(12, 0.6))
            energy_wh += power_w / 3600
            yield _metered(power_w, energy_wh, ("idle",) if second == 0 else (), temperature_c=24.0)
        job_s = rng.randint(1_200, 5_400)
        for second in range(job_s):
            heat = min(1.0, second / 120)
            # The bed's heater switches on and off about every 12 s, which a plug sees as a swing.
            bed_w = 60 if second % 12 < 6 else -20
            power_w = max(20.0, rng.gauss(240, 8) if heat < 1 else rng.gauss(100, 10) + bed_w)
            energy_wh += power_w / 3600
            yield _metered(
                power_w,
                energy_wh,
                ("job", "busy") if second == 0 else (),
                temperature_c=round(24 + 186 * heat + rng.gauss(0, 0.4), 1),
                progress_pct=round(100 * (second + 1) / job_s, 1),
            )


def laser(rng: Random) -> Iterator[Step]:
    """Energised at 18 W; cuts of 3 to 25 minutes near 400 W, dipping while the head travels."""
    energy_wh = rng.uniform(5_000, 50_000)
    is_first = True
    while True:
        for second in range(rng.randint(60, 900)):
            power_w = max(0.0, rng.gauss(18, 0.8))
            energy_wh += power_w / 3600
            began = ("energised", "idle") if is_first else ("idle",)
            yield _metered(power_w, energy_wh, began if second == 0 else ())
            is_first = False
        for second in range(rng.randint(180, 1_500)):
            is_travelling = second % 40 < 3
            power_w = max(0.0, rng.gauss(230, 15) if is_travelling else rng.gauss(400, 22))
            energy_wh += power_w / 3600
            yield _metered(power_w, energy_wh, ("busy",) if second == 0 else ())


def laptop(rng: Random) -> Iterator[Step]:
    """On its charger 35 W and 1 % a minute up; on battery 0.4 % a minute down to about 25 %."""
    battery_pct = rng.uniform(40, 95)
    is_charging = rng.random() < 0.5
    while True:
        if is_charging:
            power_w = max(2.0, rng.gauss(35, 2) if battery_pct < 95 else rng.gauss(12, 1))
            battery_pct = min(100.0, battery_pct + 1 / 60)
            is_charging = battery_pct < 100 or rng.random() > 1 / 1_800
        else:
            power_w = 0.0
            battery_pct = max(1.0, battery_pct - 0.4 / 60)
            is_charging = battery_pct < 25
        yield Step({"power_w": round(power_w, 1), "battery_pct": round(battery_pct, 1)})


def plug(rng: Random) -> Iterator[Step]:
    """Standby at 2 W; in use a slow wave around 60 W for 5 to 40 minutes. A plug knows no events."""
    energy_wh = rng.uniform(100, 5_000)
    while True:
        for _second in range(rng.randint(600, 3_600)):
            power_w = max(0.0, rng.gauss(2, 0.1))
            energy_wh += power_w / 3600
            yield _metered(power_w, energy_wh)
        for second in range(rng.randint(300, 2_400)):
            power_w = max(5.0, 60 + 12 * math.sin(second / 9) + rng.gauss(0, 2))
            energy_wh += power_w / 3600
            yield _metered(power_w, energy_wh)


PROFILES: dict[str, Profile] = {"printer": printer, "laser": laser, "laptop": laptop, "plug": plug}


def _metered(power_w: float, energy_wh: float, events: tuple[str, ...] = (), **others: float) -> Step:
    return Step({"power_w": round(power_w, 1), "energy_wh": round(energy_wh, 2)} | others, events)

from itertools import islice, pairwise
from random import Random

import pytest

from iot.agent.profiles import PROFILES, Step
from iot.protocol import Event, Sample

HOURS_8 = 8 * 3600


def day(kind: str, seed: int = 1) -> list[Step]:
    return list(islice(PROFILES[kind](Random(seed)), HOURS_8))


@pytest.mark.parametrize("kind", sorted(PROFILES))
def test_profile_speaks_the_protocol(kind: str):
    steps = day(kind)

    names = {event for step in steps for event in step.events}
    fields = {field for step in steps for field in step.values}
    assert names <= set(Event.__annotations__["event"].__args__)
    assert fields <= set(Sample.__struct_fields__)


@pytest.mark.parametrize("kind", sorted(PROFILES))
def test_profile_repeats_with_its_seed(kind: str):
    assert day(kind, 7)[:500] == day(kind, 7)[:500]
    assert day(kind, 7)[:500] != day(kind, 8)[:500]


@pytest.mark.parametrize(("kind", "idle_w", "busy_w"), [("printer", 12, 120), ("laser", 18, 400)])
def test_profile_draws_what_its_state_says(kind: str, idle_w: float, busy_w: float):
    state, powers_w = "", {"idle": [], "busy": []}
    for step in day(kind):
        for event in step.events:
            state = event if event in powers_w else state
        powers_w[state].append(step.values["power_w"])

    assert sum(powers_w["idle"]) / len(powers_w["idle"]) == pytest.approx(idle_w, rel=0.05)
    assert sum(powers_w["busy"]) / len(powers_w["busy"]) == pytest.approx(busy_w, rel=0.15)
    assert max(powers_w["idle"]) < busy_w / 3


def test_printer_warms_up_with_a_peak():
    steps = day("printer")
    began = next(index for index, step in enumerate(steps) if "busy" in step.events)

    warming = [step.values["power_w"] for step in steps[began : began + 120]]

    assert min(warming) > 200
    assert steps[began + 119].values["temperature_c"] == pytest.approx(208, abs=5)


def test_plug_has_standby_and_use():
    powers_w = [step.values["power_w"] for step in day("plug")]

    assert sum(power_w < 3 for power_w in powers_w) > 1800
    assert sum(power_w > 40 for power_w in powers_w) > 1800
    assert not any(3 < power_w < 5 for power_w in powers_w)


def test_laptop_battery_moves_slowly_between_its_ends():
    charges = [step.values["battery_pct"] for step in day("laptop")]

    assert all(0 < charge <= 100 for charge in charges)
    assert max(abs(after - before) for before, after in pairwise(charges)) <= 0.2
    assert max(charges) - min(charges) > 5


@pytest.mark.parametrize("kind", ["printer", "laser", "plug"])
def test_profile_energy_is_the_sum_of_its_power(kind: str):
    steps = day(kind)

    metered_wh = steps[-1].values["energy_wh"] - steps[0].values["energy_wh"]

    assert metered_wh == pytest.approx(sum(step.values["power_w"] for step in steps) / 3600, rel=0.01)

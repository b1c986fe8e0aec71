"""A recorded run proposes thresholds, or says why it cannot."""

import datetime as dt
import math
from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot.agent.profiles import PROFILES
from iot.power import BUSY, IDLE, Meter, Thresholds, step
from iot.thresholds import CannotTell, Proposal, Sample, Unclear, curve, otsu, propose

START = dt.datetime(2026, 3, 12, 13, 0, tzinfo=dt.UTC)


def recorded(values: list[float], every_s: float = 10) -> list[Sample]:
    return [(START + dt.timedelta(seconds=index * every_s), value) for index, value in enumerate(values)]


def hour_of(profile: str, seed: int, every_s: int = 10, hours: float = 1) -> list[Sample]:
    seconds = islice(PROFILES[profile](Random(seed)), int(3600 * hours))
    return recorded([second.values["power_w"] for index, second in enumerate(seconds) if index % every_s == 0], every_s)


def sessions(samples: list[Sample], found: Proposal) -> int:
    """How often the machine would have begun to be in use."""
    limits = Thresholds(found.busy_w, found.idle_w, found.busy_after, found.idle_after, dt.timedelta(seconds=60))
    meter, began = Meter(), 0
    for at, power_w in samples:
        after = step(meter, at, power_w, limits)
        began += after.state == BUSY and meter.state != BUSY
        meter = after
    return began


# --- what machines look like ------------------------------------------------------------------------------------


@pytest.mark.parametrize("every_s", [1, 10])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("profile", "idle", "busy"),
    [("printer", 12, 145), ("laser", 18, 400), ("plug", 2, 60)],
)
def test_machine_that_waits_and_works_is_parted(
    profile: str, idle: float, busy: float, seed: int, every_s: int
) -> None:
    found = propose(hour_of(profile, seed, every_s))

    assert isinstance(found, Proposal)
    assert found.idle_level_w == pytest.approx(idle, rel=0.1)
    assert found.busy_level_w == pytest.approx(busy, rel=0.1)
    assert idle * 1.5 < found.idle_w < found.busy_w < busy / 1.5


@pytest.mark.parametrize("seed", range(4))
def test_proposal_counts_each_print_once(seed: int) -> None:
    samples = hour_of("printer", seed, 10, hours=6)
    found = propose(samples)

    assert isinstance(found, Proposal)
    waits = [power_w < 18 for _, power_w in samples]
    jobs = sum(1 for earlier, now in pairwise(waits) if earlier and not now)
    assert sessions(samples, found) == jobs > 1


def test_laptop_on_battery_is_off_all_along() -> None:
    samples = recorded([0.0] * 360)

    assert propose(samples) == CannotTell(Unclear.ALWAYS_OFF)


def test_laptop_on_its_charger_shows_one_level() -> None:
    rng = Random(1)
    samples = recorded([max(2.0, rng.gauss(35, 2)) for _ in range(360)])

    assert propose(samples) == CannotTell(Unclear.ONE_LEVEL)


def test_machine_that_draws_nothing_while_it_waits_is_parted_from_off() -> None:
    found = propose(recorded(([0.0] * 30 + [800.0, 760.0, 820.0] * 10) * 6))

    assert isinstance(found, Proposal)
    assert (found.idle_level_w, found.busy_level_w, found.busy_share) == (0, 800, 0.5)
    assert 0.5 < found.idle_w < found.busy_w < 700


def test_off_is_left_out_when_the_rest_shows_two_levels() -> None:
    found = propose(recorded([0.0] * 200 + [20.0] * 80 + [400.0] * 80))

    assert isinstance(found, Proposal)
    assert (found.idle_level_w, found.busy_level_w) == (20, 400)


# --- why it cannot tell -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        pytest.param([], Unclear.TOO_FEW, id="nothing"),
        pytest.param(recorded([10.0, 100.0] * 29), Unclear.TOO_FEW, id="58 samples"),
        pytest.param(recorded([10.0, 100.0] * 100, every_s=1), Unclear.TOO_SHORT, id="three minutes"),
        pytest.param(recorded([0.2] * 360), Unclear.ALWAYS_OFF, id="the plug's own hum"),
        pytest.param(recorded([60.0] * 360), Unclear.ONE_LEVEL, id="always the same"),
        pytest.param(recorded([60.0] * 357 + [600.0] * 3), Unclear.ONE_LEVEL, id="three samples are a moment"),
        pytest.param(recorded([50.0] * 180 + [70.0] * 180), Unclear.ONE_LEVEL, id="levels too close"),
        pytest.param(
            recorded([10 * 1.01 ** (index % 300) for index in range(360)]), Unclear.ONE_LEVEL, id="it wanders evenly"
        ),
        pytest.param(recorded([math.nan] * 360), Unclear.TOO_FEW, id="no numbers"),
        pytest.param(recorded([-5.0] * 360), Unclear.TOO_FEW, id="a meter the wrong way round"),
    ],
)
def test_reason_is_given(samples: list[Sample], reason: Unclear) -> None:
    assert propose(samples) == CannotTell(reason)


def test_every_reason_has_its_sentence() -> None:
    assert all(str(CannotTell(reason).sentence) for reason in Unclear)


@pytest.mark.parametrize("seed", range(8))
def test_one_level_that_varies_is_not_parted(seed: int) -> None:
    rng = Random(seed)
    samples = recorded([max(1.0, rng.gauss(100, 25)) for _ in range(720)])

    assert propose(samples) == CannotTell(Unclear.ONE_LEVEL)


# --- how long ---------------------------------------------------------------------------------------------------


def test_short_pauses_that_repeat_within_a_run_do_not_end_it() -> None:
    # Cuts of 5 minutes; the head stops for 50 s in each of them.
    run = [400.0] * 12 + [20.0] * 5 + [400.0] * 12 + [20.0] * 5 + [400.0] * 12
    samples = recorded([20.0] * 60 + run + [20.0] * 60 + run + [20.0] * 60)

    found = propose(samples)

    assert isinstance(found, Proposal)
    assert found.idle_after == dt.timedelta(seconds=100)
    assert sessions(samples, found) == 2


def test_long_pauses_between_runs_do_not_lengthen_the_patience() -> None:
    found = propose(recorded(([20.0] * 20 + [400.0] * 30) * 8))

    assert isinstance(found, Proposal)
    assert found.idle_after == dt.timedelta(seconds=60)


@pytest.mark.parametrize(("every_s", "busy_after_s"), [(1, 10), (10, 20), (30, 60), (50, 60)])
def test_use_begins_with_two_samples_at_least(every_s: int, busy_after_s: int) -> None:
    found = propose(recorded(([20.0] * 40 + [400.0] * 40) * 10, every_s))

    assert isinstance(found, Proposal)
    assert found.busy_after == dt.timedelta(seconds=busy_after_s)


def test_order_of_samples_does_not_matter() -> None:
    samples = hour_of("laser", 1)

    shuffled = samples.copy()
    Random(3).shuffle(shuffled)

    assert propose(shuffled) == propose(samples)


VALUES = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 3000) | st.sampled_from([0.0, 5e-324, 1e308])


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, min_size=60, max_size=120), st.sampled_from([0.1, 10.0, 60.0]))
def test_any_recording_gets_an_answer_that_the_device_accepts(values: list[float], every_s: float) -> None:
    found = propose(recorded(values, every_s))

    if isinstance(found, Proposal):
        assert 0 <= found.idle_w <= found.busy_w < math.inf
        assert dt.timedelta(0) < found.busy_after <= dt.timedelta(minutes=1)
        assert dt.timedelta(minutes=1) <= found.idle_after <= dt.timedelta(minutes=5)


# --- the parts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "cut"),
    [([], 0), ([1.0], 0), ([1.0, 1.0], 0), ([1.0, 2.0], 1), ([1.0, 1.1, 5.0, 5.1, 5.2], 2), ([1.0] * 9 + [9.0], 9)],
)
def test_cut_lies_between_the_groups(values: list[float], cut: int) -> None:
    assert otsu(values) == cut


def test_curve_keeps_peaks_and_order() -> None:
    samples = recorded([20.0] * 5000 + [900.0] + [20.0] * 4999, every_s=1)

    drawn = curve(samples, most=200)

    assert len(drawn) <= 200
    assert drawn == sorted(drawn)
    assert max(power_w for _, power_w in drawn) == 900
    assert (drawn[0], drawn[-1]) == (samples[0], samples[-1])


def test_curve_of_few_samples_is_all_of_them() -> None:
    samples = recorded([1.0, 2.0, math.nan, 3.0])

    assert [power_w for _, power_w in curve(samples)] == [1, 2, 3]


def test_idle_machine_stays_idle_under_its_own_proposal() -> None:
    found = propose(hour_of("laser", 2))
    assert isinstance(found, Proposal)
    limits = Thresholds(found.busy_w, found.idle_w, found.busy_after, found.idle_after, dt.timedelta(seconds=60))

    meter = Meter()
    for at, power_w in recorded([18.0, 19.0, 17.5] * 200):
        meter = step(meter, at, power_w, limits)

    assert meter.state == IDLE

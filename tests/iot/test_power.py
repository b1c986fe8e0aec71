"""Power → use: thresholds, hysteresis, minimum durations."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot.power import BUSY, IDLE, UNKNOWN, Meter, Thresholds, step
from tests.iot.builders import at


def seconds(count: float) -> dt.timedelta:
    return dt.timedelta(seconds=count)


LIMITS = Thresholds(50, 25, busy_after=seconds(10), idle_after=seconds(60), longest_gap=seconds(60))
EQUAL = Thresholds(50, 50, busy_after=seconds(10), idle_after=seconds(10), longest_gap=seconds(60))
AT_ONCE = Thresholds(50, 25, busy_after=seconds(0), idle_after=seconds(0), longest_gap=seconds(60))

Sample = tuple[float, float]  # (seconds after NOW, W)


def run(samples: list[Sample], limits: Thresholds = LIMITS) -> list[tuple[str, float]]:
    """Every turn as `(state, seconds after NOW at which it began)`."""
    meter, turns = Meter(), []
    for at_s, power_w in samples:
        after = step(meter, at(at_s), power_w, limits)
        if after.state != meter.state:
            assert after.since is not None
            turns.append((after.state, (after.since - at(0)).total_seconds()))
        meter = after
    return turns


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(0, 5)], [(IDLE, 0)], id="first low sample says idle"),
        pytest.param([(0, 60)], [], id="first high sample says nothing yet"),
        pytest.param([(0, 30)], [(IDLE, 0)], id="first sample between the thresholds says idle"),
        pytest.param([(0, 5), (1, 60), (10.9, 60)], [(IDLE, 0)], id="high, not for long enough"),
        pytest.param([(0, 5), (1, 60), (11, 60)], [(IDLE, 0), (BUSY, 1)], id="high for exactly long enough"),
        pytest.param([(0, 5), (1, 50), (11, 50)], [(IDLE, 0), (BUSY, 1)], id="exactly the busy threshold"),
        pytest.param([(0, 60), (5, 49), (6, 60), (15, 60)], [(IDLE, 5)], id="a dip starts the wait again"),
        pytest.param([(0, 60), (10, 60), (20, 30), (300, 30)], [(BUSY, 0)], id="between the thresholds stays busy"),
        pytest.param([(0, 60), (10, 60), (20, 25), (80, 25)], [(BUSY, 0)], id="the idle threshold itself is not below"),
        pytest.param([(0, 60), (10, 60), (20, 5), (79, 5)], [(BUSY, 0)], id="low, not for long enough"),
        pytest.param([(0, 60), (10, 60), (20, 5), (80, 5)], [(BUSY, 0), (IDLE, 20)], id="low for long enough"),
        pytest.param(
            [(0, 60), (10, 60), (20, 5), (50, 60), (51, 5), (100, 5)],
            [(BUSY, 0)],
            id="a pulse keeps a laser busy",
        ),
        pytest.param([(0, 5), (1, 60), (62, 60), (71, 60)], [(IDLE, 0)], id="a gap starts the wait again"),
        pytest.param([(0, 5), (1, 60), (61, 60)], [(IDLE, 0), (BUSY, 1)], id="the longest silence is no gap"),
        pytest.param([(0, 5), (5, 60), (3, 5), (15, 60)], [(IDLE, 0), (BUSY, 5)], id="an older sample is ignored"),
        pytest.param([(0, 60), (0, 60), (10, 60), (10, 60)], [(BUSY, 0)], id="samples of the same instant"),
        pytest.param([(0, -40), (1, 0)], [(IDLE, 0)], id="power fed back is low"),
    ],
)
def test_use_is_told_from_power(samples: list[Sample], expected: list[tuple[str, float]]) -> None:
    assert run(samples) == expected


def test_equal_thresholds_change_both_ways() -> None:
    samples = [(0.0, 50.0), (10.0, 50.0), (11.0, 49.9), (21.0, 49.9), (22.0, 50.0), (32.0, 50.0)]

    assert run(samples, EQUAL) == [(BUSY, 0), (IDLE, 11), (BUSY, 22)]


def test_without_minimum_durations_each_crossing_counts() -> None:
    assert run([(0, 50), (1, 24.9), (2, 25), (3, 50)], AT_ONCE) == [(BUSY, 0), (IDLE, 1), (BUSY, 3)]


def test_older_sample_changes_nothing() -> None:
    meter = Meter(IDLE, at(0), at(8), at(10))

    assert step(meter, at(9.999), 5000, LIMITS) is meter


THRESHOLDS = st.builds(
    lambda low, span, busy_s, idle_s, gap_s: Thresholds(
        low + span, low, seconds(busy_s), seconds(idle_s), seconds(gap_s)
    ),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(1, 60),
)
STREAM = st.lists(st.tuples(st.integers(0, 40), st.integers(-10, 250)), max_size=60)


def walk(steps: list[tuple[int, int]]) -> list[Sample]:
    elapsed_s, samples = 0, []
    for gap_s, power_w in steps:
        elapsed_s += gap_s
        samples.append((float(elapsed_s), float(power_w)))
    return samples


@settings(max_examples=200, deadline=None)
@given(STREAM, THRESHOLDS)
def test_any_turn_was_preceded_by_its_minimum_duration_without_a_gap(
    steps: list[tuple[int, int]], limits: Thresholds
) -> None:
    samples, meter = walk(steps), Meter()
    for index, (at_s, power_w) in enumerate(samples, start=1):
        after = step(meter, at(at_s), power_w, limits)

        # The very first low sample says idle without any wait.
        if after.state != meter.state and (after.state, meter.state) != (IDLE, UNKNOWN):
            began = at(_beyond_without_gap(samples[:index], after.state, limits))
            wanted = limits.busy_after if after.state == BUSY else limits.idle_after
            assert after.since is not None
            assert began <= after.since
            assert at(at_s) - after.since >= wanted
        meter = after


def _beyond_without_gap(samples: list[Sample], state: str, limits: Thresholds) -> float:
    """Since when every sample up to the last has been on the far side of the threshold, with no gap between."""
    since_s = samples[-1][0]
    for at_s, power_w in reversed(samples):
        is_beyond = power_w >= limits.busy_w if state == BUSY else power_w < limits.idle_w
        if not is_beyond or seconds(since_s - at_s) > limits.longest_gap:
            break
        since_s = at_s
    return since_s


@settings(max_examples=100, deadline=None)
@given(STREAM, THRESHOLDS, st.randoms(use_true_random=False))
def test_any_late_copies_change_nothing(steps: list[tuple[int, int]], limits: Thresholds, random: object) -> None:
    samples = walk(steps)
    with_copies = []
    for index, sample in enumerate(samples):
        with_copies.append(sample)
        earlier = samples[random.randrange(index + 1)]  # type: ignore[attr-defined]
        if earlier[0] < sample[0]:
            with_copies.append(earlier)

    assert run(with_copies, limits) == run(samples, limits)


@settings(max_examples=100, deadline=None)
@given(STREAM, THRESHOLDS)
def test_any_stream_never_returns_to_unknown(steps: list[tuple[int, int]], limits: Thresholds) -> None:
    assert UNKNOWN not in [state for state, _ in run(walk(steps), limits)]

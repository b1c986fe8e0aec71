"""A device's clock against ours."""

import datetime as dt

import pytest

from iot.clocks import EARLIEST, boot_instant, corrected, parsed
from tests.iot.builders import NOW, at, iso

CLOCK_OF_2019 = "2019-01-01T00:00:00Z"


def corrected_s(raw: str, uptime_s: float, *, booted_s: float, is_anchored: bool, received_s: float) -> float:
    """Seconds after NOW."""
    instant = corrected(raw, uptime_s, booted_at=at(booted_s), is_anchored=is_anchored, received_at=at(received_s))
    return (instant - NOW).total_seconds()


@pytest.mark.parametrize(
    ("raw", "uptime_s", "expected_s"),
    [
        pytest.param(iso(at(100)), 100, 100, id="right clock"),
        pytest.param(iso(at(129)), 100, 129, id="half a minute fast is believed"),
        pytest.param(iso(at(71)), 100, 71, id="half a minute slow is believed"),
        pytest.param(iso(at(131)), 100, 100, id="a minute fast is corrected"),
        pytest.param(iso(at(69)), 100, 100, id="a minute slow is corrected"),
        pytest.param(CLOCK_OF_2019, 100, 100, id="clock of 2019"),
        pytest.param("2031-05-05T05:05:05Z", 100, 100, id="clock of the future"),
        pytest.param("0001-01-01T00:00:00+23:59", 100, 100, id="before the first year"),
        pytest.param("9999-12-31T23:59:59-23:59", 100, 100, id="after the last year"),
        pytest.param("2026-02-30T00:00:00Z", 100, 100, id="30 February"),
        pytest.param("2026-03-12T25:00:00Z", 100, 100, id="25 o'clock"),
        pytest.param("2026-03-12T13:00:60Z", 100, 100, id="leap second"),
        pytest.param("2026-03-12T14:01:40+01:00", 100, 100, id="another zone"),
        pytest.param(CLOCK_OF_2019, 1e10, 300, id="absurd uptime is not after its receipt"),
        pytest.param(CLOCK_OF_2019, 1e300, 300, id="uptime beyond the calendar"),
        pytest.param(iso(at(329)), 329, 300, id="never after its receipt"),
    ],
)
def test_anchored_run_corrects_the_clock(raw: str, uptime_s: float, expected_s: float) -> None:
    assert corrected_s(raw, uptime_s, booted_s=0, is_anchored=True, received_s=300) == expected_s


@pytest.mark.parametrize(
    ("raw", "expected_s"),
    [
        pytest.param(iso(at(-86_400)), -86_400, id="yesterday's backlog keeps its time"),
        pytest.param(iso(at(20)), 0, id="slightly fast clock is not after the receipt"),
        pytest.param(iso(at(31)), 0, id="clock of the future"),
        pytest.param(CLOCK_OF_2019, 0, id="clock of 2019"),
        pytest.param(iso(EARLIEST), (EARLIEST - NOW).total_seconds(), id="the earliest that is believed"),
        pytest.param("2024-12-31T23:59:59Z", 0, id="a second before it"),
    ],
)
def test_run_without_anchor_believes_what_is_possible(raw: str, expected_s: float) -> None:
    """Its only message so far came now, 500 s after the run's start by its own uptime."""
    assert corrected_s(raw, 500, booted_s=-500, is_anchored=False, received_s=0) == expected_s


def test_backlog_of_2019_keeps_its_distances() -> None:
    first = corrected_s(CLOCK_OF_2019, 10, booted_s=0, is_anchored=False, received_s=1000)
    second = corrected_s("2019-01-01T00:05:00Z", 310, booted_s=0, is_anchored=False, received_s=1000)

    assert (first, second) == (10, 310)


@pytest.mark.parametrize(
    ("uptime_s", "expected"),
    [
        pytest.param(0, NOW, id="just now"),
        pytest.param(3600, at(-3600), id="an hour ago"),
        pytest.param(1e10, NOW, id="three centuries ago is not believed"),
        pytest.param(1e12, NOW, id="before the calendar"),
        pytest.param(1e300, NOW, id="beyond any duration"),
    ],
)
def test_run_began_its_uptime_before_receipt(uptime_s: float, expected: dt.datetime) -> None:
    assert boot_instant(NOW, uptime_s) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2026-03-12T13:00:00Z", NOW),
        ("2026-03-12T14:00:00+01:00", NOW),
        ("2026-03-12T13:00:00.123456789Z", NOW.replace(microsecond=123456)),
        ("2026-03-12T13:00:00", NOW),
        ("2026-13-01T00:00:00Z", None),
        ("", None),
        ("now", None),
        ("0001-01-01T00:00:00+12:00", None),
    ],
)
def test_instant_is_parsed_to_utc_or_none(raw: str, expected: dt.datetime | None) -> None:
    assert parsed(raw) == expected

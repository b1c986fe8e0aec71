"""The curve of a device's last hour, with its thresholds and those that the hour proposes."""

import datetime as dt

from fablab.power_curve import HEIGHT, WIDTH, power_curve
from iot.models import Device
from iot.thresholds import Proposal, Sample, Unclear
from tests.factories import NOW, minutes

DEVICE = Device(busy_w=150, idle_w=60)


def hour(*, every_s: int = 10, works: bool = True) -> list[Sample]:
    """An hour up to now: 30 W, and 400 W in the middle half."""
    count = 3600 // every_s
    return [
        (NOW - dt.timedelta(seconds=every_s * (count - n)), 400.0 if works and count / 4 < n < 3 * count / 4 else 30.0)
        for n in range(count)
    ]


def test_no_curve_without_a_value() -> None:
    assert power_curve([], DEVICE, NOW) is None


def test_hour_with_use_proposes_lines_between_its_two_levels() -> None:
    curve = power_curve(hour(), DEVICE, NOW)

    assert curve is not None
    assert isinstance(curve.proposal, Proposal)
    assert 30 < curve.proposal.idle_w < curve.proposal.busy_w < 400
    assert curve.is_news
    assert curve.busy_pct == 50
    assert curve.cannot_tell is None


def test_proposal_that_is_set_already_is_no_news() -> None:
    told = power_curve(hour(), DEVICE, NOW)
    assert told is not None
    assert told.proposal is not None
    names = ("busy_w", "idle_w", "busy_after", "idle_after")
    same = Device(**{name: getattr(told.proposal, name) for name in names})

    curve = power_curve(hour(), same, NOW)

    assert curve is not None
    assert (curve.is_news, curve.proposed_busy_y) == (False, None)


def test_hour_without_use_says_why_it_proposes_nothing() -> None:
    curve = power_curve(hour(works=False), DEVICE, NOW)

    assert curve is not None
    assert curve.cannot_tell is not None
    assert curve.cannot_tell.reason == Unclear.ONE_LEVEL


def test_curve_stays_within_its_frame_and_breaks_where_nothing_was_measured() -> None:
    samples = [sample for sample in hour() if not minutes(20) < NOW - sample[0] < minutes(40)]

    curve = power_curve(samples, DEVICE, NOW)

    assert curve is not None
    points = [
        tuple(map(float, step[1:].split())) for step in curve.path.replace("M", "|M").replace("L", "|L").split("|")[1:]
    ]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert curve.path.count("M") == 2


def test_table_has_a_row_for_each_five_minutes_in_order() -> None:
    curve = power_curve(hour(), DEVICE, NOW)

    assert curve is not None
    assert len(curve.rows) == 13
    assert list(curve.rows) == sorted(curve.rows)

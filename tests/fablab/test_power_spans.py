"""The curve of a day, a week or a month: its parts, its gaps, its table; and what curve.js is given to draw."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from fablab.curve_facts import WORDS, curve_facts
from fablab.power_curve import HEIGHT, WIDTH, power_curve
from fablab.power_spans import LENGTHS, ROWS, Row, Span, span_curve
from iot.models import Device, Reading, ReadingKind
from iot.partitions import ensure_partitions
from tests.api.lab import Lab, make_lab
from tests.factories import NOW, minutes

PARIS = ZoneInfo("Europe/Paris")
LONG = [span for span in Span if span != Span.HOUR]


@pytest.fixture
def device(db: None) -> Device:
    ensure_partitions(NOW)
    return Device.objects.create(slug="plug-1", busy_w=150, idle_w=60)


def measure(device: Device, *values: tuple[dt.datetime, float]) -> None:
    first = Reading.objects.count()
    Reading.objects.bulk_create(
        Reading(device=device, boot="b", seq=first + n, index=0, kind=ReadingKind.POWER_W, at=at, value=value)
        for n, (at, value) in enumerate(values)
    )


def points_of(path: str) -> list[tuple[float, float]]:
    steps = path.replace("M", " L").replace("Z", "").split("L")
    return [(float(x), float(y)) for x, y in (step.split() for step in steps if step.strip())]


@pytest.mark.parametrize("span", LONG)
def test_no_curve_without_a_value(device: Device, span: Span) -> None:
    assert span_curve(device, span, NOW, PARIS) is None


@pytest.mark.parametrize("span", LONG)
def test_span_holds_what_was_measured_within_it_and_nothing_older(device: Device, span: Span) -> None:
    measure(device, (NOW - LENGTHS[span] - dt.timedelta(days=1), 9000), (NOW - minutes(30), 100), (NOW, 300))

    curve = span_curve(device, span, NOW, PARIS)

    assert curve is not None
    assert sum(bucket.count for bucket in curve.buckets) == 2
    assert max(bucket.most_w for bucket in curve.buckets) == 300
    assert curve.until == NOW
    assert LENGTHS[span] - dt.timedelta(days=1) < NOW - curve.since <= LENGTHS[span]


@pytest.mark.parametrize("span", LONG)
def test_picture_stays_within_its_frame(device: Device, span: Span) -> None:
    measure(device, *((NOW - n * LENGTHS[span] / 50, 10.0 * n) for n in range(50)))

    curve = span_curve(device, span, NOW, PARIS)

    assert curve is not None
    points = points_of(curve.path) + points_of(curve.band)
    assert len(points) > 50
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_line_breaks_where_nothing_was_measured(device: Device) -> None:
    measure(device, *((NOW - minutes(n), 50.0) for n in range(0, 600, 2) if not 200 < n < 300))

    curve = span_curve(device, Span.DAY, NOW, PARIS)

    assert curve is not None
    assert (curve.path.count("M"), curve.band.count("M"), curve.band.count("Z")) == (2, 2, 2)


def test_device_of_few_words_has_one_line(device: Device) -> None:
    device.silent_after = dt.timedelta(hours=2)
    measure(device, *((NOW - minutes(n), 50.0) for n in range(0, 600, 60)))

    curve = span_curve(device, Span.DAY, NOW, PARIS)

    assert curve is not None
    assert curve.path.count("M") == 1


def test_rows_of_a_day_begin_at_full_hours_and_say_where_nothing_was_measured(device: Device) -> None:
    now = dt.datetime(2026, 3, 12, 13, 20, tzinfo=PARIS)
    measure(device, (now - minutes(10), 100), (now - minutes(5), 100), (now - minutes(2), 400))

    curve = span_curve(device, Span.DAY, now, PARIS)

    assert curve is not None
    assert len(curve.rows) == ROWS[Span.DAY]
    assert {row.start.astimezone(PARIS).minute for row in curve.rows} == {0}
    assert curve.rows[-1] == Row(dt.datetime(2026, 3, 12, 13, tzinfo=PARIS), 200, 400)
    assert {(row.mean_w, row.most_w) for row in curve.rows[:-1]} == {(None, None)}


def test_rows_of_a_month_are_the_days_of_the_place_and_none_is_to_come(device: Device) -> None:
    now = dt.datetime(2026, 3, 12, 0, 30, tzinfo=PARIS)
    measure(device, (now - minutes(10), 100), (now - minutes(40), 300))

    curve = span_curve(device, Span.MONTH, now, PARIS)

    assert curve is not None
    starts = [row.start.astimezone(PARIS) for row in curve.rows]
    assert {(start.hour, start.minute) for start in starts} == {(0, 0)}
    assert starts[-1].date() == now.date()
    assert [(row.mean_w, row.most_w) for row in curve.rows[-2:]] == [(300, 300), (100, 100)]


# --- what the script draws --------------------------------------------------------------------------------------


def test_facts_of_an_hour_break_the_line_where_nothing_was_measured() -> None:
    device = Device(busy_w=150, idle_w=60)
    samples = [(NOW - minutes(n), 30.0) for n in range(50, 0, -1) if not 20 < n < 30]
    curve = power_curve(samples, device, NOW)
    assert curve is not None

    facts = curve_facts(curve, device, PARIS)

    times, power = facts["values"]
    assert times == sorted(times)
    assert (len(times), power.count(None)) == (42, 1)
    assert times[power.index(None)] == (NOW - minutes(25)).timestamp()
    assert (facts["until"] - facts["since"], facts["part_s"], facts["proposed"]) == (3600, None, None)


def test_facts_of_a_day_hold_average_least_and_most_of_each_part(device: Device) -> None:
    measure(device, (NOW - minutes(600), 10), (NOW - minutes(2), 30), (NOW - minutes(1), 50))
    curve = span_curve(device, Span.DAY, NOW, PARIS)
    assert curve is not None

    facts = curve_facts(curve, device, PARIS)

    assert facts["part_s"] == 300
    assert [column[1:] for column in facts["values"][1:]] == [[None, 40], [None, 30], [None, 50]]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_words_have_the_places_that_the_script_fills(device: Device, language: str) -> None:
    measure(device, (NOW, 10))
    curve = span_curve(device, Span.DAY, NOW, PARIS)
    assert curve is not None

    with override(language):
        facts = curve_facts(curve, device, PARIS)

    assert facts["language"] == language
    assert facts["words"].keys() == WORDS.keys()
    assert "%(time)s" in facts["words"]["nothing"]


# --- the page ---------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(db: None) -> Lab:
    lab = make_lab()
    ensure_partitions(timezone.now())
    measure(lab.device, (timezone.now() - minutes(5), 84))
    return lab


@pytest.mark.parametrize("span", Span)
def test_page_shows_the_span_that_was_asked_for(lab: Lab, span: Span) -> None:
    url = reverse("manage-device", args=[lab.device.slug])

    response = lab.client("supervisor").get(f"{url}?span={span}")

    assert response.context["span"] == span
    assert f'href="{url}?span={span}#power-title" aria-current="true"' in response.content.decode()
    assert 'id="curve-facts" type="application/json"' in response.content.decode()


def test_span_of_no_kind_is_an_hour(lab: Lab) -> None:
    response = lab.client("supervisor").get(reverse("manage-device", args=[lab.device.slug]) + "?span=century")

    assert response.context["span"] == Span.HOUR


def test_part_with_the_curve_comes_alone_when_asked_for(lab: Lab) -> None:
    headers = {"hx-request": "true", "hx-target": "power"}

    response = lab.client("supervisor").get(reverse("manage-device", args=[lab.device.slug]), headers=headers)

    shown = response.content.decode()
    assert shown.strip().startswith('<section class="card" id="power"')
    assert "curve-facts" in shown
    assert "<html" not in shown


def test_links_keep_the_lines_of_the_log_and_the_span(lab: Lab) -> None:
    url = reverse("manage-device", args=[lab.device.slug])

    shown = lab.client("supervisor").get(f"{url}?log=runs&span=day").content.decode()

    assert f'href="{url}?log=runs&amp;span=week#power-title"' in shown
    assert f'href="{url}?log=orders&amp;span=day#log-title"' in shown


def test_silent_device_says_what_it_said_before_and_no_more(lab: Lab) -> None:
    Device.objects.filter(pk=lab.device.pk).update(is_online=False)

    shown = lab.client("supervisor").get(reverse("manage-device", args=[lab.device.slug])).content.decode()

    assert shown.count("No news since") == 3
    assert "state-in-use" not in shown

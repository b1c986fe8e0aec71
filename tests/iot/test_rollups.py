"""Single values become minutes, minutes hours: nothing is lost, nothing counts twice, and what was summed up goes."""

import datetime as dt
import math
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable

import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections, transaction

from iot.models import Device, Reading, ReadingHour, ReadingKind, ReadingMinute
from iot.partitions import ensure_partitions, partitions
from iot.power_history import power_between
from iot.rollups import DROPPED, MINUTE, roll_up, roll_up_when_due, rolled_up_until
from tests.iot.builders import make_device

pytestmark = pytest.mark.django_db

# Partitions of March to May; April is summed up and dropped once May is a week old.
MARCH = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
Sums = dict[tuple[int, int, dt.datetime], tuple[int, float, float, float]]


@pytest.fixture
def device() -> Device:
    ensure_partitions(MARCH)
    return make_device()


def measured(device: Device, values: Iterable[tuple[dt.datetime, float]], kind: int = ReadingKind.POWER_W) -> None:
    first = Reading.objects.count()
    Reading.objects.bulk_create(
        Reading(device=device, boot="b", seq=first + n, index=0, kind=kind, at=at, value=value)
        for n, (at, value) in enumerate(values)
    )


def some(rng: random.Random, start: dt.datetime, days: float, count: int) -> list[tuple[dt.datetime, float]]:
    """Values of any size and sign, anywhere in these days, crowded into some minutes."""
    crowded = [start + rng.random() * days * DAY for _ in range(max(1, count // 20))]
    times = (rng.choice(crowded) + dt.timedelta(seconds=rng.uniform(0, 50)) for _ in range(count))
    return [(min(at, start + days * DAY - dt.timedelta(seconds=1)), rng.uniform(-40, 10 ** rng.uniform(0, 4)))
            for at in times]  # fmt: skip


def sums_of(device: Device, values: Iterable[tuple[dt.datetime, float]], **floor: int) -> Sums:
    found = defaultdict(list)
    for at, value in values:
        found[device.pk, 1, at.replace(second=0, microsecond=0, **floor)].append(value)
    return {key: (len(all_), math.fsum(all_), min(all_), max(all_)) for key, all_ in found.items()}


def kept(model: type[ReadingMinute] | type[ReadingHour]) -> Sums:
    rows = model.objects.values_list("device_id", "kind", "at", "count", "total", "least", "most")
    return {(device_id, kind, at): tuple(sums) for device_id, kind, at, *sums in rows}


def assert_equal(found: Sums, wanted: Sums) -> None:
    assert found.keys() == wanted.keys()
    for key, (count, total, least, most) in wanted.items():
        assert found[key][0] == count
        assert math.isclose(found[key][1], total, rel_tol=1e-9, abs_tol=1e-9 * count * max(abs(least), abs(most)))
        assert found[key][2:] == (least, most)


@pytest.mark.parametrize("seed", range(5))
def test_hours_of_minutes_equal_the_sums_of_the_single_values(device: Device, seed: int) -> None:
    rng = random.Random(seed)
    values = some(rng, MARCH, 20, 3000)
    rng.shuffle(values)
    measured(device, values[:2000])
    roll_up(MARCH + 12 * DAY)
    minutes_so_far = kept(ReadingMinute)
    measured(device, values[2000:])

    roll_up(MARCH + 29 * DAY)
    minutes = kept(ReadingMinute)
    roll_up(MARCH + 140 * DAY)

    assert minutes_so_far
    assert_equal(minutes, sums_of(device, values))
    assert_equal(kept(ReadingHour), sums_of(device, values, minute=0))
    assert not ReadingMinute.objects.exists()
    assert not Reading.objects.exists()


def test_summing_up_again_changes_nothing(device: Device) -> None:
    measured(device, some(random.Random(1), MARCH, 9, 500))
    roll_up(MARCH + 20 * DAY)
    once = kept(ReadingMinute)

    again = roll_up(MARCH + 20 * DAY)

    assert kept(ReadingMinute) == once
    assert again is not None
    assert (again.days_again, again.loose, again.hours, again.dropped) == (0, 0, 0, ())


def test_the_present_week_is_kept_value_by_value(device: Device) -> None:
    now = MARCH + 10 * DAY
    measured(device, [(now - 7 * DAY - dt.timedelta(seconds=61), 1.0), (now - 7 * DAY, 2.0), (now, 3.0)])

    roll_up(now)

    assert [row.total for row in ReadingMinute.objects.all()] == [1.0]
    assert Reading.objects.count() == 3
    assert rolled_up_until(MINUTE) == now - 7 * DAY


def test_value_that_comes_late_is_in_its_minute_the_next_night(device: Device) -> None:
    at = MARCH + HOUR
    measured(device, [(at, 5.0)])
    roll_up(MARCH + 10 * DAY)
    measured(device, [(at + dt.timedelta(seconds=1), 7.0)])

    done = roll_up(MARCH + 11 * DAY)

    assert kept(ReadingMinute) == {(device.pk, 1, at): (2, 12.0, 5.0, 7.0)}
    assert done is not None
    assert done.days_again == 1


def test_month_goes_once_it_is_summed_up_and_past_its_time(device: Device) -> None:
    measured(device, [(MARCH, 5.0), (MARCH + 30 * DAY, 6.0), (MARCH + 31 * DAY, 7.0)])

    early = roll_up(MARCH + 37 * DAY)
    late = roll_up(MARCH + 38 * DAY)

    assert early is not None
    assert late is not None
    assert (early.dropped, late.dropped) == ((), ("iot_reading_2027_03",))
    assert [part.name for part in partitions()] == ["iot_reading_2027_04", "iot_reading_2027_05"]
    assert list(Reading.objects.values_list("value", flat=True)) == [7.0]
    assert sorted(ReadingMinute.objects.values_list("total", flat=True)) == [5.0, 6.0]


@pytest.mark.parametrize("nights", [40, 140], ids=["into its minute", "into its hour"])
def test_value_of_a_month_that_is_gone_still_counts_once(device: Device, nights: int) -> None:
    measured(device, [(MARCH + HOUR, 5.0)])
    roll_up(MARCH + nights * DAY)
    measured(device, [(MARCH + HOUR, 7.0)])

    for night in (nights + 1, nights + 2):
        roll_up(MARCH + night * DAY)

    assert not Reading.objects.exists()
    sums = kept(ReadingMinute) | kept(ReadingHour)
    assert sums == {(device.pk, 1, MARCH + HOUR): (2, 12.0, 5.0, 7.0)}


def test_month_made_anew_by_a_wrong_clock_loses_nothing(device: Device) -> None:
    measured(device, [(MARCH + HOUR, 5.0)])
    roll_up(MARCH + 40 * DAY)
    ensure_partitions(MARCH)
    measured(device, [(MARCH + HOUR, 7.0)])

    done = roll_up(MARCH + 41 * DAY)

    assert done is not None
    assert done.dropped == ("iot_reading_2027_03",)
    assert kept(ReadingMinute) == {(device.pk, 1, MARCH + HOUR): (2, 12.0, 5.0, 7.0)}


def test_value_of_no_month_is_summed_up_and_goes(device: Device) -> None:
    at = dt.datetime(2026, 12, 24, 18, 0, 5, tzinfo=dt.UTC)
    measured(device, [(at, 5.0)])

    done = roll_up(MARCH)

    assert done is not None
    assert done.loose == 1
    assert not Reading.objects.exists()
    assert kept(ReadingMinute) == {(device.pk, 1, at.replace(second=0)): (1, 5.0, 5.0, 5.0)}


def test_minutes_stay_while_their_single_values_stand(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iot.rollups.KEEP_MINUTES", dt.timedelta(days=8))
    measured(device, [(MARCH, 5.0)])

    roll_up(MARCH + 20 * DAY)
    roll_up(MARCH + 21 * DAY)

    assert not ReadingHour.objects.exists()
    assert ReadingMinute.objects.count() == 1


def test_values_of_a_device_that_is_gone_hold_nothing_up(device: Device) -> None:
    measured(Device(pk=device.pk + 1), [(MARCH, 5.0), (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 6.0)])

    roll_up(MARCH + 40 * DAY)

    assert not Reading.objects.exists()
    assert not ReadingMinute.objects.exists()
    assert rolled_up_until(DROPPED) == MARCH + 31 * DAY


def test_run_that_breaks_off_is_gone_on_with(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    values = some(random.Random(2), MARCH, 9, 400)
    measured(device, values)
    with monkeypatch.context() as broken:
        broken.setattr("iot.rollups._sum_up_again", lambda until: 1 / 0)
        broken.setattr("iot.rollups.STEP", dt.timedelta(hours=5))
        with pytest.raises(ZeroDivisionError):
            roll_up(MARCH + 9 * DAY)

    roll_up(MARCH + 20 * DAY)

    assert_equal(kept(ReadingMinute), sums_of(device, values))


def test_lab_that_is_open_by_day_only_sums_up_in_the_morning_and_once(device: Device) -> None:
    nine = MARCH + 20 * DAY + 9 * HOUR
    measured(device, [(MARCH, 5.0)])

    hourly = [roll_up_when_due(nine + hours * HOUR) is not None for hours in range(9)]
    next_day = roll_up_when_due(nine + DAY)

    assert hourly == [True, *[False] * 8]
    assert next_day is not None
    assert [row.total for row in ReadingMinute.objects.all()] == [5.0]
    assert rolled_up_until(MINUTE) == nine + DAY - 7 * DAY


def test_run_that_broke_off_is_due_the_next_hour(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("iot.rollups._sum_up_again", lambda until: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            roll_up_when_due(MARCH + 9 * DAY)

    assert roll_up_when_due(MARCH + 9 * DAY + HOUR) is not None


def test_two_runs_at_once_are_one(device: Device) -> None:
    # Another connection's lock: the same one may take it twice.
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7213030)")

        assert roll_up(MARCH) is None
    finally:
        other.close()


@pytest.mark.parametrize("nights", [0, 20, 40, 140], ids=["single values", "minutes", "month gone", "hours"])
def test_power_of_a_day_is_the_same_wherever_it_is_kept(device: Device, nights: int) -> None:
    values = [(MARCH + n * dt.timedelta(minutes=10), float(n)) for n in range(144)]
    measured(device, values)
    if nights:
        roll_up(MARCH + nights * DAY)

    found = power_between(device, MARCH, MARCH + DAY, buckets=12)

    assert [(b.start, b.count, b.mean_w, b.least_w, b.most_w) for b in found] == [
        (MARCH + n * 2 * HOUR, 12, 12 * n + 5.5, 12.0 * n, 12.0 * n + 11) for n in range(12)
    ]


def test_power_of_a_minute_is_told_by_the_second_while_it_can_be(device: Device) -> None:
    measured(device, [(MARCH + n * dt.timedelta(seconds=1), float(n)) for n in range(60)])
    roll_up(MARCH + 20 * DAY)

    found = power_between(device, MARCH, MARCH + dt.timedelta(minutes=1), buckets=30)

    assert [bucket.mean_w for bucket in found] == [2 * n + 0.5 for n in range(30)]


def test_power_counts_what_no_minute_holds_yet(device: Device) -> None:
    measured(device, [(MARCH + n * HOUR, 10.0) for n in range(20 * 24)])
    roll_up(MARCH + 20 * DAY)

    found = power_between(device, MARCH, MARCH + 20 * DAY, buckets=20)

    assert [bucket.count for bucket in found] == [24] * 20


# With `available_apps` the tables are emptied with CASCADE: `iot_reading` is none of Django's own.
@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
@pytest.mark.parametrize("is_first", [True, False], ids=["before the month is locked", "after"])
def test_value_that_comes_while_its_month_is_dropped_counts_once(device: Device, is_first: bool) -> None:
    measured(device, [(MARCH + HOUR, 5.0)])
    has_begun, failures = threading.Event(), list[Exception]()

    def come_late() -> None:
        """As ingest does: again, when the database breaks it off."""
        values = [(MARCH + HOUR, 7.0)] if is_first else [(MARCH + 35 * DAY, 1.0), (MARCH + HOUR, 7.0)]
        while True:
            try:
                with transaction.atomic():
                    for at, value in values:
                        measured(device, [(at, value)])
                        has_begun.set()
                        time.sleep(1.5)
                break
            except OperationalError:
                continue
            except Exception as error:
                failures.append(error)
                break
        connections.close_all()

    consumer = threading.Thread(target=come_late)
    consumer.start()
    has_begun.wait(10)
    roll_up(MARCH + 38 * DAY)
    consumer.join(30)
    roll_up(MARCH + 39 * DAY)
    roll_up(MARCH + 40 * DAY)

    assert failures == []
    assert [part.name for part in partitions()] == ["iot_reading_2027_04", "iot_reading_2027_05"]
    assert kept(ReadingMinute)[device.pk, 1, MARCH + HOUR] == (2, 12.0, 5.0, 7.0)
    for part in partitions():
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {part.name}")

"""Readings summed up by the minute once they are old, minutes by the hour; then what was summed up goes.

Single values of a month lie in its partition. While that stands, minutes are made from *all* single values of the
minute, anew whenever more came late: doing it twice changes nothing. Once the partition is gone, and for what no month
holds, a value that is still found is added to its minute and deleted in the same transaction, so that it counts once.
Minutes become hours in that second way. `RolledUp` says how far each step is, and the next night goes on from there.
"""

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction

from fablab.lib import env
from fablab.lib.nights import is_due
from iot.models import ReadingKind, RolledUp
from iot.partitions import DEFAULT, Partition, partitions

log = logging.getLogger(__name__)

# The present week is looked at closely: whether a machine stood still, and where its thresholds lie.
KEEP_SINGLE = dt.timedelta(days=env.integer("FABLAB_KEEP_READING_DAYS", 7, least=2, most=3650))
KEEP_MINUTES = dt.timedelta(days=env.integer("FABLAB_KEEP_MINUTE_DAYS", 90, least=2, most=3650))
# So much is summed up in one transaction; so many loose values, where no month holds them.
STEP = dt.timedelta(hours=6)
LOOSE_AT_A_TIME = 50_000
LOCK = 7_213_030
DAY = dt.timedelta(days=1)
# By the lab's clock, while nobody looks.
AT_NIGHT = dt.time(2, 51)
# `RolledUp.step`: single values summed up; single values dropped; minutes summed up; when all was done last.
MINUTE, DROPPED, HOUR, RUN = "minute", "single", "hour", "run"

# A device that is gone has no sums either: nobody could ask for them.
SUM_UP = """
INSERT INTO iot_reading_minute (device_id, kind, at, count, total, least, most)
SELECT device_id, kind, date_trunc('minute', at, 'UTC') AS minute, count(*), sum(value), min(value), max(value)
FROM iot_reading
WHERE at >= %(start)s AND at < %(end)s AND tableoid <> 'iot_reading_default'::regclass
  AND device_id IN (SELECT id FROM iot_device)
GROUP BY device_id, kind, minute
ON CONFLICT (device_id, kind, at) DO UPDATE
SET count = excluded.count, total = excluded.total, least = excluded.least, most = excluded.most
"""

ADD = """
ON CONFLICT (device_id, kind, at) DO UPDATE
SET count = known.count + excluded.count, total = known.total + excluded.total,
    least = least(known.least, excluded.least), most = greatest(known.most, excluded.most)
"""

MOVE = """
WITH taken AS (
    DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE at < %(before)s LIMIT %(most)s))
    RETURNING device_id, kind, at, value
), summed AS (
    INSERT INTO iot_reading_minute AS known (device_id, kind, at, count, total, least, most)
    SELECT device_id, kind, date_trunc('minute', at, 'UTC') AS minute, count(*), sum(value), min(value), max(value)
    FROM taken WHERE device_id IN (SELECT id FROM iot_device) GROUP BY device_id, kind, minute
""" + ADD + """)
SELECT count(*) FROM taken
"""  # fmt: skip  # noqa: S608 (constants of our own)

MINUTES_TO_HOURS = """
WITH taken AS (
    DELETE FROM iot_reading_minute WHERE device_id = %(device)s AND kind = %(kind)s AND at < %(before)s
    RETURNING device_id, kind, at, count, total, least, most
)
INSERT INTO iot_reading_hour AS known (device_id, kind, at, count, total, least, most)
SELECT device_id, kind, date_trunc('hour', at, 'UTC') AS hour, sum(count), sum(total), min(least), max(most)
FROM taken GROUP BY device_id, kind, hour
""" + ADD  # fmt: skip  # noqa: S608

# Both by the day: what came late makes them differ.
SINGLE_COUNT = """
SELECT count(*) FROM iot_reading
WHERE at >= %(start)s AND at < %(end)s AND tableoid <> 'iot_reading_default'::regclass
  AND device_id IN (SELECT id FROM iot_device)
"""
SUMMED_COUNT = """
SELECT coalesce(sum(count), 0) FROM iot_reading_minute WHERE at >= %(start)s AND at < %(end)s
  AND device_id IN (SELECT id FROM iot_device)
"""


@dataclass(slots=True)
class Done:
    """What one run did."""

    until: dt.datetime | None = None
    days_again: int = 0
    loose: int = 0
    hours: int = 0
    dropped: tuple[str, ...] = ()


def roll_up_when_due(now: dt.datetime) -> Done | None:
    """`roll_up` once a night, or as soon as the lab is open again; None when there is nothing to do yet."""
    if not is_due(last_at=rolled_up_until(RUN), at=AT_NIGHT, now=now):
        return None
    done = roll_up(now)
    if done is not None:
        RolledUp.objects.update_or_create(step=RUN, defaults={"until": now})
    return done


def roll_up(now: dt.datetime) -> Done | None:
    """Sum up and drop what is past its time; None when another run is at it.

    Side effects in order, each step committed by itself: loose values into minutes; single values into minutes; days
    that got more values late, anew; partitions whose values are all summed up and past their time, dropped; minutes
    into hours. Broken off, it goes on from there the next time.
    """
    with _alone() as is_alone:
        if not is_alone:
            return None
        done = Done()
        before = _floor(now - KEEP_SINGLE, MINUTE)
        done.loose = _move_loose(before)
        done.until = _sum_up(before)
        done.days_again = _sum_up_again(done.until)
        done.dropped = _drop(before)
        done.hours = _minutes_to_hours(_floor(now - KEEP_MINUTES, HOUR))
    return done


def rolled_up_until(step: str) -> dt.datetime | None:
    """How far this step is; None when it never ran. One query."""
    return RolledUp.objects.filter(step=step).values_list("until", flat=True).first()


def _move_loose(before: dt.datetime) -> int:
    """Values of a time whose month was dropped, and of times that no month ever held."""
    count = 0
    dropped = rolled_up_until(DROPPED)
    places = [(DEFAULT, before)]
    # A clock that went wrong may have made a month anew that was dropped before.
    places += [(part.name, before) for part in partitions() if dropped is not None and part.end <= dropped]
    for table, limit in places:
        while moved := _move(table, limit):
            count += moved
    return count


@transaction.atomic
def _move(table: str, before: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(MOVE.format(table=table), {"before": before, "most": LOOSE_AT_A_TIME})
        return int(cursor.fetchone()[0])


def _sum_up(before: dt.datetime) -> dt.datetime | None:
    """Minutes from single values, from where the last run stopped; how far they are now."""
    until = rolled_up_until(MINUTE)
    standing = _standing()
    if not standing:
        return until
    at = max(standing[0].start, until or standing[0].start)
    while at < before:
        end = min(at + STEP, before)
        with transaction.atomic():
            _sum_up_span(at, end)
            _note(MINUTE, end)
        at = end
    return rolled_up_until(MINUTE)


def _sum_up_again(until: dt.datetime | None) -> int:
    """Days that were summed up and have more values by now: a device was out of reach for a week. How many."""
    standing = _standing()
    if not standing or until is None:
        return 0
    return sum(_sum_up_day_again(day, min(day + DAY, until)) for day in _days(standing[0].start, until))


@transaction.atomic
def _sum_up_day_again(start: dt.datetime, end: dt.datetime) -> bool:
    if not _has_more_than_summed(start, end):
        return False
    _sum_up_span(start, end)
    return True


def _has_more_than_summed(start: dt.datetime, end: dt.datetime) -> bool:
    counts = []
    with connection.cursor() as cursor:
        for statement in (SINGLE_COUNT, SUMMED_COUNT):
            cursor.execute(statement, {"start": start, "end": end})
            counts.append(int(cursor.fetchone()[0]))
    return counts[0] > counts[1]


def _sum_up_span(start: dt.datetime, end: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SUM_UP, {"start": start, "end": end})


def _drop(before: dt.datetime) -> tuple[str, ...]:
    """The months that are wholly past their time, oldest first. Each is locked against late values before the last
    look, so that none goes unsummed."""
    dropped = []
    until = rolled_up_until(MINUTE)
    for part in partitions():
        if until is None or part.end > min(before, until):
            break
        try:
            if _drop_month(part):
                dropped.append(part.name)
        except OperationalError as error:
            # Somebody reads for long, or stored a late value at the same moment: it goes the next night.
            log.warning("%s stays for now: %s", part.name, str(error).split("\n")[0])
            break
    return tuple(dropped)


@transaction.atomic
def _drop_month(part: Partition) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {part.name} IN SHARE MODE")
        if not _is_gone(part):
            for day in _days(part.start, part.end):
                _sum_up_day_again(day, day + DAY)
        elif _is_filled(part):
            # What came since the loose values were moved is moved the next night.
            return False
        cursor.execute(f"DROP TABLE {part.name}")
        _note(DROPPED, part.end)
    return True


def _is_gone(part: Partition) -> bool:
    dropped = rolled_up_until(DROPPED)
    return dropped is not None and part.end <= dropped


def _is_filled(part: Partition) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {part.name})")  # noqa: S608 (a name of the catalogue)
        return bool(cursor.fetchone()[0])


def _minutes_to_hours(before: dt.datetime) -> int:
    """Of each device and kind in turn; never of a time whose single values stand: they would be summed up again."""
    standing = _standing()
    if standing:
        before = min(before, standing[0].start)
    done = rolled_up_until(HOUR)
    hours = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM iot_device ORDER BY id")
        devices = [device_id for (device_id,) in cursor.fetchall()]
        for device_id in devices:
            for kind in ReadingKind.values:
                # Hour and minutes in one statement, which is a transaction of its own.
                cursor.execute(MINUTES_TO_HOURS, {"device": device_id, "kind": kind, "before": before})
                hours += cursor.rowcount
    _note(HOUR, max(before, done or before))
    return hours


def _standing() -> list[Partition]:
    """The months whose single values are all there, oldest first."""
    return [part for part in partitions() if not _is_gone(part)]


def _note(step: str, until: dt.datetime) -> None:
    known = rolled_up_until(step)
    RolledUp.objects.update_or_create(step=step, defaults={"until": max(until, known or until)})


def _days(start: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
    while start < end:
        yield start
        start += DAY


def _floor(instant: dt.datetime, step: str) -> dt.datetime:
    whole = instant.astimezone(dt.UTC).replace(second=0, microsecond=0)
    return whole if step == MINUTE else whole.replace(minute=0)


@contextmanager
def _alone() -> Iterator[bool]:
    """Two runs at once would add the same values to the same minutes one after the other: harmless, and twice the
    work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])

"""Which archives stay, and when the next one is due. Pure."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

DAILY, WEEKLY, MONTHLY = 7, 4, 12
# Whatever their day: two made within one hour are an upgrade and somebody's doubt about it.
NEWEST = 3
NIGHTLY_AT = dt.time(2, 40)
RETRY_AFTER = dt.timedelta(hours=1)
RESTORE_TESTED_EVERY = dt.timedelta(days=7)


def kept(made_at: Iterable[dt.datetime], zone: ZoneInfo) -> set[dt.datetime]:
    """The last archive of each of the newest 7 days, 4 weeks and 12 months that have one, and the 3 newest."""
    newest_first = sorted(made_at, reverse=True)
    stay = set(newest_first[:NEWEST])
    for count, bucket in ((DAILY, "%Y-%m-%d"), (WEEKLY, "%G-%V"), (MONTHLY, "%Y-%m")):
        last_of: dict[str, dt.datetime] = {}
        for instant in newest_first:
            last_of.setdefault(instant.astimezone(zone).strftime(bucket), instant)
        stay |= set(list(last_of.values())[:count])
    return stay


def is_backup_due(
    *,
    last_at: dt.datetime | None,
    attempted_at: dt.datetime | None,
    born_at: dt.datetime | None,
    now: dt.datetime,
    zone: ZoneInfo,
) -> bool:
    """Whether the last 02:40 (local) passed without a backup; a computer that is off at night makes it in the morning.

    `born_at` is when the lab's database was made: its first night comes first. A failed attempt waits an hour.
    """
    if attempted_at is not None and attempted_at <= now < attempted_at + RETRY_AFTER:
        return False
    # A date to come was written by a clock that was wrong: it must not put the backups off.
    known = max((instant for instant in (last_at, born_at) if instant is not None and instant <= now), default=None)
    return known is None or known < _last_night(now, zone)


def _last_night(now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    here = now.astimezone(zone)
    tonight = dt.datetime.combine(here.date(), NIGHTLY_AT, zone)
    if tonight > here:
        tonight = dt.datetime.combine(here.date() - dt.timedelta(days=1), NIGHTLY_AT, zone)
    return tonight


def is_restore_test_due(*, tested_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a week passed since an archive was last restored for trial."""
    return tested_at is None or now - tested_at >= RESTORE_TESTED_EVERY

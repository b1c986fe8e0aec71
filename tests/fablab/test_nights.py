"""Work of the night, in a lab whose computer is off at night: it is done in the morning, and once."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from fablab.lib.nights import is_due
from fablab.personal.purge import last_purge
from fablab.tasks import purge_each_night

AT = dt.time(3, 41)
ZONE = ZoneInfo(settings.TIME_ZONE)


def on(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2027, 6, day, hour, minute, tzinfo=ZONE)


DUE: dict[str, tuple[dt.datetime | None, dt.datetime, bool]] = {
    "never run": (None, on(2, 9), True),
    "this night": (on(2, 3, 41), on(2, 4), False),
    "in the morning": (on(2, 9), on(2, 23), False),
    "the next night": (on(2, 9), on(3, 3, 41), True),
    "not yet the next night": (on(2, 9), on(3, 3, 40), False),
    "a month closed": (on(2, 9), on(30, 12), True),
    "by a clock that was wrong": (on(30, 9), on(2, 9), True),
}


@pytest.mark.parametrize(("last_at", "now", "wanted"), DUE.values(), ids=DUE)
def test_work_of_the_night_is_due_once_its_hour_has_passed(
    last_at: dt.datetime | None, now: dt.datetime, wanted: bool
) -> None:
    assert is_due(last_at=last_at, at=AT, now=now) is wanted


def test_nothing_waits_for_an_hour_at_which_the_computer_may_be_off() -> None:
    """A run that was missed is not made up: whatever is tied to one hour never happens in a lab open by day only."""
    crons = {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}

    assert crons
    assert {name: cron for name, cron in crons.items() if cron.split()[1:] != ["*"] * 4} == {}


@pytest.mark.django_db
def test_purge_that_a_night_missed_is_done_once(settings, tmp_path) -> None:
    settings.DATA_DIR, settings.IS_DEMO = tmp_path, False

    purge_each_night()
    first = last_purge()
    purge_each_night()

    assert first is not None
    assert timezone.now() - first.at < dt.timedelta(minutes=5)
    assert len((tmp_path / "purge.log").read_text().splitlines()) == 1

"""Banners for the team: from facts, and from a real lab that is unwell."""

import datetime as dt

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone, translation
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateWorker

from fablab import troubles
from fablab.abandoned_jobs import end_abandoned_jobs
from fablab.backup.nightly import back_up_when_due
from fablab.backup.status import BackupStatus, backup_status, note_status
from fablab.troubles import Facts, Trouble
from tests.conftest import free_port
from tests.factories import NOW

HOUR = dt.timedelta(hours=1)
GB = 10**9
GOOD = BackupStatus(last_at=NOW - 5 * HOUR, restore_tested_at=NOW - 5 * HOUR, restore_test="restored")
BORN = NOW - dt.timedelta(days=30)


@pytest.fixture(autouse=True)
def asked_anew(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.LANGUAGE_CODE = "en"
    troubles.forget()
    with translation.override("en"):
        yield
    troubles.forget()


def codes(facts):
    return [trouble.code for trouble in troubles.troubles_of(facts, NOW)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(), []),
        (Facts(free_bytes=50 * GB, disk_bytes=100 * GB, clock_off=HOUR / 60, is_worker_alive=True), []),
        (Facts(free_bytes=9 * GB, disk_bytes=100 * GB), ["disk"]),
        (Facts(free_bytes=int(1.9 * GB), disk_bytes=4 * GB), ["disk"]),
        (Facts(clock_off=dt.timedelta(seconds=120)), []),
        (Facts(clock_off=dt.timedelta(seconds=121)), ["clock"]),
        (Facts(is_worker_alive=False), ["worker"]),
        (Facts(is_broker_reachable=False), ["broker"]),
        (Facts(free_bytes=9 * GB, disk_bytes=100 * GB, is_worker_alive=False), ["worker", "disk"]),
    ],
    ids=[
        "nothing known", "all well", "under a tenth", "under 2 GB", "two minutes off", "more than two minutes off",
        "no worker", "no broker", "worst first",
    ],
)  # fmt: skip
def test_troubles_follow_from_facts(facts, expected):
    assert codes(facts) == expected


@pytest.mark.parametrize(
    ("status", "born_at", "expected"),
    [
        (GOOD, BORN, []),
        (BackupStatus(), NOW - 23 * HOUR, []),
        (BackupStatus(), BORN, ["backup"]),
        (BackupStatus(last_at=NOW - 26 * HOUR, restore_tested_at=NOW), BORN, []),
        (BackupStatus(last_at=NOW - 27 * HOUR, restore_tested_at=NOW), BORN, ["backup"]),
        (BackupStatus(last_at=NOW - HOUR), BORN, ["restore-test"]),
        (BackupStatus(last_at=NOW - HOUR, restore_tested_at=NOW, restore_error="Damaged."), BORN, ["restore-test"]),
        (BackupStatus(), None, []),
    ],
    ids=[
        "fresh and tested", "first day", "never", "26 hours", "27 hours", "never tested", "test failed", "age unknown",
    ],
)  # fmt: skip
def test_troubles_of_backups(status, born_at, expected):
    assert codes(Facts(backup=status, born_at=born_at)) == expected


def test_backup_that_failed_says_how_to_learn_why():
    status = BackupStatus(last_at=NOW - 30 * HOUR, error="The disk is full.")

    (trouble,) = troubles.troubles_of(Facts(backup=status, born_at=BORN), NOW)

    assert (trouble.code, trouble.title, trouble.tone) == ("backup", "The last backup is 30 hours old", "care")
    assert trouble.next_step.startswith("It could not be made")


def test_backup_made_by_other_means_is_no_trouble(monkeypatch):
    monkeypatch.setenv("FABLAB_BACKUP_NIGHTLY", "0")

    assert codes(Facts(backup=BackupStatus(), born_at=BORN)) == []


DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(is_purging=True, purged_at=NOW - 2 * DAY, born_at=BORN), []),
        (Facts(is_purging=True, purged_at=NOW - 2 * DAY - HOUR, born_at=BORN), ["purge"]),
        (Facts(is_purging=True, born_at=BORN), ["purge"]),
        (Facts(is_purging=True, born_at=NOW - DAY), []),
        (Facts(is_purging=True), []),
        (Facts(is_purging=False, born_at=BORN), []),
    ],
    ids=["two nights", "more", "never", "a new lab", "age unknown", "a demo, which keeps all"],
)
def test_troubles_of_what_should_have_been_deleted(facts, expected):
    assert codes(facts) == expected


@pytest.mark.django_db
def test_purge_that_was_proved_is_known_to_the_banners(settings, tmp_path):
    settings.IS_DEMO = False
    (tmp_path / "purge.log").write_text('{"at": "2020-01-01T03:41:00+00:00", "counts": {}}\n')

    found = {trouble.code for trouble in troubles.troubles(timezone.now())}

    assert "purge" in found


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (None, []),
        (14 * DAY, []),
        (13 * DAY, [("The lab’s HTTPS certificate ends on March 24, 2026", "care")]),
        (-DAY, [("The lab’s HTTPS certificate ended on March 10, 2026", "out")]),
    ],
    ids=["none of its own", "two weeks", "less", "over"],
)
def test_troubles_of_a_certificate(left, expected):
    facts = Facts(certificate_ends_at=None if left is None else NOW + left)

    found = troubles.troubles_of(facts, NOW)

    assert [(trouble.title, trouble.tone) for trouble in found] == expected


@pytest.mark.django_db
def test_lab_without_worker_and_broker_is_told_once_in_thirty_seconds(settings, django_assert_num_queries):
    settings.BROKER = {"host": "127.0.0.1", "port": free_port()}
    ProcrastinateWorker.objects.all().delete()

    found = {trouble.code for trouble in troubles.troubles(timezone.now())}

    assert {"worker", "broker"} <= found
    assert "clock" not in found
    with django_assert_num_queries(0):
        assert {trouble.code for trouble in troubles.troubles(timezone.now())} == found


@pytest.mark.django_db
def test_clock_that_lost_minutes_is_told(time_machine):
    time_machine.move_to(timezone.now() - dt.timedelta(minutes=10))

    found = {trouble.code: trouble.title for trouble in troubles.troubles(timezone.now())}

    assert found["clock"] == "The clock is off by about 10 minutes"


@pytest.mark.django_db
def test_database_that_does_not_answer_raises_nothing(monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("no")

    connection.close()
    monkeypatch.setattr(connection, "ensure_connection", broken)
    monkeypatch.setattr(troubles.shutil, "disk_usage", broken)

    assert isinstance(troubles.troubles(NOW), list)


def test_banner_names_each_trouble_with_its_next_step():
    trouble = Trouble("disk", "The disk is nearly <full>", "Make room.", "care")

    page = render_to_string("fablab/_troubles.html", {"troubles": [trouble]})

    assert "The disk is nearly &lt;full&gt;" in page
    assert "Make room." in page
    assert "tone-care" in page
    assert render_to_string("fablab/_troubles.html", {"troubles": []}).strip() == ""


# --- jobs of a killed worker ------------------------------------------------------------------------------------


def make_job(*, beat_age_s, status="doing"):
    """A job, and its worker unless there is none."""
    with connection.cursor() as cursor:
        worker_id = None
        if beat_age_s is not None:
            beat = timezone.now() - dt.timedelta(seconds=beat_age_s)
            cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s) RETURNING id", [beat])
            worker_id = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id)"
            " VALUES ('default', 'sweep', '{}', %s, %s) RETURNING id",
            [status, worker_id],
        )
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("beat_age_s", "status", "after"),
    [
        (5, "doing", "doing"),
        (300, "doing", "failed"),
        (None, "doing", "failed"),
        (None, "todo", "todo"),
        (None, "succeeded", "succeeded"),
    ],
    ids=["worker lives", "worker is silent", "worker is gone", "not begun", "done"],
)
def test_job_of_a_killed_worker_is_over(beat_age_s, status, after):
    job_id = make_job(beat_age_s=beat_age_s, status=status)

    ended = end_abandoned_jobs(now=timezone.now())

    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text FROM procrastinate_jobs WHERE id = %s", [job_id])
        assert cursor.fetchone()[0] == after
    assert ended == (status != after)


@pytest.mark.django_db
def test_sweep_that_frees_jobs_does_not_wait_for_its_own_dead_run():
    """The worker was killed in its midst: the backup, too, would wait behind what only this sweep frees."""
    name = "fablab.tasks.free_abandoned_jobs"
    dead_id = make_job(beat_age_s=5)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET task_name = %s, lock = %s WHERE id = %s", [name, name, dead_id])
        app.configure_task(name).defer(timestamp=0)

        cursor.execute("SELECT task_name FROM procrastinate_fetch_job_v2(NULL, NULL)")

        assert cursor.fetchall() == [(name,)]


# --- the night --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({"FABLAB_BACKUP_NIGHTLY": "0"}, {}),
        ({}, {"last_at": timezone.now(), "attempted_at": timezone.now()}),
    ],
    ids=["switched off", "made already"],
)
def test_night_without_need_makes_no_backup(tmp_path, monkeypatch, environment, status):
    monkeypatch.setenv("FABLAB_BACKUP_DIR", str(tmp_path / "archives"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    note_status(tmp_path / "archives", **status)

    assert back_up_when_due(now=timezone.now(), say=print) is False
    assert not list((tmp_path / "archives").glob("*.tar"))


@pytest.mark.django_db
def test_erasures_are_kept_beside_the_archives_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("FABLAB_BACKUP_DIR", str(tmp_path / "archives"))
    note_status(tmp_path / "archives", last_at=timezone.now())
    (tmp_path / "erasures.jsonl").write_text("a line\n")

    back_up_when_due(now=timezone.now(), say=print)

    assert (tmp_path / "archives" / "erasures.jsonl").read_text() == "a line\n"
    assert backup_status(tmp_path / "archives").error == ""

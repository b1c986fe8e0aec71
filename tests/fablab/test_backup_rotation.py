"""Which archives stay, when the next is due, and what the folder holds."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from fablab.backup import ledger, places, rotation
from fablab.backup.load import BOUND
from fablab.backup.make import _clear_up
from fablab.backup.status import BackupStatus, backup_status, note_status

PARIS = ZoneInfo("Europe/Paris")


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def nights(first, count):
    return [utc(f"{first} 01:40") + dt.timedelta(days=number) for number in range(count)]


def days(instants):
    return sorted(instant.strftime("%Y-%m-%d %H") for instant in instants)


@pytest.mark.parametrize(
    ("made", "stay"),
    [
        ([], []),
        ([utc("2026-03-11 01:40")], ["2026-03-11 01"]),
        (
            [utc(f"2026-03-11 {hour:02}:00") for hour in (1, 8, 9, 10, 11)],
            ["2026-03-11 09", "2026-03-11 10", "2026-03-11 11"],
        ),
        (nights("2026-03-02", 8), [f"2026-03-{day:02} 01" for day in range(3, 10)]),
        (
            nights("2026-02-09", 30),
            ["2026-02-22 01", "2026-02-28 01", "2026-03-01 01", *(f"2026-03-{day:02} 01" for day in range(4, 11))],
        ),
        (
            [utc("2026-03-10 22:30"), utc("2026-03-10 23:30"), *nights("2026-03-12", 3)],
            ["2026-03-10 22", "2026-03-10 23", "2026-03-12 01", "2026-03-13 01", "2026-03-14 01"],
        ),
    ],
    ids=["none", "one", "five in a morning", "eight nights", "thirty nights", "two sides of local midnight"],
)
def test_kept_archives(made, stay):
    assert days(rotation.kept(made, PARIS)) == stay


def test_kept_after_three_years_are_7_days_4_weeks_12_months():
    made = nights("2023-03-12", 3 * 365 + 1)

    stay = rotation.kept(made, PARIS)

    assert max(made) in stay
    assert len(stay) <= 7 + 4 + 12
    assert len({instant.strftime("%Y-%m") for instant in stay}) == 12


@pytest.mark.parametrize(
    ("last", "attempted", "born", "now", "is_due"),
    [
        ("2026-03-10 01:41", None, "2026-01-01 10:00", "2026-03-11 01:39", False),
        ("2026-03-10 01:41", None, "2026-01-01 10:00", "2026-03-11 01:40", True),
        ("2026-03-06 01:41", None, "2026-01-01 10:00", "2026-03-09 08:00", True),
        ("2026-03-10 17:00", None, "2026-01-01 10:00", "2026-03-11 01:00", False),
        (None, None, "2026-03-11 09:00", "2026-03-11 18:00", False),
        (None, None, "2026-03-11 09:00", "2026-03-12 09:00", True),
        (None, None, None, "2026-03-11 09:00", True),
        ("2026-03-10 01:41", "2026-03-11 01:40", "2026-01-01 10:00", "2026-03-11 02:00", False),
        ("2026-03-10 01:41", "2026-03-11 01:40", "2026-01-01 10:00", "2026-03-11 02:41", True),
        ("2031-01-01 00:00", "2031-01-01 00:00", "2026-01-01 10:00", "2026-03-11 09:00", True),
        ("2026-03-28 01:41", None, "2026-01-01 10:00", "2026-03-29 01:45", True),
    ],
    ids=[
        "before the night",
        "at night",
        "off over the weekend",
        "made by hand in the evening",
        "first day",
        "second day",
        "age unknown",
        "failed just now",
        "failed an hour ago",
        "clock was wrong",
        "DST night",
    ],
)  # fmt: skip
def test_backup_is_due(last, attempted, born, now, is_due):
    moments = [utc(text) if text else None for text in (last, attempted, born)]

    found = rotation.is_backup_due(
        last_at=moments[0], attempted_at=moments[1], born_at=moments[2], now=utc(now), zone=PARIS
    )

    assert found == is_due


@pytest.mark.parametrize(
    ("tested", "is_due"),
    [(None, True), ("2026-03-05 03:00", False), ("2026-03-04 02:00", True)],
    ids=["never", "six days ago", "a week ago"],
)
def test_restore_test_is_due_after_a_week(tested, is_due):
    tested_at = utc(tested) if tested else None

    assert rotation.is_restore_test_due(tested_at=tested_at, now=utc("2026-03-11 02:00")) == is_due


def test_rotation_removes_only_what_is_ours(tmp_path):
    ours = [tmp_path / f"fablab-202603{day:02}T014000Z.tar{'.sealed' * (day % 2)}" for day in range(1, 29)]
    theirs = [tmp_path / name for name in ("fablab-old.tar", "fablab-20240101T000000Z.tar.bak", "status.json")]
    for path in [*ours, *theirs]:
        path.touch()
    (tmp_path / "fablab-20200101T000000Z.tar").mkdir()

    _clear_up(tmp_path, lambda line: None)

    assert all(path.exists() for path in theirs)
    assert ours[-1].exists()
    assert len(places.archives(tmp_path)) == 7 + 2
    assert (tmp_path / "fablab-20200101T000000Z.tar").is_dir()


def test_archive_path_takes_the_next_free_second(tmp_path):
    now = utc("2026-03-11 01:40")
    (tmp_path / "fablab-20260311T014000Z.tar.sealed").touch()

    assert places.archive_path(tmp_path, now, is_sealed=False).name == "fablab-20260311T014001Z.tar"


def test_status_is_empty_when_there_is_none_or_it_is_damaged(tmp_path):
    assert backup_status(tmp_path) == BackupStatus()

    (tmp_path / "status.json").write_text("{")

    assert backup_status(tmp_path) == BackupStatus()


def test_status_keeps_what_is_not_changed(tmp_path):
    now = utc("2026-03-11 01:40")
    note_status(tmp_path, last_at=now, size_bytes=7)

    note_status(tmp_path, error="The disk is full.")

    assert backup_status(tmp_path) == BackupStatus(last_at=now, size_bytes=7, error="The disk is full.")


def test_ledgers_are_merged_without_doubles_or_loss(tmp_path):
    file = tmp_path / "new" / "erasures.jsonl"

    assert ledger.merge_into(file, ["a", "b"], ["b", "c"]) == 3
    assert ledger.merge_into(file, ["c"]) == 0
    assert file.read_text() == "a\nb\nc\n"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("bound", "is_understood"),
    [
        ("DEFAULT", True),
        ("FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00')", True),
        ("FOR VALUES IN ('a', 'b')", True),
        ("DEFAULT; DROP TABLE people_person", False),
        ("FOR VALUES FROM ('a') TO ('b'); DROP TABLE people_person", False),
    ],
)
def test_bound_of_a_partition_is_nothing_else(bound, is_understood):
    assert bool(BOUND.fullmatch(bound)) == is_understood

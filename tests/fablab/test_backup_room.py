"""A backup and its trial never fill the disk: what has no room is not begun."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from fablab.backup import rehearsal
from fablab.backup.errors import BackupFailed, BackupProblem
from fablab.backup.make import make_backup
from fablab.backup.room import RESERVE_BYTES
from fablab.backup.status import backup_status
from fablab.backup.tables import connection_parameters

pytestmark = pytest.mark.django_db
GB = 10**9
BEFORE = "fablab-20260101T030000Z.tar"
OLDER = "fablab-20250101T030000Z.tar"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_free(free_bytes: int) -> None:
        disk = SimpleNamespace(free=free_bytes, total=100 * GB)
        monkeypatch.setattr("fablab.backup.room.shutil.disk_usage", lambda folder: disk)

    return set_free


def archive_of(folder: Path, name: str, size_bytes: int) -> None:
    with (folder / name).open("wb") as stream:
        stream.truncate(size_bytes)


def test_backup_that_would_fill_the_disk_is_not_begun(tmp_path: Path, free: Callable[[int], None]) -> None:
    archive_of(tmp_path, BEFORE, 3 * GB)
    free(3 * GB + RESERVE_BYTES - 1)

    with pytest.raises(BackupFailed, match=r"The backup needs about 3.0 GB in .* and only 3.5 GB are free. Make room"):
        make_backup(folder=tmp_path, now=timezone.now(), say=print)

    assert [path.name for path in tmp_path.glob("*fablab-*")] == [BEFORE]
    assert "The backup needs about 3.0 GB" in backup_status(tmp_path).error


@pytest.mark.parametrize("sizes", [{BEFORE: GB, OLDER: 9 * GB}, {}], ids=["the last one counts", "the first of all"])
def test_backup_for_which_there_is_room_is_made(
    tmp_path: Path, settings, free: Callable[[int], None], sizes: dict[str, int]
) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path / "data", tmp_path / "data" / "files"
    settings.DATA_DIR.mkdir()
    for name, size_bytes in sizes.items():
        archive_of(tmp_path, name, size_bytes)
    free(sizes.get(BEFORE, 0) + RESERVE_BYTES)

    backup = make_backup(folder=tmp_path, now=timezone.now(), say=print, is_clearing_up=False)

    assert backup.path.exists()


def own_folder() -> Path:
    """The data folder of the server that these tests run on."""
    host = str(django_settings.DATABASES["default"]["HOST"])
    if not host.endswith("/run"):
        pytest.skip("this server is not the embedded one")
    return Path(host).parent


def trial_databases() -> list[str]:
    with psycopg.connect(**connection_parameters()) as connection:
        own = str(django_settings.DATABASES["default"]["NAME"])
        like = "SELECT datname FROM pg_database WHERE datname = %s"
        return [row[0] for row in connection.execute(like, [own + rehearsal.SUFFIX])]


def test_trial_that_would_fill_the_lab_s_own_disk_is_not_begun_and_a_left_one_goes(
    settings, free: Callable[[int], None]
) -> None:
    settings.DATA_DIR = own_folder()
    name = str(django_settings.DATABASES["default"]["NAME"]) + rehearsal.SUFFIX
    with psycopg.connect(**connection_parameters(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    free(RESERVE_BYTES)

    with pytest.raises(BackupProblem, match="The restore test needs about"), rehearsal.scratch_database():
        pass

    assert trial_databases() == []


def test_trial_on_another_computer_s_server_does_not_ask_for_room_here(
    settings, tmp_path: Path, free: Callable[[int], None]
) -> None:
    settings.DATA_DIR = tmp_path
    free(0)

    with rehearsal.scratch_database():
        assert len(trial_databases()) == 1

    assert trial_databases() == []

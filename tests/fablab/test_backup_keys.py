"""Keys and rows of a sealed archive take effect together, whenever the restore is killed."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.fablab.backup_runs import EMPTY, Lab, drop_database, make_database, own_server_url
from tests.migrated import template

pytestmark = [pytest.mark.serial, pytest.mark.slow]
PASSPHRASE = "four words without sense"
CHANGED = "SELECT count(*) FROM people_person WHERE last_name = 'Changed'"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
WAITING = "secrets.json.restored"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The lab that is archived."""
    folder = Path(tempfile.mkdtemp(prefix="fablab-"))
    filled = Lab(make_database(own_server_url(), "keys_source", template=template() or EMPTY), folder)
    filled.shell("from tests.fablab.backup_lab import fill; fill()")
    yield filled
    drop_database(own_server_url(), "keys_source")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def archive(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lab.back_up(tmp_path_factory.mktemp("archives"), FABLAB_BACKUP_PASSPHRASE=PASSPHRASE)


@pytest.fixture
def other(lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """Another lab, with keys of its own and people named otherwise."""
    made = Lab(make_database(own_server_url(), "keys_other", template="keys_source"), tmp_path / "other")
    made.folder.mkdir()
    made.shell("")
    with psycopg.connect(made.url) as connection:
        connection.execute("UPDATE people_person SET last_name = 'Changed'")
    yield made
    drop_database(own_server_url(), "keys_other")


def keys_of(lab: Lab) -> tuple[str, str]:
    known = json.loads((lab.folder / "secrets.json").read_text())
    return known["secret_key"], known["field_key"]


@pytest.mark.parametrize("moment", ["Bringing it up", "Writing it for good"])
def test_restore_killed_leaves_the_keys_that_fit_the_rows(lab, archive, other, moment):
    before = keys_of(other)
    process = other.start("manage.py", "restore", archive, "--replace", FABLAB_BACKUP_PASSPHRASE=PASSPHRASE)
    assert process.stdout is not None
    while not process.stdout.readline().startswith(moment):
        assert process.poll() is None

    process.kill()

    process.communicate()
    deadline_s = time.monotonic() + 10
    while other.value(OTHERS) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    code, said = other.run("-m", "fablab.up.prepare")
    assert code == 0, said
    assert keys_of(other) == (before if other.value(CHANGED) else keys_of(lab))
    assert not (other.folder / WAITING).exists()


@pytest.mark.parametrize("command", [("-m", "fablab.up.prepare"), ("manage.py", "backup")], ids=["make run", "backup"])
def test_keys_cut_off_after_the_rows_are_taken_by_whoever_comes_next(lab, archive, other, command):
    before = keys_of(other)
    in_the_way = other.folder / "secrets.json.before-restore"
    in_the_way.mkdir()
    code, said = other.manage("restore", archive, "--replace", FABLAB_BACKUP_PASSPHRASE=PASSPHRASE)
    assert code == 0, said
    assert "the next `make run` does it" in said
    assert (other.value(CHANGED), keys_of(other)) == (0, before)
    in_the_way.rmdir()

    code, said = other.run(*command)

    assert code == 0, said
    assert keys_of(other) == keys_of(lab)
    assert json.loads(in_the_way.read_text())["field_key"] == before[1]
    assert not (other.folder / WAITING).exists()

"""Keys and rows of a sealed archive take effect together, whenever the restore is killed."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from fablab.lib.datadir import load_secrets
from tests.fablab.backup_kills import kill_when_it_says
from tests.fablab.backup_runs import EMPTY, Lab, drop_database, make_database, own_server_url
from tests.migrated import template

pytestmark = [pytest.mark.serial, pytest.mark.slow]
PASSPHRASE = "four words without sense"
CHANGED = "SELECT count(*) FROM people_person WHERE last_name = 'Changed'"
WAITING = "secrets.json.restored"
FORMER = "secrets.json.before-restore"


class CutOff(NamedTuple):
    """A lab whose keys could not take their place, what its restore said, and the keys from before."""

    lab: Lab
    said: str
    before: tuple[str, str]


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


@contextmanager
def another_lab(name: str, folder: Path) -> Iterator[Lab]:
    """With keys of its own and people named otherwise."""
    made = Lab(make_database(own_server_url(), name, template="keys_source"), folder)
    load_secrets(folder)
    with psycopg.connect(made.url) as connection:
        connection.execute("UPDATE people_person SET last_name = 'Changed'")
    yield made
    drop_database(own_server_url(), name)


@pytest.fixture
def other(lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    with another_lab("keys_other", tmp_path / "other") as made:
        yield made


@pytest.fixture(scope="module")
def cut_off(lab: Lab, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CutOff]:
    """Restored while something stood in the way of the keys, and no longer does; tests take a copy."""
    with another_lab("keys_cut_off", tmp_path_factory.mktemp("cut_off") / "lab") as made:
        before = keys_of(made)
        in_the_way = made.folder / FORMER
        in_the_way.mkdir()
        code, said = made.manage("restore", archive, "--replace", FABLAB_BACKUP_PASSPHRASE=PASSPHRASE)
        assert code == 0, said
        in_the_way.rmdir()
        yield CutOff(made, said, before)


@pytest.fixture
def left(cut_off: CutOff, tmp_path: Path) -> Iterator[Lab]:
    """The lab with rows but not keys of the archive, to be written into."""
    url = make_database(own_server_url(), "keys_left", template="keys_cut_off")
    yield Lab(url, shutil.copytree(cut_off.lab.folder, tmp_path / "left"))
    drop_database(own_server_url(), "keys_left")


def keys_of(lab: Lab) -> tuple[str, str]:
    known = json.loads((lab.folder / "secrets.json").read_text())
    return known["secret_key"], known["field_key"]


@pytest.mark.parametrize("moment", ["Bringing it up", "Writing it for good"])
def test_restore_killed_leaves_the_keys_that_fit_the_rows(lab, archive, other, moment):
    before = keys_of(other)
    process = other.start("manage.py", "restore", archive, "--replace", FABLAB_BACKUP_PASSPHRASE=PASSPHRASE)

    kill_when_it_says(moment, process, other)

    code, said = other.run("-m", "fablab.up.prepare")
    assert code == 0, said
    assert keys_of(other) == (before if other.value(CHANGED) else keys_of(lab))
    assert not (other.folder / WAITING).exists()


@pytest.mark.parametrize("command", [("-m", "fablab.up.prepare"), ("manage.py", "backup")], ids=["make run", "backup"])
def test_keys_cut_off_after_the_rows_are_taken_by_whoever_comes_next(lab, cut_off, left, command):
    assert "the next `make run` does it" in cut_off.said
    assert (left.value(CHANGED), keys_of(left)) == (0, cut_off.before)

    code, said = left.run(*command)

    assert code == 0, said
    assert keys_of(left) == keys_of(lab)
    assert json.loads((left.folder / FORMER).read_text())["field_key"] == cut_off.before[1]
    assert not (left.folder / WAITING).exists()

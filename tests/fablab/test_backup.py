"""A whole lab archived and restored elsewhere: real databases, real processes, some of them killed."""

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from fablab.backup.status import backup_status
from fablab.up.locks import FolderLock
from tests.fablab.backup_kills import kill_when_it_says
from tests.fablab.backup_questions import NAMED, WRITTEN_WITHOUT_UNIT, is_empty, made_with_tables
from tests.fablab.backup_runs import EMPTY, Lab, drop_database, make_database, own_server_url
from tests.migrated import template

pytestmark = pytest.mark.serial
PASSPHRASE = "four words without sense"
KILLED_AT = ("Loading rows", "Bringing it up")
_number = count(1)


class Restored(NamedTuple):
    """An archive on another machine, to be looked at only, and all that was said."""

    machine: Lab
    said: str


class AtWork(NamedTuple):
    """A lab that went on after it was archived, and the machine that has the archive."""

    lab: Lab
    machine: Lab
    said: str
    beside: str


def line_of(number: int) -> str:
    """Of somebody erased whom no lab here knows."""
    return json.dumps({"reference": f"nobody{number}", "erased_at": "2026-03-11T08:00:00+00:00"})


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The lab that is archived; tests that write into it take a copy."""
    folder = Path(tempfile.mkdtemp(prefix="fablab-"))
    filled = Lab(make_database(own_server_url(), "backup_source", template=template() or EMPTY), folder)
    filled.shell("from tests.fablab.backup_lab import fill; fill()")
    yield filled
    drop_database(own_server_url(), "backup_source")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def archive(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lab.back_up(tmp_path_factory.mktemp("archives"))


@pytest.fixture
def new_machine(tmp_path: Path) -> Iterator[Lab]:
    """An empty database and an empty folder."""
    name = f"backup_target_{next(_number)}"
    yield Lab(make_database(own_server_url(), name), tmp_path / "data")
    drop_database(own_server_url(), name)


@pytest.fixture(scope="module")
def killed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, dict[str, bool]]]:
    """A machine of somebody who is no superuser, and whether its database was empty after each killed restore."""
    empty = make_database(own_server_url(), "backup_restored")
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain_owner")
        connection.execute("CREATE ROLE plain_owner LOGIN PASSWORD 'plain'")
        connection.execute("ALTER DATABASE backup_restored OWNER TO plain_owner")
    address = empty.partition("@")[2]
    machine = Lab(f"postgresql://plain_owner:plain@{address}", tmp_path_factory.mktemp("restored") / "data")
    was_empty = {}
    for moment in KILLED_AT:
        kill_when_it_says(moment, machine.start("manage.py", "restore", archive), machine)
        was_empty[moment] = is_empty(machine)
    yield machine, was_empty
    drop_database(own_server_url(), "backup_restored")


@pytest.fixture(scope="module")
def restored(archive: Path, killed: tuple[Lab, dict[str, bool]]) -> Restored:
    """The archive on that machine, at the third attempt: each one got further than the one before."""
    machine, _ = killed
    code, said = machine.manage("restore", archive)
    assert code == 0, said
    return Restored(machine, said)


@pytest.fixture(scope="module")
def embedded(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    """A sealed archive in the embedded database of a new machine."""
    folder = Path(tempfile.mkdtemp(prefix="fablab-"))
    folder.chmod(0o755)
    (lab.folder / "tls").mkdir()
    (lab.folder / "tls" / "ca.key").write_text("the authority’s key")
    archives = tmp_path_factory.mktemp("sealed")
    archive = lab.back_up(archives, FABLAB_BACKUP_PASSPHRASE=PASSPHRASE)
    (archives / "passphrase").write_text(f"{PASSPHRASE}\n")
    machine = Lab("", folder)
    code, said = machine.manage("restore", archive, "--passphrase-file", archives / "passphrase")
    assert code == 0, said
    yield Restored(machine, said)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def copied(lab: Lab, folder: Path) -> Iterator[Lab]:
    """A lab with the same content, to be written into."""
    name = f"backup_copy_{next(_number)}"
    url = make_database(own_server_url(), name, template="backup_source")
    yield Lab(url, shutil.copytree(lab.folder, folder))
    drop_database(own_server_url(), name)


@pytest.fixture
def copy(lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    with copied(lab, tmp_path / "copy") as made:
        yield made


@pytest.fixture(scope="module")
def at_work(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AtWork]:
    """Archived while somebody reserves; then a person is erased, and it is archived again; the first one is restored.

    Its list of erasures has one line at first; the one beside the archives gets another; the new machine's, a third.
    """
    folder = tmp_path_factory.mktemp("at_work")
    machine = Lab(make_database(own_server_url(), "backup_at_work"), folder / "data")
    with copied(lab, folder / "copy") as busy:
        (busy.folder / "erasures.jsonl").write_text(f"{line_of(0)}\n")
        writer = busy.start_in_shell("from tests.fablab.backup_lab import write; write()")
        try:
            assert writer.stdout is not None
            writer.stdout.readline()
            archive = busy.back_up(folder / "archives")
        finally:
            writer.kill()
            writer.communicate()
        beside = archive.parent / "erasures.jsonl"
        first = beside.read_text()
        busy.shell(
            "from django.utils import timezone; from people.erasure import erase_person; from people.models import"
            " Person; person = Person.objects.order_by('pk')[2];"
            "erase_person(person=person, by=None, now=timezone.now())"
        )
        busy.back_up(archive.parent)
        with beside.open("a") as file:
            file.write(f"{line_of(1)}\n")
        machine.folder.mkdir()
        (machine.folder / "erasures.jsonl").write_text(f"{line_of(2)}\n")
        code, said = machine.manage("restore", archive)
        assert code == 0, said
        yield AtWork(busy, machine, said, first)
    drop_database(own_server_url(), "backup_at_work")


# --- there and back ---------------------------------------------------------------------------------------------


def test_restore_brings_back_every_row_and_file(lab, restored):
    machine, said = restored

    assert machine.rows() == lab.rows()
    assert machine.files() == lab.files()
    assert "each compared" in said
    assert lab.rows()["iot_reading"][0] == 30_000
    assert len(lab.files()) == 4


def test_restore_lets_counters_partitions_and_triggers_go_on(lab, restored):
    assert made_with_tables(restored.machine) == made_with_tables(lab)


def test_restore_into_postgresql_15_is_the_same(lab, archive, postgres_server, tmp_path):
    server = postgres_server("15")
    server.start()
    elsewhere = Lab(server.url, tmp_path / "data")

    code, said = elsewhere.manage("restore", archive)
    again = elsewhere.back_up(tmp_path / "again")

    assert code == 0, said
    assert elsewhere.rows() == lab.rows()
    assert again.stat().st_size > 100_000


def test_restore_of_somebody_who_is_no_superuser_is_the_same(lab, restored):
    assert restored.machine.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert restored.machine.rows() == lab.rows()


def test_restore_into_the_embedded_database_of_a_new_machine(lab, embedded):
    code, said = embedded.machine.manage("backup")

    assert code == 0, said
    assert embedded.machine.files() == lab.files()
    assert f"{sum(rows for rows, _ in lab.rows().values())} rows" in said


def test_backup_under_load_is_of_one_moment(at_work):
    lab, machine = at_work.lab, at_work.machine

    assert machine.value(WRITTEN_WITHOUT_UNIT) == 0
    assert machine.rows()["reservations_reservation"][0] > 6
    assert lab.rows()["reservations_reservation"][0] > machine.rows()["reservations_reservation"][0]


# --- keys and erasures ------------------------------------------------------------------------------------------


def test_sealed_archive_brings_the_keys_along(lab, embedded):
    machine = embedded.machine
    here, there = (json.loads((one.folder / "secrets.json").read_text()) for one in (lab, machine))
    sealed = (lab.folder / "sealed.txt").read_text()

    code, said = machine.manage("shell", "-c", f"from fablab.lib.secretbox import unseal; print(unseal({sealed!r}))")

    assert {name for name in here if here[name] == there[name]} == {"secret_key", "field_key"}
    assert (machine.folder / "secrets.json").stat().st_mode & 0o077 == 0
    assert (machine.folder / "tls" / "ca.key").read_text() == "the authority’s key"
    assert code == 0, said
    assert "the printer’s key" in said


def test_open_archive_holds_no_key_and_says_so(lab, archive, restored):
    keys = json.loads((lab.folder / "secrets.json").read_text()).values()

    assert not [key for key in keys if key.encode() in archive.read_bytes()]
    assert "copy the former secrets.json" in restored.said


def test_list_of_erasures_is_the_union_of_all_copies(at_work):
    first, erased = (at_work.lab.folder / "erasures.jsonl").read_text().splitlines()

    after = (at_work.machine.folder / "erasures.jsonl").read_text().splitlines()

    assert first == line_of(0)
    assert at_work.beside == f"{line_of(0)}\n"
    assert sorted(after) == sorted([line_of(0), line_of(1), line_of(2), erased])


def test_person_erased_after_the_backup_stays_erased(at_work):
    assert "erased again: 1" in at_work.said
    assert at_work.machine.value(NAMED) == at_work.lab.value(NAMED) == 2


# --- refusals ---------------------------------------------------------------------------------------------------


def test_restore_onto_a_lab_is_refused_and_changes_nothing(copy, archive):
    before = copy.rows()

    code, said = copy.manage("restore", archive)

    assert code == 1
    assert "already holds a lab" in said
    assert "--replace" in said
    assert copy.rows() == before


def test_restore_replaces_when_told_to_and_keeps_what_was_there(copy, lab, archive):
    with psycopg.connect(copy.url) as connection:
        connection.execute("UPDATE people_person SET last_name = 'Changed'")
    (copy.folder / "files" / "later.txt").write_text("later")

    code, said = copy.manage("restore", archive, "--replace")

    assert code == 0, said
    assert copy.rows() == lab.rows()
    assert copy.files() == lab.files()
    assert made_with_tables(copy) == made_with_tables(lab)
    assert len(list((copy.folder / "backups").glob("fablab-*.tar"))) == 1


def test_restore_into_another_programs_database_is_refused_even_to_replace(new_machine, archive):
    with psycopg.connect(new_machine.url) as connection:
        connection.execute("CREATE TABLE accounts AS SELECT 1 AS amount")

    code, said = new_machine.manage("restore", archive, "--replace")

    assert code == 1
    assert "tables of another program" in said
    assert new_machine.value("SELECT amount FROM accounts") == 1


def test_restore_while_the_lab_is_open_is_refused(new_machine, archive):
    open_lab = FolderLock(new_machine.folder / "up.lock", "")
    open_lab.take()

    code, said = new_machine.manage("restore", archive)

    open_lab.release()
    assert code == 1
    assert "is open" in said
    assert "Close it" in said
    assert is_empty(new_machine)


def test_restore_of_a_damaged_archive_changes_nothing(new_machine, archive, tmp_path):
    damaged = tmp_path / archive.name
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)

    code, said = new_machine.manage("restore", damaged)

    assert code == 1
    assert said.splitlines()[-1].startswith("The archive is damaged: ")
    assert is_empty(new_machine)


def test_archive_of_a_later_version_is_refused(copy, new_machine, tmp_path):
    with psycopg.connect(copy.url) as connection:
        connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('people', '0999_later', now())")
    archive = copy.back_up(tmp_path / "archives")

    code, said = new_machine.manage("restore", archive)

    assert code == 1
    assert "later version of the lab, which knows people.0999_later" in said
    assert is_empty(new_machine)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"FABLAB_BACKUP_PASSPHRASE": "short"}, "write at least 8"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}, "The database does not answer"),
    ],
    ids=["short passphrase", "no database"],
)
def test_backup_that_cannot_be_made_says_why_and_leaves_nothing(lab, tmp_path, environment, sentence):
    code, said = lab.manage("backup", "--to", tmp_path / "to", **environment)

    assert code == 1
    assert sentence in said.splitlines()[-1]
    assert not [path for path in (tmp_path / "to").iterdir() if "fablab-" in path.name]
    assert sentence in backup_status(tmp_path / "to").error


# --- kills ------------------------------------------------------------------------------------------------------


def test_backup_killed_leaves_only_a_draft_that_the_next_one_removes(lab, tmp_path):
    process = lab.start("manage.py", "backup", "--to", tmp_path)
    assert process.stdout is not None
    while not list(tmp_path.glob(".fablab-*.part")):
        assert process.poll() is None
        time.sleep(0.002)

    process.send_signal(signal.SIGKILL)

    process.communicate()
    assert list(tmp_path.glob("fablab-*")) == []
    lab.back_up(tmp_path)
    assert len(list(tmp_path.glob("fablab-*"))) == 1
    assert list(tmp_path.glob(".fablab-*.part")) == []


@pytest.mark.parametrize("moment", KILLED_AT)
def test_restore_killed_leaves_the_database_empty_and_can_be_repeated(lab, killed, restored, moment):
    _, was_empty = killed

    assert was_empty[moment]
    assert restored.machine.rows() == lab.rows()


def test_backup_verify_restores_for_trial_and_leaves_no_database(lab, tmp_path):
    # Another worker makes databases of its own on the same server.
    databases = "SELECT count(*) FROM pg_database WHERE datname LIKE 'backup_source%'"
    before = lab.value(databases)

    code, said = lab.manage("backup", "--to", tmp_path, "--verify")

    status = backup_status(tmp_path)
    assert code == 0, said
    assert (status.restore_test, status.error) == ("restored", "")
    assert status.restore_tested_at is not None
    assert lab.value(databases) == before

"""A whole lab archived and restored elsewhere: real databases, real processes, some of them killed."""

import contextlib
import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from fablab.backup.status import backup_status
from fablab.up.locks import FolderLock
from tests.fablab.backup_runs import EMPTY, Lab, drop_database, make_database, own_server_url
from tests.migrated import template

pytestmark = pytest.mark.serial
PASSPHRASE = "four words without sense"
_number = count(1)


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
def restored(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, str]]:
    """The archive on a new machine, with all that was said; to be looked at only."""
    machine = Lab(make_database(own_server_url(), "backup_restored"), tmp_path_factory.mktemp("restored") / "data")
    code, said = machine.manage("restore", archive)
    assert code == 0, said
    yield machine, said
    drop_database(own_server_url(), "backup_restored")


@pytest.fixture
def copy(lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """A lab with the same content, to be written into."""
    name = f"backup_copy_{next(_number)}"
    url = make_database(own_server_url(), name, template="backup_source")
    yield Lab(url, shutil.copytree(lab.folder, tmp_path / "copy"))
    drop_database(own_server_url(), name)


def is_empty(lab: Lab) -> bool:
    return lab.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0


# --- there and back ---------------------------------------------------------------------------------------------


def test_restore_brings_back_every_row_and_file(lab, restored):
    machine, said = restored

    assert machine.rows() == lab.rows()
    assert machine.files() == lab.files()
    assert "each compared" in said
    assert lab.rows()["iot_reading"][0] == 30_000
    assert len(lab.files()) == 4


def test_restore_lets_counters_partitions_and_triggers_go_on(lab, restored):
    questions = [
        "SELECT last_value FROM people_person_id_seq",
        "SELECT last_value FROM iot_foreign_reading",
        "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relispartition AND relkind = 'r'",
        "SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'",
        "SELECT count(*) FROM pg_constraint",
        "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'",
    ]
    machine, _ = restored

    answers = {question: machine.value(question) for question in questions}

    assert answers == {question: lab.value(question) for question in questions}


def test_restore_into_postgresql_15_is_the_same(lab, archive, postgres_server, tmp_path):
    server = postgres_server("15")
    server.start()
    elsewhere = Lab(server.url, tmp_path / "data")

    code, said = elsewhere.manage("restore", archive)
    again = elsewhere.back_up(tmp_path / "again")

    assert code == 0, said
    assert elsewhere.rows() == lab.rows()
    assert again.stat().st_size > 100_000


def test_restore_of_somebody_who_is_no_superuser_is_the_same(lab, archive, new_machine):
    with psycopg.connect(new_machine.url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain_owner")
        connection.execute("CREATE ROLE plain_owner LOGIN PASSWORD 'plain'")
        connection.execute(f"ALTER DATABASE {connection.info.dbname} OWNER TO plain_owner")
    address = new_machine.url.partition("@")[2]
    plain = Lab(f"postgresql://plain_owner:plain@{address}", new_machine.folder)

    code, said = plain.manage("restore", archive)

    assert code == 0, said
    assert plain.rows() == lab.rows()


def test_restore_into_the_embedded_database_of_a_new_machine(lab, archive, short_folder):
    machine = Lab("", short_folder)

    code, said = machine.manage("restore", archive)
    again, heard = machine.manage("backup")

    assert (code, again) == (0, 0), said + heard
    assert machine.files() == lab.files()
    assert f"{sum(rows for rows, _ in lab.rows().values())} rows" in heard


def test_backup_under_load_is_of_one_moment(copy, new_machine, tmp_path):
    without_unit = (
        "SELECT count(*) FROM reservations_reservation r"
        " WHERE NOT EXISTS (SELECT 1 FROM reservations_heldunit h WHERE h.reservation_id = r.id)"
    )
    writer = copy.start_in_shell("from tests.fablab.backup_lab import write; write()")
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        archive = copy.back_up(tmp_path / "archives")
    finally:
        writer.kill()
        writer.communicate()

    code, said = new_machine.manage("restore", archive)
    assert code == 0, said
    assert new_machine.value(without_unit) == 0
    assert new_machine.rows()["reservations_reservation"][0] > 6
    assert copy.rows()["reservations_reservation"][0] > new_machine.rows()["reservations_reservation"][0]


# --- keys and erasures ------------------------------------------------------------------------------------------


def test_sealed_archive_brings_the_keys_along(lab, new_machine, tmp_path):
    (lab.folder / "tls").mkdir(exist_ok=True)
    (lab.folder / "tls" / "ca.key").write_text("the authority’s key")
    archive = lab.back_up(tmp_path, FABLAB_BACKUP_PASSPHRASE=PASSPHRASE)
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")

    code, said = new_machine.manage("restore", archive, "--passphrase-file", tmp_path / "passphrase")

    assert code == 0, said
    here, there = (json.loads((one.folder / "secrets.json").read_text()) for one in (lab, new_machine))
    assert {name for name in here if here[name] == there[name]} == {"secret_key", "field_key"}
    assert (new_machine.folder / "secrets.json").stat().st_mode & 0o077 == 0
    assert (new_machine.folder / "tls" / "ca.key").read_text() == "the authority’s key"
    sealed = (lab.folder / "sealed.txt").read_text()
    code, said = new_machine.manage(
        "shell", "-c", f"from fablab.lib.secretbox import unseal; print(unseal({sealed!r}))"
    )
    assert "the printer’s key" in said


def test_open_archive_holds_no_key_and_says_so(lab, archive, restored):
    keys = json.loads((lab.folder / "secrets.json").read_text()).values()

    _, said = restored

    assert not [key for key in keys if key.encode() in archive.read_bytes()]
    assert "copy the former secrets.json" in said


def test_list_of_erasures_is_the_union_of_all_copies(copy, new_machine, tmp_path):
    lines = [json.dumps({"reference": f"nobody{n}", "erased_at": "2026-03-11T08:00:00+00:00"}) for n in range(3)]
    (copy.folder / "erasures.jsonl").write_text(f"{lines[0]}\n")
    archive = copy.back_up(tmp_path / "archives")
    beside = archive.parent / "erasures.jsonl"
    assert beside.read_text() == f"{lines[0]}\n"
    beside.write_text(f"{lines[0]}\n{lines[1]}\n")
    new_machine.folder.mkdir()
    (new_machine.folder / "erasures.jsonl").write_text(f"{lines[2]}\n")

    code, said = new_machine.manage("restore", archive)

    assert code == 0, said
    assert sorted((new_machine.folder / "erasures.jsonl").read_text().splitlines()) == lines


def test_person_erased_after_the_backup_stays_erased(copy, new_machine, archive, tmp_path):
    person = "Person.objects.order_by('pk')[2]"
    copy.shell(
        "from django.utils import timezone; from people.erasure import erase_person; from people.models import Person;"
        f"person = {person}; erase_person(person=person, by=None, now=timezone.now())"
    )
    later = copy.back_up(tmp_path / "archives")
    earlier = shutil.copy(archive, later.parent)

    code, said = new_machine.manage("restore", earlier)

    assert code == 0, said
    assert "erased again: 1" in said
    names = "SELECT count(*) FROM people_person WHERE last_name <> ''"
    assert new_machine.value(names) == copy.value(names) == 2


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


@pytest.mark.parametrize("moment", ["Loading rows", "Bringing it up"])
def test_restore_killed_leaves_the_database_empty_and_can_be_repeated(lab, archive, new_machine, moment):
    process = new_machine.start("manage.py", "restore", archive)
    assert process.stdout is not None
    while not process.stdout.readline().startswith(moment):
        assert process.poll() is None

    process.send_signal(signal.SIGKILL)

    process.communicate()
    wait_until_alone(new_machine)
    assert is_empty(new_machine)
    code, said = new_machine.manage("restore", archive)
    assert code == 0, said
    assert new_machine.rows() == lab.rows()


def wait_until_alone(lab: Lab) -> None:
    """The server notices a killed client when it next writes to it."""
    deadline_s = time.monotonic() + 10
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with contextlib.suppress(psycopg.OperationalError):
        while lab.value(others) and time.monotonic() < deadline_s:
            time.sleep(0.05)


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

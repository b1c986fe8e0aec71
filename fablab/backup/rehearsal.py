"""The restore test: an archive is restored for trial into a database that is then thrown away."""

import datetime as dt
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.conf import settings
from psycopg import sql

from fablab.backup.archive import Say, verify
from fablab.backup.errors import BackupProblem
from fablab.backup.room import require_room
from fablab.backup.status import note_status
from fablab.backup.tables import connection_parameters
from fablab.lib.datadir import socket_dir

SUFFIX = "_restore_test"
WITHIN_S = 4 * 3600
LONGEST_NAME = 63


def rehearse(*, path: Path, passphrase: str, now: dt.datetime, say: Say) -> str:
    """Restore the archive for trial; returns how: "restored", or "read" where we may not make a database.

    Side effects in order: the whole archive is read and compared; a database is made, filled and compared by a
    process of its own, and dropped; the status beside the archives is written.

    Raises:
        BackupProblem: the archive would not have saved the lab; noted in the status, too.
    """
    try:
        verify(path, passphrase)
        how = _restored_for_trial(path, passphrase, say)
    except BackupProblem as error:
        note_status(path.parent, restore_error=str(error))
        raise
    note_status(path.parent, restore_tested_at=now, restore_test=how, restore_error="")
    return how


def _restored_for_trial(path: Path, passphrase: str, say: Say) -> str:
    try:
        with scratch_database() as url:
            _restore_into(url, path, passphrase)
    except psycopg.errors.InsufficientPrivilege:
        say("  read only: the database's user may not make another database (ALTER USER … CREATEDB lets it)")
        return "read"
    except psycopg.Error as error:
        raise BackupProblem(f"The restore test could not make its database ({error}).") from error
    return "restored"


@contextmanager
def scratch_database() -> Iterator[str]:
    """The address of an empty database beside the lab's own, which is dropped at the end.

    Raises:
        BackupFailed: the disk has no room for a second one.
    """
    own = str(settings.DATABASES["default"]["NAME"])
    name = own[: LONGEST_NAME - len(SUFFIX)] + SUFFIX
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(**connection_parameters(), autocommit=True) as connection:
        # What a killed trial left behind goes first: its room is wanted.
        connection.execute(drop)
        _require_room(connection, own)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield _url(name)
        finally:
            connection.execute(drop)


def _require_room(connection: psycopg.Connection, database: str) -> None:
    """Only where the database's disk is ours to look at: the embedded one's."""
    data_dir = Path(settings.DATA_DIR)
    if str(settings.DATABASES["default"]["HOST"]) != str(socket_dir(data_dir)):
        return
    row = connection.execute("SELECT pg_database_size(%s)", [database]).fetchone()
    require_room(data_dir, int(row[0]) if row else 0, "The restore test")


def _url(database: str) -> str:
    known = connection_parameters(database)
    user, password, host = (quote(str(known[part] or ""), safe="") for part in ("user", "password", "host"))
    port = f":{known['port']}" if known["port"] else ""
    return f"postgresql://{user}:{password}@{host}{port}/{quote(database, safe='')}"


def _restore_into(url: str, path: Path, passphrase: str) -> None:
    with tempfile.TemporaryDirectory(prefix="fablab-restore-test-") as folder:
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "FABLAB_DATA_DIR": folder,
            "FABLAB_BACKUP_PASSPHRASE": passphrase,
        }
        try:
            done = subprocess.run(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "restore", str(path), "--rehearse"],
                env=environment,
                cwd=settings.BASE_DIR,
                capture_output=True,
                text=True,
                timeout=WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BackupProblem(f"The restore test of {path.name} took more than four hours and was stopped.") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or f"code {done.returncode}").splitlines()[-1]
        raise BackupProblem(f"The restore test of {path.name} failed: {last}")

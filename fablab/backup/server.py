"""The database for a command that runs while the lab is closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections

from fablab.backup.errors import BackupProblem
from fablab.backup.tables import connection_parameters
from fablab.lib import env
from fablab.up.errors import CannotStart
from fablab.up.locks import FolderLock
from fablab.up.postgres import EmbeddedPostgres


@contextmanager
def lab_closed() -> Iterator[None]:
    """Hold the lab's own lock: it is not open in this data folder, and cannot be opened meanwhile.

    Raises:
        BackupProblem: it is open.
    """
    data_dir = Path(settings.DATA_DIR)
    lock = FolderLock(
        data_dir / "up.lock",
        f"The lab in {data_dir} is open (process {{pid}}). Close it (Ctrl-C, or systemctl stop), then try again.",
    )
    try:
        lock.take()
    except CannotStart as error:
        raise BackupProblem(str(error)) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def database_running(*, may_make: bool) -> Iterator[None]:
    """The database answers in here: one of its own is left alone, the embedded one is started when it is not up.

    With `may_make` a missing embedded database is made, as on a new machine.

    Raises:
        BackupProblem: there is none, or it cannot be started.
    """
    if env.text("DATABASE_URL") or _answers():
        yield
        return
    data_dir = Path(settings.DATA_DIR)
    if not may_make and not (data_dir / "postgres").exists():
        raise BackupProblem(f"There is no lab in {data_dir} yet. Name its folder in FABLAB_DATA_DIR, or DATABASE_URL.")
    server = EmbeddedPostgres(data_dir, password=settings.SECRETS["database_password"])
    try:
        server.start()
    except CannotStart as error:
        raise BackupProblem(str(error)) from error
    try:
        yield
    finally:
        connections.close_all()
        server.stop()


def _answers() -> bool:
    try:
        psycopg.connect(**connection_parameters()).close()
    except psycopg.Error:
        return False
    return True

"""A small SQLite file of the agent: private, and on disk once a call returns."""

import os
import sqlite3
import time
from pathlib import Path


class CannotWrite(OSError):
    """The disk takes nothing; the text names the file and says what to look at."""


def opened(path: Path | None, schema: str) -> sqlite3.Connection:
    """The database in this file, made when it is missing; in memory without a path.

    Raises:
        CannotWrite
        sqlite3.DatabaseError: the file is none, or is damaged.
    """
    try:
        return _opened(path, schema)
    except (OSError, sqlite3.OperationalError) as error:
        raise CannotWrite(
            f"{path or 'The memory'} cannot be written: {error}. "
            "Does another agent run with the same file, is the disk full, or has it become read-only, as a worn-out "
            "card does?"
        ) from error


def _opened(path: Path | None, schema: str) -> sqlite3.Connection:
    if path:
        # It holds badge numbers or keys; SQLite gives its companion files the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # NORMAL would let a power cut take the last rows; FULL waits for the disk at each one.
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(schema)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def set_aside(path: Path) -> Path:
    """Give a damaged file and its companions another name, and return that of the file."""
    name = f"{path.name}.damaged-{int(time.time())}"
    for ending in ("-wal", "-shm", ""):
        companion = path.with_name(path.name + ending)
        if companion.exists():
            companion.replace(path.with_name(name + ending))
    return path.with_name(name)

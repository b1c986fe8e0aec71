"""What was measured but is not yet known to be safe at the lab: a numbered queue on disk."""

import json
import os
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The server reads at most 64 KiB; the envelope around the data needs less than 1 KiB.
DATA_MOST_BYTES = 60 * 1024
ROWS_MOST = 500_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    leaf TEXT NOT NULL,
    at TEXT NOT NULL,
    uptime_s REAL NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (boot, seq)
)
"""


class OutboxFull(Exception):
    """The lab was away for so long that nothing more can be kept; the message was not numbered."""


@dataclass(frozen=True)
class Pending:
    """A message that waits; `position` orders messages across boots."""

    position: int
    boot: str
    seq: int
    leaf: str
    at: str
    uptime_s: float
    data: str

    def payload(self) -> bytes:
        """The envelope: the same bytes at each sending."""
        head = {"v": 1, "boot": self.boot, "seq": self.seq, "at": self.at, "uptime_s": self.uptime_s}
        return f'{json.dumps(head)[:-1]}, "data": {self.data}}}'.encode()


class Outbox:
    """Keeps each message until the lab says that it is committed. Safe from several threads.

    Each `Outbox` is one boot: its numbers begin at 1. With a path, a message is on disk when `add` returns
    and survives `kill -9` and a power cut; without one it lives in memory, for simulated devices.
    """

    def __init__(self, path: Path | None, *, rows_most: int = ROWS_MOST) -> None:
        self.boot = secrets.token_hex(8)
        self._rows_most = rows_most
        self._seq = 0
        self._lock = threading.Lock()
        if path:
            # It holds badge numbers; SQLite gives its companion files the same mode.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        # NORMAL would let a power cut take the last messages; FULL waits for the disk at each one.
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(_SCHEMA)
        self._waiting = int(self._database.execute("SELECT count(*) FROM message").fetchone()[0])

    def add(self, leaf: str, data: dict[str, Any], at: str, uptime_s: float) -> int:
        """Number the message, keep it and return its number.

        Raises:
            OutboxFull: nothing was kept. A number that is never sent would block all later ones at the
                server, hence the newest message is refused rather than the oldest dropped.
            ValueError: the data is larger than the server accepts, or is not JSON.
        """
        text = json.dumps(data, allow_nan=False)
        if len(text) > DATA_MOST_BYTES:
            raise ValueError(f"A message of {len(text)} bytes is larger than {DATA_MOST_BYTES}.")
        with self._lock:
            if self._waiting >= self._rows_most:
                raise OutboxFull(f"{self._waiting} messages wait for the lab.")
            seq = self._seq + 1
            try:
                self._database.execute(
                    "INSERT INTO message (boot, seq, leaf, at, uptime_s, data) VALUES (?, ?, ?, ?, ?, ?)",
                    (self.boot, seq, leaf, at, uptime_s, text),
                )
            except sqlite3.OperationalError as error:
                raise OutboxFull(f"The disk keeps nothing more: {error}.") from error
            self._seq = seq
            self._waiting += 1
        return seq

    def pending(self, *, after: int = 0, limit: int | None = None) -> list[Pending]:
        """What waits, oldest first, beyond the position `after`."""
        with self._lock:
            rows = self._database.execute(
                "SELECT id, boot, seq, leaf, at, uptime_s, data FROM message WHERE id > ? ORDER BY id LIMIT ?",
                (after, -1 if limit is None else limit),
            ).fetchall()
        return [Pending(*row) for row in rows]

    def forget(self, boot: str, seq: int) -> int:
        """Drop everything of this boot up to and with `seq`; how many messages that were."""
        with self._lock:
            found = self._database.execute("DELETE FROM message WHERE boot = ? AND seq <= ?", (boot, seq))
            self._waiting -= found.rowcount
        return found.rowcount

    def waiting(self, *, up_to: int | None = None) -> int:
        """How many messages wait, all or up to a position."""
        if up_to is None:
            return self._waiting
        with self._lock:
            row = self._database.execute("SELECT count(*) FROM message WHERE id <= ?", (up_to,)).fetchone()
        return int(row[0])

    def close(self) -> None:
        with self._lock:
            self._database.close()

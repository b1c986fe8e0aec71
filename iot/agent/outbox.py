"""What was measured but is not yet known to be safe at the lab: a numbered queue on disk."""

import json
import logging
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .database import opened, set_aside

log = logging.getLogger("fablab-agent")

# The server reads at most 64 KiB; the envelope around the data needs less than 1 KiB.
DATA_MOST_BYTES = 60 * 1024
ROWS_MOST = 500_000
# What happened is kept when there is no room for readings any more.
EVENT_ROWS_MORE = 100_000
BYTES_MOST = 64 * 1024 * 1024
# Thinned well below the limit, so that not every message thins anew.
THIN_TO = 0.75
THIN_ROWS = 500
# A reading that says nothing but keeps its number: a hole would hold up all later messages.
NO_VALUES = '{"samples": [{"age_ms": 0}]}'

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


_SIZE = "SELECT count(*), coalesce(sum(length(data)), 0) FROM message"


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

    Beyond `bytes_most` the oldest readings are thinned, first to one sample each, then to none; beyond `rows_most`
    new readings are refused. Nothing else is thinned or dropped.
    """

    def __init__(self, path: Path | None, *, rows_most: int = ROWS_MOST, bytes_most: int = BYTES_MOST) -> None:
        self.boot = secrets.token_hex(8)
        self.thinned = 0
        self._rows_most = rows_most
        self._bytes_most = bytes_most
        self._seq = 0
        self._lock = threading.Lock()
        self._is_stuck_logged = False
        try:
            self._database = opened(path, _SCHEMA)
            found = self._database.execute(_SIZE).fetchone()
        except sqlite3.DatabaseError as error:
            if path is None or isinstance(error, sqlite3.OperationalError):
                raise
            # A card that lost a page in a power cut: a machine that reports from now on is worth more than none.
            log.error("The outbox %s cannot be read and is set aside as %s: %s", path, set_aside(path), error)
            self._database = opened(path, _SCHEMA)
            found = self._database.execute(_SIZE).fetchone()
        self._waiting, self._bytes = int(found[0]), int(found[1])

    def add(self, leaf: str, data: dict[str, Any], at: str, uptime_s: float) -> int:
        """Number the message, keep it and return its number.

        Raises:
            OutboxFull: nothing was kept. A number that is never sent would block all later ones at the
                server, hence the newest reading is refused rather than the oldest dropped.
            ValueError: the data is larger than the server accepts, or is not JSON.
        """
        text = json.dumps(data, allow_nan=False)
        if len(text) > DATA_MOST_BYTES:
            raise ValueError(f"A message of {len(text)} bytes is larger than {DATA_MOST_BYTES}.")
        with self._lock:
            if self._waiting >= self._rows_most + (0 if leaf == "reading" else EVENT_ROWS_MORE):
                raise OutboxFull(f"{self._waiting} messages wait for the lab.")
            seq = self._seq + 1
            try:
                self._make_room(len(text))
                if leaf == "reading" and self._bytes + len(text) > self._bytes_most:
                    raise OutboxFull(f"{self._bytes} bytes wait for the lab.")
                self._database.execute(
                    "INSERT INTO message (boot, seq, leaf, at, uptime_s, data) VALUES (?, ?, ?, ?, ?, ?)",
                    (self.boot, seq, leaf, at, uptime_s, text),
                )
            except sqlite3.OperationalError as error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise OutboxFull(f"The disk keeps nothing more: {error}.") from error
            self._seq = seq
            self._waiting += 1
            self._bytes += len(text)
        return seq

    def pending(self, *, after: int = 0, limit: int | None = None) -> list[Pending]:
        """What waits, oldest first, beyond the position `after`."""
        return self._read("", after, limit)

    def pending_of_oldest_run(self, *, after: int = 0, limit: int | None = None) -> list[Pending]:
        """As `pending`, but nothing of a later run while something of an earlier one waits.

        The lab orders messages by their numbers, which begin anew with each run: what it has missed of the earlier
        run it would take for what came after the later one.
        """
        return self._read("AND boot = (SELECT boot FROM message ORDER BY id LIMIT 1)", after, limit)

    def _read(self, condition: str, after: int, limit: int | None) -> list[Pending]:
        columns = "id, boot, seq, leaf, at, uptime_s, data"
        with self._lock:
            rows = self._database.execute(
                f"SELECT {columns} FROM message WHERE id > ? {condition} ORDER BY id LIMIT ?",  # noqa: S608 (ours)
                (after, -1 if limit is None else limit),
            ).fetchall()
        return [Pending(*row) for row in rows]

    def forget(self, boot: str, seq: int) -> int:
        """Drop everything of this boot up to and with `seq`; how many messages that were.

        None on a disk that takes nothing: they are sent again, and acknowledged again.
        """
        with self._lock:
            try:
                dropped = self._database.execute(
                    "DELETE FROM message WHERE boot = ? AND seq <= ? RETURNING length(data)", (boot, seq)
                ).fetchall()
            except sqlite3.OperationalError as error:
                if not self._is_stuck_logged:
                    log.error("What the lab has cannot be taken out of the outbox: %s", error)
                self._is_stuck_logged = True
                return 0
            self._is_stuck_logged = False
            self._waiting -= len(dropped)
            self._bytes -= sum(row[0] for row in dropped)
        return len(dropped)

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

    def _make_room(self, wanted_bytes: int) -> None:
        if self._bytes + wanted_bytes <= self._bytes_most:
            return
        for thinner in (_last_sample, _no_values):
            after = 0
            while self._bytes + wanted_bytes > self._bytes_most * THIN_TO:
                rows = self._database.execute(
                    "SELECT id, data FROM message WHERE leaf = 'reading' AND id > ? ORDER BY id LIMIT ?",
                    (after, THIN_ROWS),
                ).fetchall()
                if not rows:
                    break
                after = rows[-1][0]
                self._thin([(position, text, thinner(text)) for position, text in rows])

    def _thin(self, rows: list[tuple[int, str, str]]) -> None:
        shorter = [(after, position, len(before)) for position, before, after in rows if len(after) < len(before)]
        self._database.execute("BEGIN")
        self._database.executemany(
            "UPDATE message SET data = ? WHERE id = ?", [(text, position) for text, position, _ in shorter]
        )
        self._database.execute("COMMIT")
        self._bytes -= sum(before - len(text) for text, _, before in shorter)
        self.thinned += len(shorter)


def _last_sample(text: str) -> str:
    """The newest of a reading's samples."""
    return json.dumps({"samples": json.loads(text)["samples"][-1:]})


def _no_values(_text: str) -> str:
    return NO_VALUES

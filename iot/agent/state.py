"""What must outlive a restart of the agent: the roster's key, settings from the lab, orders done, a running session."""

import json
import logging
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .database import opened

log = logging.getLogger("fablab-agent")

COMMANDS_MOST = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS command (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    answer TEXT,
    is_told INTEGER NOT NULL DEFAULT 0
);
"""


_KEEP = "INSERT INTO kept (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class StateLost(Exception):
    """The memory of this device is damaged; the text says what to do."""


@dataclass(frozen=True)
class Remembered:
    """An order that was begun. Without an answer the agent was cut off in the middle of it."""

    command_id: str
    answer: dict[str, Any] | None


class State:
    """A small database beside the settings, readable by this account only; in memory without a path.

    Safe from several threads. What was written survives `kill -9` and a power cut.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        try:
            self._database = opened(path, _SCHEMA)
        except sqlite3.DatabaseError as error:
            # Not begun anew by itself: it may have said that the machine is locked out.
            raise StateLost(f"{path} cannot be read ({error}). Remove it and enrol this device again.") from error

    def get(self, name: str) -> dict[str, Any]:
        """What was kept under this name; empty when nothing was, or when it cannot be read."""
        with self._lock:
            row = self._database.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
        found = json.loads(row[0]) if row else {}
        return found if isinstance(found, dict) else {}

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        """A full disk is logged and no more, here and in `drop`: a machine that runs must not stop for it."""
        self._write(_KEEP, (name, json.dumps(value)))

    def drop(self, name: str) -> None:
        self._write("DELETE FROM kept WHERE name = ?", (name,))

    def enrolled(self, roster_key: str) -> None:
        """A new enrolment: the key of its roster, and nothing of what the earlier one was told."""
        with self._lock:
            self._database.execute("BEGIN")
            self._database.execute("DELETE FROM kept WHERE name IN ('roster', 'settings', 'session', 'offered')")
            self._database.execute(_KEEP, ("enrolment", json.dumps({"roster_key": roster_key})))
            self._database.execute("COMMIT")

    def remembered(self, command_id: str) -> Remembered | None:
        with self._lock:
            row = self._database.execute("SELECT id, answer FROM command WHERE id = ?", (command_id,)).fetchone()
        return _remembered(row) if row else None

    def begin_command(self, command_id: str) -> None:
        """Written before the order is carried out: one that was cut off is never begun again.

        Raises:
            sqlite3.OperationalError: it could not be written.
        """
        with self._lock:
            self._database.execute("INSERT OR IGNORE INTO command (id) VALUES (?)", (command_id,))
            self._database.execute(
                "DELETE FROM command WHERE position <= (SELECT max(position) FROM command) - ?", (COMMANDS_MOST,)
            )

    def end_command(self, command_id: str, answer: Mapping[str, Any]) -> None:
        self._write("UPDATE command SET answer = ? WHERE id = ?", (json.dumps(answer), command_id))

    def command_told(self, command_id: str) -> None:
        """Its answer is in the outbox."""
        self._write("UPDATE command SET is_told = 1 WHERE id = ?", (command_id,))

    def untold_commands(self) -> list[Remembered]:
        """Orders whose answer did not reach the outbox before the agent was cut off, oldest first."""
        with self._lock:
            rows = self._database.execute("SELECT id, answer FROM command WHERE is_told = 0 ORDER BY position")
            return [_remembered(row) for row in rows.fetchall()]

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _write(self, statement: str, values: tuple[str, ...]) -> None:
        try:
            with self._lock:
                self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            log.error("What must outlive a restart could not be written down: %s", error)


def _remembered(row: tuple[str, str | None]) -> Remembered:
    return Remembered(row[0], json.loads(row[1]) if row[1] else None)

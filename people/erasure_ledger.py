"""Who was erased, by reference only, in a file of its own: a backup restored later brings them back, this does not.

`fablab.backup` copies it with each backup and merges the copies when it restores.
"""

import datetime as dt
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)
NAME = "erasures.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    reference: str
    erased_at: dt.datetime


def ledger_path() -> Path:
    return Path(settings.DATA_DIR) / NAME


def append(entry: Entry) -> None:
    """Add a line and wait until the disk has it.

    Raises:
        OSError: the file cannot be written.
    """
    path = ledger_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"reference": entry.reference, "erased_at": entry.erased_at.isoformat()}) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def entries() -> list[Entry]:
    """All lines, oldest first; one that a power cut broke is passed over with a warning."""
    try:
        lines = ledger_path().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            found.append(Entry(str(row["reference"]), dt.datetime.fromisoformat(row["erased_at"])))
        except (ValueError, KeyError, TypeError):
            log.warning("Line %d of %s cannot be read.", number, NAME)
    return found

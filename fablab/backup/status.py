"""How the backups fare, in a small file beside them that survives the database."""

import datetime as dt
import os
from pathlib import Path

import msgspec

from fablab.backup.places import backup_dir

FILE = "status.json"


class BackupStatus(msgspec.Struct, frozen=True):
    """`error` is why the latest attempt failed, empty when it did not. `last_at` is of the last that succeeded.

    `restore_test` says how the last restore test was done: "restored" into a database of its own, or only "read".
    """

    last_at: dt.datetime | None = None
    size_bytes: int = 0
    path: str = ""
    error: str = ""
    attempted_at: dt.datetime | None = None
    restore_tested_at: dt.datetime | None = None
    restore_test: str = ""
    restore_error: str = ""


def backup_status(folder: Path | None = None) -> BackupStatus:
    """The status as last written; an empty one when there is none or it cannot be read. Never raises."""
    try:
        return msgspec.json.decode(((folder or backup_dir()) / FILE).read_bytes(), type=BackupStatus)
    except (OSError, msgspec.DecodeError):
        return BackupStatus()


def note_status(folder: Path, **changes: object) -> BackupStatus:
    """Change some of it, in place at once.

    Raises:
        OSError: the folder cannot be written.
    """
    status = msgspec.structs.replace(backup_status(folder), **changes)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{FILE}.{os.getpid()}"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(status), indent=1))
    draft.replace(folder / FILE)
    return status

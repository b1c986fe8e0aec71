"""Makes a backup: one archive, whole or not there at all."""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings

from fablab.backup import key_swap, ledger, places, rotation
from fablab.backup.archive import Say, write_archive
from fablab.backup.errors import BackupFailed
from fablab.backup.manifest import Manifest
from fablab.backup.room import require_room
from fablab.backup.sealing import require_good_passphrase
from fablab.backup.status import note_status
from fablab.up.errors import CannotStart, FolderInUse
from fablab.up.locks import FolderLock

KEYS_STAY = (
    "  This archive is open: anybody who gets it can read it, and the keys in {file} are not in it. "
    "Keep a copy of that file elsewhere, or set FABLAB_BACKUP_PASSPHRASE."
)


@dataclass(frozen=True, slots=True)
class Backup:
    """An archive that has just been made."""

    path: Path
    size_bytes: int
    manifest: Manifest


def make_backup(*, folder: Path | None = None, now: dt.datetime, say: Say, is_clearing_up: bool = True) -> Backup:
    """Archive database and files into the folder (None: the usual one).

    Side effects in order: the folder's lock; what a killed backup left behind goes; room is asked for; the archive
    under a draft name, on disk; its name; a copy of the list of erasures beside it; archives that are past their time
    go; the status.

    Raises:
        BackupFailed: nothing was made; the reason is noted in the status, too.
    """
    target = folder or places.backup_dir()
    try:
        with _held(target):
            key_swap.finish(is_alone=False)
            backup = _made(target, places.passphrase(), now, say)
            ledger.merge_into(target / ledger.NAME, ledger.read_lines(ledger.ledger_path()))
            if is_clearing_up:
                _clear_up(target, say)
            note_status(
                target,
                last_at=backup.manifest.created_at,
                size_bytes=backup.size_bytes,
                path=str(backup.path),
                error="",
                attempted_at=now,
            )
    except (OSError, ValueError, psycopg.Error) as error:
        raise _failed(target, now, _reason(error)) from error
    except BackupFailed as error:
        raise _failed(target, now, str(error)) from None
    return backup


def _failed(target: Path, now: dt.datetime, reason: str) -> BackupFailed:
    try:
        note_status(target, error=reason, attempted_at=now)
    except OSError as error:
        return BackupFailed(f"{reason} Nor can {target} be written ({error.strerror}).")
    return BackupFailed(reason)


def _reason(error: Exception) -> str:
    if isinstance(error, psycopg.OperationalError):
        first = (str(error).strip() or type(error).__name__).split("\n")[0]
        return f"The database does not answer ({first}). Start the lab, or correct DATABASE_URL."
    if isinstance(error, OSError):
        where = f" at {error.filename}" if error.filename else ""
        return f"The backup could not be written ({error.strerror}{where}). Make room, or choose another folder."
    return f"The backup could not be made: {error}."


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One backup at a time in one folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FolderLock(folder / ".backup.lock", "Another backup is under way (process {pid}). Wait until it has ended.")
    try:
        lock.take()
    except FolderInUse as error:
        raise BackupFailed(str(error)) from error
    except CannotStart as error:
        raise BackupFailed(
            f"The folder {folder} cannot be written. Choose another, with --to or FABLAB_BACKUP_DIR."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _made(folder: Path, passphrase: str, now: dt.datetime, say: Say) -> Backup:
    if passphrase:
        require_good_passphrase(passphrase)
    for left_behind in places.drafts(folder):
        left_behind.unlink()
    last = next(iter(places.archives(folder)), None)
    require_room(folder, last.path.stat().st_size if last else 0, "The backup")
    final = places.archive_path(folder, now, is_sealed=bool(passphrase))
    draft = places.draft_path(final)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            manifest = write_archive(stream, passphrase=passphrase, now=now, say=say)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(final)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(folder)
    if not manifest.has_secrets and manifest.field_key_marks:
        say(KEYS_STAY.format(file=Path(settings.DATA_DIR) / "secrets.json"))
    return Backup(final, final.stat().st_size, manifest)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear_up(folder: Path, say: Say) -> None:
    found = places.archives(folder)
    stay = rotation.kept([archive.made_at for archive in found], ZoneInfo(settings.TIME_ZONE))
    for archive in found:
        if archive.made_at not in stay:
            archive.path.unlink()
            say(f"  removed {archive.path.name}: newer ones stand for its day, week and month")

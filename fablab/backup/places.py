"""Where archives lie, what they are called, and the passphrase that closes them."""

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from fablab.lib import env

NAME = re.compile(r"fablab-(\d{8}T\d{6}Z)\.tar(\.sealed)?")
DRAFT = re.compile(r"\.fablab-\d{8}T\d{6}Z\.tar(\.sealed)?\.part")
STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive in the backup folder."""

    path: Path
    made_at: dt.datetime


def backup_dir() -> Path:
    """FABLAB_BACKUP_DIR, else `backups/` in the data folder."""
    return env.path("FABLAB_BACKUP_DIR", Path(settings.DATA_DIR) / "backups")


def passphrase() -> str:
    """What closes the archives; empty: they stay open."""
    return env.text("FABLAB_BACKUP_PASSPHRASE")


def is_nightly() -> bool:
    """Whether the worker makes a backup each night."""
    return env.flag("FABLAB_BACKUP_NIGHTLY", default=True)


def archive_path(folder: Path, made_at: dt.datetime, *, is_sealed: bool) -> Path:
    """A name that is still free: the second of `made_at`, or the next one that is."""
    while True:
        stamp = made_at.astimezone(dt.UTC).strftime(STAMP)
        names = [folder / f"fablab-{stamp}.tar", folder / f"fablab-{stamp}.tar.sealed"]
        if not any(path.exists() for path in names):
            return names[is_sealed]
        made_at += dt.timedelta(seconds=1)


def draft_path(archive: Path) -> Path:
    """What the archive is called until it is whole."""
    return archive.with_name(f".{archive.name}.part")


def archives(folder: Path) -> list[Archive]:
    """Our archives in that folder, newest first; other files are not ours."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = NAME.fullmatch(path.name)
        if match and path.is_file():
            found.append(Archive(path, dt.datetime.strptime(match[1], STAMP).replace(tzinfo=dt.UTC)))
    return sorted(found, key=lambda archive: archive.made_at, reverse=True)


def drafts(folder: Path) -> list[Path]:
    """What a killed backup left behind."""
    return [path for path in folder.iterdir() if DRAFT.fullmatch(path.name)] if folder.is_dir() else []

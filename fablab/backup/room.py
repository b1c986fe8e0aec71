"""Room on the disk, asked for before a copy is begun: a disk that runs full stops the lab, not the backup alone."""

import shutil
from pathlib import Path

from fablab.backup.errors import BackupFailed

# For what the lab itself writes meanwhile, its database's journal included.
RESERVE_BYTES = 500 * 10**6


def require_room(folder: Path, needed_bytes: int, what: str) -> None:
    """`what` is to be written there, as a sentence begins with it.

    Raises:
        BackupFailed: it would fill the disk; nothing was written.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes >= needed_bytes + RESERVE_BYTES:
        return
    raise BackupFailed(
        f"{what} needs about {_gb(needed_bytes)} GB in {folder} and {_gb(RESERVE_BYTES)} GB to spare, and only "
        f"{_gb(free_bytes)} GB are free. Make room there, or keep the archives on another disk (FABLAB_BACKUP_DIR)."
    )


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 10**9:.1f}"

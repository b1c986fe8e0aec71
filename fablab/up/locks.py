"""A folder belongs to one process at a time; the kernel lets go of it when that process dies."""

import fcntl
import os
from pathlib import Path

from fablab.up.errors import FolderInUse, FolderNotUsable


class FolderLock:
    """A lock file held until `release` or our death; it contains the holder's process id."""

    def __init__(self, file: Path, sentence: str) -> None:
        """`sentence` is said when it is taken; `{pid}` in it becomes the holder's process id."""
        self._file = file
        self._sentence = sentence
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock; nothing when we hold it.

        Raises:
            FolderInUse: another process holds it.
            FolderNotUsable: the file cannot be written.
        """
        if self._descriptor is not None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise not_writable(self._file.parent, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise FolderInUse(self._sentence.format(pid=pid)) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def not_writable(folder: Path, error: OSError) -> FolderNotUsable:
    """The refusal for a folder that cannot be written."""
    return FolderNotUsable(
        f"The folder {folder} cannot be written ({error.strerror}). Choose another with --data-dir or FABLAB_DATA_DIR."
    )

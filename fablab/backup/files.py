"""Uploaded files: read whole, put back whole."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from django.conf import settings

from fablab.backup.errors import ArchiveUnusable
from fablab.backup.manifest import FileFacts
from fablab.backup.tape import DAMAGED, Member, TapeWriter

CHUNK_BYTES = 1024 * 1024
# Half of an upload; its row will name it differently.
DRAFT_SUFFIX = ".part"
FOLDER = "files/"


def files_root() -> Path:
    return Path(settings.MEDIA_ROOT)


def listed_files(root: Path) -> list[str]:
    """Every file below `root`, relative, sorted; drafts and links are not ours to keep."""
    found = []
    for here, folders, names in os.walk(root):
        folders.sort()
        for name in names:
            path = Path(here) / name
            if not name.endswith(DRAFT_SUFFIX) and path.is_file() and not path.is_symlink():
                found.append(path.relative_to(root).as_posix())
    return sorted(found)


def write_file(writer: TapeWriter, root: Path, path: str) -> FileFacts | None:
    """Put one file into the archive; None when it vanished since it was listed.

    Raises:
        OSError: it cannot be read.
        ValueError: it changed its size while it was read.
    """
    try:
        stream = (root / path).open("rb")
    except FileNotFoundError:
        return None
    digest = hashlib.sha256()

    def pieces(left_bytes: int) -> Iterator[bytes]:
        while left_bytes and (piece := stream.read(min(CHUNK_BYTES, left_bytes))):
            left_bytes -= len(piece)
            digest.update(piece)
            yield piece

    with stream:
        size_bytes = os.fstat(stream.fileno()).st_size
        member = writer.add(f"{FOLDER}{path}", size_bytes, pieces(size_bytes))
    return FileFacts(path, member, size_bytes, digest.hexdigest())


def put_back(member: Member, facts: FileFacts, root: Path) -> None:
    """Write one file under `root`, in place at once; one that is there already with the same content stays.

    Raises:
        ArchiveUnusable: its path leads elsewhere, or its content is not what was archived.
        OSError: it cannot be written.
    """
    final = _safe_path(root, facts.path)
    final.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft_name = tempfile.mkstemp(dir=final.parent, suffix=DRAFT_SUFFIX)
    draft, digest = Path(draft_name), hashlib.sha256()
    try:
        with os.fdopen(descriptor, "wb") as target:
            for piece in member.pieces:
                digest.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        if digest.hexdigest() != facts.sha256:
            raise ArchiveUnusable(DAMAGED.format(where=f"the file {facts.path}"))
        draft.chmod(0o644)
        draft.replace(final)
    finally:
        draft.unlink(missing_ok=True)


def _safe_path(root: Path, path: str) -> Path:
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts:
        raise ArchiveUnusable(f"The archive names a file outside the files folder ({path!r}). It was not made by us.")
    return root.joinpath(*parts)


def remove_others(root: Path, wanted: set[str]) -> int:
    """Remove what the archive does not have; returns how many files."""
    others = [path for path in listed_files(root) if path not in wanted]
    for path in others:
        (root / path).unlink(missing_ok=True)
    return len(others)

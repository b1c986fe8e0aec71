"""Uploaded files: checked, hashed, stored once."""

import datetime as dt
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from fablab.lib.denials import Denial
from people.models import Person
from printing.errors import PrintRefused
from printing.gcode_policy import check_gcode, safe_name
from printing.models import PrintFile
from printing.rules import Code
from printing.slicers import read_file_metadata

CHUNK_BYTES = 1024 * 1024


def stored_path(file: PrintFile) -> Path:
    """Where the file lies."""
    return Path(settings.MEDIA_ROOT) / file.stored_name


def thumbnail_path(file: PrintFile) -> Path:
    return stored_path(file).with_suffix(".png")


def store_file(*, stream: BinaryIO, name: str, by: Person, now: dt.datetime) -> PrintFile:
    """Keep an uploaded G-code file under its hash.

    Side effects in order: copy to a temporary file beside the store, hashing; check; read the slicer's comments;
    rename into place; insert the row.

    Raises:
        PrintRefused: too large, empty, not G-code, or with commands that must not reach a printer.
    """
    folder = Path(settings.MEDIA_ROOT) / "prints"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, draft_name = tempfile.mkstemp(dir=folder, suffix=".part")
    draft = Path(draft_name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            sha256, size_bytes = _copy(stream, target)
        denials = check_gcode(draft)
        if denials:
            raise PrintRefused(denials)
        return _keep(draft, sha256, size_bytes, name, by, now)
    finally:
        draft.unlink(missing_ok=True)


def _copy(stream: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    most_bytes = settings.UPLOAD_MAX_MB * 1024 * 1024
    digest, size_bytes = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        size_bytes += len(chunk)
        if size_bytes > most_bytes:
            raise PrintRefused([Denial(Code.TOO_LARGE, {"most_mb": settings.UPLOAD_MAX_MB})])
        digest.update(chunk)
        target.write(chunk)
    # The row that names this file survives a power cut; so must the file.
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest(), size_bytes


def _keep(draft: Path, sha256: str, size_bytes: int, name: str, by: Person, now: dt.datetime) -> PrintFile:
    metadata = read_file_metadata(draft)
    file = PrintFile(
        sha256=sha256,
        size_bytes=size_bytes,
        name=safe_name(name),
        uploaded_by=by,
        uploaded_at=now,
        slicer=f"{metadata.slicer} {metadata.slicer_version}".strip()[:60],
        estimated=metadata.estimated,
        filament_g=metadata.filament_g,
        filament_mm=metadata.filament_mm,
        filament_type=(metadata.filament_type or "")[:60],
        layer_height_mm=metadata.layer_height_mm,
        has_thumbnail=metadata.thumbnail_png is not None,
    )
    final = stored_path(file)
    final.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(draft, final)
    if metadata.thumbnail_png is not None:
        thumbnail_path(file).write_bytes(metadata.thumbnail_png)
    file.save(force_insert=True)
    return file

"""Uploaded files: checked, hashed, stored once."""

import datetime as dt
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import connection, transaction

from fablab.lib.denials import Denial
from people.models import Person
from printing.drawings import Drawing, drawing_kind, drawing_name, measured
from printing.errors import PrintRefused
from printing.gcode_policy import GcodeScan, content_denials, safe_name, scan_gcode
from printing.layers import keep_layers
from printing.models import FileKind, Printer, PrintFile
from printing.policy import ANSWERS, file_denials
from printing.rules import Code
from printing.scans import kept
from printing.slicers import SlicerMetadata, read_file_metadata
from printing.slicers.containers import FileKind as SliceKind
from printing.slicers.containers import UnreadableFile, kind_of, open_gcode, read_any

CHUNK_BYTES = 1024 * 1024
# A space of advisory locks of its own.
CONTENTS = 7_213_045
ENDINGS_SENT = {FileKind.BGCODE: ".bgcode", FileKind.GCODE_3MF: ".gcode.3mf"}


def stored_path(file: PrintFile) -> Path:
    """Where the file lies."""
    return Path(settings.MEDIA_ROOT) / file.stored_name


def thumbnail_path(file: PrintFile) -> Path:
    return stored_path(file).with_suffix(".png")


def lock_content(sha256: str) -> None:
    """Within the transaction, nobody else puts this content into its place or takes it away.

    Else somebody who gives up an equal file, and finds no other row, would remove what was just stored.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CONTENTS, int(sha256[:8], 16) - 2**31])


def store_file(
    *, stream: BinaryIO, name: str, by: Person, now: dt.datetime, printer: Printer | None = None
) -> PrintFile:
    """Keep an uploaded file under its hash.

    Side effects in order: copy to a temporary file beside the store, hashing; every line read; the slicer's comments
    read; rename into place; insert the row.

    Raises:
        PrintRefused: too large, empty, nothing that a printer takes; or, where a printer is named, what it refuses.
    """
    folder = Path(settings.MEDIA_ROOT) / "prints"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, draft_name = tempfile.mkstemp(dir=folder, suffix=".part")
    draft = Path(draft_name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            sha256, size_bytes = _copy(stream, target)
        file, picture = _known(draft, name, by, now, printer)
        file.sha256, file.size_bytes = sha256, size_bytes
        if printer is not None and (denials := file_denials(file, printer)):
            raise PrintRefused(denials)
        return _keep(draft, file, picture)
    finally:
        draft.unlink(missing_ok=True)


def _known(
    draft: Path, name: str, by: Person, now: dt.datetime, printer: Printer | None
) -> tuple[PrintFile, bytes | None]:
    """What the file is and says of itself, not yet stored, with its picture."""
    if printer is not None and printer.is_run_by_hand and (drawn := drawing_kind(name)):
        return _drawn(measured(draft, drawn), printer, name, by, now), None
    kind, metadata, scan = _read(draft)
    file = _described(metadata, name, kind, by, now)
    file.scan = kept(scan) if scan is not None else None
    return file, metadata.thumbnail_png


def _drawn(drawing: Drawing, printer: Printer, name: str, by: Person, now: dt.datetime) -> PrintFile:
    minutes = drawing.minutes(printer)
    width_mm, depth_mm = drawing.cut.size_mm
    return PrintFile(
        name=drawing_name(name, drawing.kind), kind=FileKind.DRAWING, uploaded_by=by, uploaded_at=now,
        width_mm=width_mm, depth_mm=depth_mm, cut_mm=drawing.cut.cut_mm,
        estimated=dt.timedelta(minutes=minutes) if minutes is not None else None,
    )  # fmt: skip


def _read(draft: Path) -> tuple[FileKind, SlicerMetadata, GcodeScan | None]:
    """What it is, what its slicer says of it, and what every line does; None where lines cannot be read.

    Raises:
        PrintRefused: no printer takes it.
    """
    known = kind_of(draft)
    if known is None or known is SliceKind.GCODE:
        with draft.open("rb") as content:
            scan = _checked(scan_gcode(content))
        return FileKind.GCODE, read_file_metadata(draft), scan
    try:
        known, metadata = read_any(draft)
        lines = open_gcode(draft, known)
        if lines is None:
            return FileKind(known.value), metadata, None
        with lines:
            return FileKind(known.value), metadata, _checked(scan_gcode(lines))
    except UnreadableFile as error:
        raise PrintRefused([Denial(error.code)]) from None


def _checked(scan: GcodeScan) -> GcodeScan:
    """What no printer takes is refused; what some printers may do is held against each of them."""
    if denials := [each for each in content_denials(scan) if each.code not in ANSWERS]:
        raise PrintRefused(denials)
    return scan


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


def _named(name: str, kind: FileKind) -> str:
    """A name that every printer and SD card accepts, with the ending of its kind."""
    if kind == FileKind.GCODE:
        return safe_name(name)
    ending = ENDINGS_SENT[kind]
    stem = name[: -len(ending)] if name.lower().endswith(ending) else name
    return safe_name(f"{stem}.gcode").removesuffix(".gcode") + ending


def _described(metadata: SlicerMetadata, name: str, kind: FileKind, by: Person, now: dt.datetime) -> PrintFile:
    return PrintFile(
        name=_named(name, kind),
        kind=kind,
        uploaded_by=by,
        uploaded_at=now,
        slicer=f"{metadata.slicer} {metadata.slicer_version}".strip()[:60],
        estimated=metadata.estimated,
        filament_g=metadata.filament_g,
        filament_mm=metadata.filament_mm,
        filament_type=(metadata.filament_type or "")[:60],
        layer_height_mm=metadata.layer_height_mm,
        nozzle_mm=metadata.nozzle_mm,
        printer_model=metadata.printer_model[:80],
        profile=metadata.profile[:80],
        layers=metadata.layers,
        has_thumbnail=metadata.thumbnail_png is not None,
    )


def _keep(draft: Path, file: PrintFile, thumbnail_png: bytes | None) -> PrintFile:
    final = stored_path(file)
    final.parent.mkdir(parents=True, exist_ok=True)
    with transaction.atomic():
        lock_content(file.sha256)
        shutil.move(draft, final)
        if thumbnail_png is not None:
            thumbnail_path(file).write_bytes(thumbnail_png)
        file.save(force_insert=True)
        if file.kind == FileKind.GCODE:
            keep_layers(file, final)
    return file

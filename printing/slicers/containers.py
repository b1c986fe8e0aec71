"""The three shapes in which G-code arrives, told apart by what is in the file and never by its name."""

import re
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from printing.slicers import SlicerMetadata, bgcode, read_file_metadata, zip_parts
from printing.slicers.gcode_3mf import has_plate, open_plate, read_gcode_3mf
from printing.slicers.unreadable import Unreadable, UnreadableFile

LOOKED_AT_BYTES = 64 * 1024
# Text has none; what is compressed has one in eight.
MOST_CONTROLS_SHARE = 0.01

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_GZIP = b"\x1f\x8b"


class FileKind(StrEnum):
    """What may be sent to one printer or another."""

    GCODE = "gcode"
    BGCODE = "bgcode"
    GCODE_3MF = "gcode_3mf"


def kind_of(path: Path) -> FileKind | None:
    """What this file is; None when it is nothing to print, is empty, or is an archive that cannot be opened.

    Any text counts as G-code here: whether it moves a printer is for the scan of its lines to say.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        return _kind_or_why(path)
    except UnreadableFile:
        return None


def read_any(path: Path) -> tuple[FileKind, SlicerMetadata]:
    """The file's kind and what its slicer wrote about the print. Time and memory are bounded, whatever it holds.

    Raises:
        UnreadableFile: see its codes.
        OSError: the file cannot be read.
    """
    kind = _kind_or_why(path)
    if kind is FileKind.BGCODE:
        return kind, bgcode.read_bgcode(path)
    if kind is FileKind.GCODE_3MF:
        return kind, read_gcode_3mf(path)
    return kind, read_file_metadata(path)


def open_gcode(path: Path, kind: FileKind) -> BinaryIO | None:
    """A stream of the G-code for a scan of every line; None for binary G-code, which is not unpacked here.

    The G-code of a 3MF is unpacked while it is read, 1 GB at most; reading raises UnreadableFile where it is
    damaged, at the latest at its end.

    Raises:
        UnreadableFile: the archive cannot be opened, or not one plate is in it.
        OSError: the file cannot be read.
    """
    if kind is FileKind.BGCODE:
        return None
    if kind is FileKind.GCODE_3MF:
        return open_plate(path)
    return path.open("rb")


def _kind_or_why(path: Path) -> FileKind:
    with path.open("rb") as stream:
        head = stream.read(LOOKED_AT_BYTES)
    if head.startswith(bgcode.MAGIC):
        return FileKind.BGCODE
    if head.startswith(zip_parts.SIGNATURE):
        if has_plate(path):
            return FileKind.GCODE_3MF
    elif head and not _is_binary(head):
        return FileKind.GCODE
    raise UnreadableFile(Unreadable.NOT_GCODE)


def _is_binary(head: bytes) -> bool:
    controls = len(_CONTROLS.findall(head))
    return head.startswith(_GZIP) or b"\0" in head or controls > len(head) * MOST_CONTROLS_SHARE

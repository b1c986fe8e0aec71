"""Prusa's binary G-code: the blocks of metadata before the first block of G-code.

Source: prusa3d/libbgcode, doc/specifications.md, version 1 of the format. All numbers are little-endian.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from printing.slicers import SlicerMetadata, generator_of, metadata_of
from printing.slicers.comments import add_pairs, parse_duration, single_total
from printing.slicers.heatshrink import expand
from printing.slicers.thumbnails import LARGEST_PICTURE_BYTES, as_png
from printing.slicers.unreadable import Unreadable, UnreadableFile

MAGIC = b"GCDE"
VERSION = 1
# A slicer writes four tables and about five pictures.
MOST_BLOCKS = 64
# A table of every setting of five extruders is about 100 kB, unpacked.
LARGEST_TABLE_BYTES = 512 * 1024
# A literal costs nine bits instead of eight.
LARGEST_PACKED_BYTES = LARGEST_TABLE_BYTES * 9 // 8 + 64
LARGEST_TABLES_BYTES = 1024 * 1024
LARGEST_PICTURES_BYTES = 1024 * 1024
MOST_PICTURES = 4
# Unpacked by Python code at about a megabyte a second.
LARGEST_HEATSHRINK_BYTES = 256 * 1024

_FILE_HEADER = struct.Struct("<4sIH")
_BLOCK_HEADER = struct.Struct("<HHI")
_SIZE = struct.Struct("<I")
_TABLE_PARAMETERS = struct.Struct("<H")
_PICTURE_PARAMETERS = struct.Struct("<HHH")
_INI_ENCODING = 0
_CRC32 = 1
_PAIR = re.compile(r"^([^=\n]*+)=([^\n]*+)", re.MULTILINE)
_WINDOW_BITS = {2: 11, 3: 12}


class Kind(IntEnum):
    """What a block holds."""

    FILE = 0
    GCODE = 1
    SLICER = 2
    PRINTER = 3
    PRINT = 4
    THUMBNAIL = 5


# The print's own table knows best; the settings at the end are what was asked for, not what came of it.
_ORDER = (Kind.PRINT, Kind.PRINTER, Kind.SLICER, Kind.FILE)


@dataclass(frozen=True, slots=True)
class _Block:
    kind: Kind
    compression: int
    size: int
    parameters: bytes
    data: bytes


@dataclass(slots=True)
class _Found:
    tables: dict[Kind, str] = field(default_factory=dict)
    table_bytes: int = 0
    # Width times height as claimed, and the bytes.
    pictures: list[tuple[int, bytes]] = field(default_factory=list)
    picture_bytes: int = 0


def read_bgcode(path: Path) -> SlicerMetadata:
    """The metadata of a binary G-code file; what comes after the head of its first G-code block is not read.

    At most 64 blocks, 1 MB of tables and 1 MB of pictures are read and unpacked; checksums are held against
    the data where the file has them.

    Raises:
        UnreadableFile: not this format, damaged, or tables beyond these limits.
        OSError: the file cannot be read.
    """
    found = _Found()
    with path.open("rb") as stream:
        for block in _blocks(stream):
            if block.kind is Kind.THUMBNAIL:
                _take_picture(found, block)
            else:
                _take_table(found, block)
    return _metadata(found)


def _blocks(stream: BinaryIO) -> Iterator[_Block]:
    magic, version, checksum = _FILE_HEADER.unpack(_exactly(stream, _FILE_HEADER.size))
    if magic != MAGIC:
        raise UnreadableFile(Unreadable.NOT_GCODE)
    if version != VERSION or checksum not in (0, _CRC32):
        raise UnreadableFile(Unreadable.DAMAGED)
    end = stream.seek(0, 2)
    stream.seek(_FILE_HEADER.size)
    for _ in range(MOST_BLOCKS):
        block = _next_block(stream, end, has_checksum=checksum == _CRC32)
        if block is None:
            continue
        if block.kind is Kind.GCODE:
            return
        yield block
    raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)


def _next_block(stream: BinaryIO, end: int, *, has_checksum: bool) -> _Block | None:
    """The block that begins here; None for a picture too large to look at. G-code comes without its data."""
    head = _exactly(stream, _BLOCK_HEADER.size)
    number, compression, size = _BLOCK_HEADER.unpack(head)
    if number not in list(Kind) or compression not in (0, 1, *_WINDOW_BITS):
        raise UnreadableFile(Unreadable.DAMAGED)
    packed_size = size
    if compression:
        head += _exactly(stream, _SIZE.size)
        (packed_size,) = _SIZE.unpack(head[-_SIZE.size :])
    kind = Kind(number)
    parameters_size = (_PICTURE_PARAMETERS if kind is Kind.THUMBNAIL else _TABLE_PARAMETERS).size
    rest = parameters_size + packed_size + (_SIZE.size if has_checksum else 0)
    if rest > end - stream.tell():
        raise UnreadableFile(Unreadable.DAMAGED)
    if kind is Kind.GCODE:
        return _Block(kind, compression, size, b"", b"")
    if kind is Kind.THUMBNAIL and max(size, packed_size) > LARGEST_PICTURE_BYTES:
        stream.seek(rest, 1)
        return None
    if max(size, packed_size) > LARGEST_PACKED_BYTES:
        raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)
    body = _exactly(stream, parameters_size + packed_size)
    if has_checksum and _SIZE.unpack(_exactly(stream, _SIZE.size)) != (zlib.crc32(head + body),):
        raise UnreadableFile(Unreadable.DAMAGED)
    return _Block(kind, compression, size, body[:parameters_size], body[parameters_size:])


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise UnreadableFile(Unreadable.DAMAGED)
    return data


def _take_table(found: _Found, block: _Block) -> None:
    found.table_bytes += block.size
    if block.size > LARGEST_TABLE_BYTES or found.table_bytes > LARGEST_TABLES_BYTES:
        raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)
    (encoding,) = _TABLE_PARAMETERS.unpack(block.parameters)
    data = _unpacked(block)
    # Newer slicers write a second table of settings, maybe in another encoding: nothing is known from that.
    if encoding == _INI_ENCODING:
        former = found.tables.get(block.kind, "")
        found.tables[block.kind] = f"{former}\n{data.decode('utf-8', errors='replace')}"


def _take_picture(found: _Found, block: _Block) -> None:
    found.picture_bytes += block.size
    if found.picture_bytes > LARGEST_PICTURES_BYTES:
        return
    _, width, height = _PICTURE_PARAMETERS.unpack(block.parameters)
    found.pictures.append((width * height, _unpacked(block)))


def _unpacked(block: _Block) -> bytes:
    if block.compression == 0:
        return block.data
    try:
        if block.compression in _WINDOW_BITS:
            if block.size > LARGEST_HEATSHRINK_BYTES:
                raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)
            return expand(block.data, _WINDOW_BITS[block.compression], block.size)
        # One byte more than it claims shows that it claims too little.
        data = zlib.decompressobj().decompress(block.data, block.size + 1)
    except (ValueError, zlib.error):
        raise UnreadableFile(Unreadable.DAMAGED) from None
    if len(data) != block.size:
        raise UnreadableFile(Unreadable.DAMAGED)
    return data


def _metadata(found: _Found) -> SlicerMetadata:
    pairs: dict[str, str] = {}
    for kind in _ORDER:
        add_pairs(pairs, _PAIR.finditer(found.tables.get(kind, "").replace("\r", "\n")))
    found.pictures.sort(key=lambda picture: picture[0], reverse=True)
    return metadata_of(
        # The same words stand in a comment of text G-code.
        generator=generator_of(f"; generated by {pairs.get('producer', '')}") or ("", ""),
        comments=pairs,
        estimated=parse_duration(pairs.get("estimated printing time (normal mode)", "")),
        length_mm=single_total(pairs.get("filament used [mm]", "")),
        thumbnail_png=next((png for _, data in found.pictures[:MOST_PICTURES] if (png := as_png(data))), None),
    )

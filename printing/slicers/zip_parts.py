"""The parts of a zip archive that somebody sent: found by name, unpacked under limits, checked to the last byte.

The directory is read by Python's zipfile; the parts are unpacked here, because zipfile stops where the directory
says and would not show what a printer finds behind it.
"""

import errno
import io
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from printing.slicers.unreadable import Unreadable, UnreadableFile

SIGNATURE = b"PK\x03\x04"
# A plate with its pictures has about 30 parts, a project of 36 plates some hundreds.
MOST_ENTRIES = 1000
LARGEST_DIRECTORY_BYTES = 256 * 1024
# G-code packs to a third or a tenth; deflate cannot do better than 1032 to 1.
MOST_RATIO = 200
# A small part of blanks packs better than that and harms nobody.
RATIO_FROM_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_STORED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
# What zipfile raises on directories that were cut, invented or written for something else.
_DIRECTORY_ERRORS = (
    zipfile.BadZipFile,
    ValueError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    IndexError,
)


class _BoundedFile(io.FileIO):
    """A file that refuses to be read in large pieces: zipfile asks for the whole directory at once."""

    def read(self, size: int | None = -1) -> bytes:
        # Without a number zipfile wants the end of the archive and its comment, 64 kB at most.
        wanted = LARGEST_DIRECTORY_BYTES + 1 if size is None or size < 0 else size
        data = super().read(min(wanted, LARGEST_DIRECTORY_BYTES + 1)) or b""
        if len(data) > LARGEST_DIRECTORY_BYTES:
            raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)
        return data


def directory(path: Path) -> dict[str, zipfile.ZipInfo]:
    """The parts of this archive by name.

    Raises:
        UnreadableFile: no archive, or cut short; more than 1000 parts; a name that stands there twice, so that
            another program might take the other one.
        OSError: the file cannot be read.
    """
    try:
        with _BoundedFile(path) as stream, zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
    except _DIRECTORY_ERRORS:
        raise UnreadableFile(Unreadable.DAMAGED) from None
    except OSError as error:
        # A place before the beginning of the file.
        if error.errno == errno.EINVAL:
            raise UnreadableFile(Unreadable.DAMAGED) from None
        raise
    if len(entries) > MOST_ENTRIES:
        raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)
    found = {entry.filename: entry for entry in entries}
    if len({name.casefold() for name in found}) != len(entries):
        raise UnreadableFile(Unreadable.DAMAGED)
    return found


def read_part(path: Path, entry: zipfile.ZipInfo, *, most_bytes: int) -> bytes:
    """The whole of a small part.

    Raises:
        UnreadableFile: larger than this, or damaged.
        OSError: the file cannot be read.
    """
    with open_part(path, entry, most_bytes=most_bytes) as stream:
        return stream.read()


def open_part(path: Path, entry: zipfile.ZipInfo, *, most_bytes: int) -> BinaryIO:
    """A stream of the part, unpacked 64 kB at a time.

    Reading raises UnreadableFile where the part is damaged or differs from what the directory says of it; the end
    is only reached when length and checksum are right.

    Raises:
        UnreadableFile: larger than this, packed more than 200 to 1, encrypted, or packed in another way.
        OSError: the file cannot be read.
    """
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _STORED:
        raise UnreadableFile(Unreadable.DAMAGED)
    if entry.file_size > most_bytes:
        raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)
    if entry.file_size > max(RATIO_FROM_BYTES, entry.compress_size * MOST_RATIO):
        raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)
    source = path.open("rb")
    try:
        _go_to_data(source, entry)
    except UnreadableFile:
        source.close()
        raise
    return io.BufferedReader(_Part(source, entry), CHUNK_BYTES)


def _go_to_data(source: BinaryIO, entry: zipfile.ZipInfo) -> None:
    # A made-up directory can lead anywhere, also where no file reaches.
    if not 0 <= entry.header_offset < source.seek(0, os.SEEK_END):
        raise UnreadableFile(Unreadable.DAMAGED)
    source.seek(entry.header_offset)
    head = source.read(_LOCAL_HEADER.size)
    if len(head) != _LOCAL_HEADER.size:
        raise UnreadableFile(Unreadable.DAMAGED)
    signature, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL_HEADER.unpack(head)
    name = source.read(name_size)
    # A program that goes by these headers instead of the directory finds the same part.
    same = (signature, method, name) == (SIGNATURE, entry.compress_type, _raw_name(entry))
    if not same or flags & _ENCRYPTED:
        raise UnreadableFile(Unreadable.DAMAGED)
    source.seek(extra_size, os.SEEK_CUR)


def _raw_name(entry: zipfile.ZipInfo) -> bytes:
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & 0x800 else "cp437")


class _Part(io.RawIOBase):
    def __init__(self, source: BinaryIO, entry: zipfile.ZipInfo) -> None:
        self._source = source
        self._packed_left = entry.compress_size
        self._left = entry.file_size
        self._expected_crc = entry.CRC
        self._crc = 0
        self._deflate = None if entry.compress_type == zipfile.ZIP_STORED else zlib.decompressobj(-zlib.MAX_WBITS)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._next(min(len(buffer), CHUNK_BYTES))
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        # More than the directory says, or an end that is not the end.
        if self._left < 0 or (not data and (self._left or self._crc != self._expected_crc)):
            raise UnreadableFile(Unreadable.DAMAGED)
        buffer[: len(data)] = data
        return len(data)

    def _next(self, most_bytes: int) -> bytes:
        if self._deflate is None:
            return self._packed(most_bytes)
        made = b""
        while not made and not self._deflate.eof:
            packed = self._deflate.unconsumed_tail or self._packed(CHUNK_BYTES)
            try:
                made = self._deflate.decompress(packed, most_bytes)
            except zlib.error:
                raise UnreadableFile(Unreadable.DAMAGED) from None
            # zlib may still hold bytes when it has taken everything in.
            if not packed and not made and not self._deflate.eof:
                raise UnreadableFile(Unreadable.DAMAGED)
        if self._deflate.eof and (self._deflate.unused_data or self._packed_left):
            raise UnreadableFile(Unreadable.DAMAGED)
        return made

    def _packed(self, most_bytes: int) -> bytes:
        data = self._source.read(min(most_bytes, self._packed_left))
        self._packed_left -= len(data)
        return data

    def close(self) -> None:
        self._source.close()
        super().close()

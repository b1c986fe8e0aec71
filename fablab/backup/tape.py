"""The archive as a tar that is written and read front to back, every byte of it accounted for.

Python's own `tarfile` takes a damaged header for the end of the archive. Here the last member is the manifest: its
name holds the hash of its text, and its text the hash of all that stands before it; behind it only zeros are allowed.
"""

import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from fablab.backup.errors import ArchiveUnusable

BLOCK_BYTES = 512
READ_BYTES = 256 * 1024
MANIFEST = re.compile(r"manifest-([0-9a-f]{64})\.json")
MOST_MANIFEST_BYTES = 512 * 1024 * 1024
CUT_SHORT = "The archive ends too early: it was cut short while it was written or copied. Use another copy of it."
DAMAGED = "The archive is damaged: {where} is not what was written. Use another copy of it, or an earlier backup."


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TapeWriter:
    """Writes members one after the other, then the manifest."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of everything written so far."""
        return self._digest.hexdigest()

    def add(self, name: str, size_bytes: int, pieces: Iterable[bytes]) -> str:
        """Write one member, whose pieces must make up `size_bytes`; returns the name it got.

        A name that tar's plain form cannot hold becomes a hash of it.

        Raises:
            ValueError: the pieces are of another size.
        """
        name, header = _header(name, size_bytes)
        self._put(header)
        written_bytes = 0
        for piece in pieces:
            written_bytes += len(piece)
            self._put(piece)
        if written_bytes != size_bytes:
            raise ValueError(f"{name} has {written_bytes} bytes instead of {size_bytes}")
        self._put(bytes(-size_bytes % BLOCK_BYTES))
        return name

    def finish(self, manifest: bytes) -> None:
        """Write the manifest and the end mark."""
        self.add(f"manifest-{hashlib.sha256(manifest).hexdigest()}.json", len(manifest), [manifest])
        self._put(bytes(2 * BLOCK_BYTES))

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._sink.write(data)


def _header(name: str, size_bytes: int) -> tuple[str, bytes]:
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    member.mode = 0o600
    try:
        return name, member.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
    except ValueError:
        folder = name.partition("/")[0]
        short = f"{folder}/by-hash/{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()}"
        member.name = short
        return short, member.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Member:
    """One member while it passes by; what is not read of `pieces` is skipped."""

    name: str
    size_bytes: int
    pieces: Iterator[bytes]


class TapeReader:
    """Reads members one after the other; `manifest` is there after the last one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self.manifest = b""
        self.sha256_before_manifest = ""

    def members(self) -> Iterator[Member]:
        """Every member but the manifest.

        Raises:
            ArchiveUnusable: a header is damaged, the manifest is missing or not the one that was written.
        """
        while True:
            before = self._digest.hexdigest()
            header = self._take(BLOCK_BYTES)
            try:
                info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
            except tarfile.HeaderError as error:
                raise ArchiveUnusable(DAMAGED.format(where="the head of a part")) from error
            if match := MANIFEST.fullmatch(info.name):
                # Nothing else vouches for this one head.
                if header != _header(info.name, info.size)[1]:
                    raise ArchiveUnusable(DAMAGED.format(where="its list of contents"))
                self._read_manifest(info.size, match[1])
                self.sha256_before_manifest = before
                return
            pieces = self._pieces(info.size)
            yield Member(info.name, info.size, pieces)
            for _ in pieces:
                pass
            self._take_zeros(-info.size % BLOCK_BYTES)

    def _read_manifest(self, size_bytes: int, sha256: str) -> None:
        if size_bytes > MOST_MANIFEST_BYTES:
            raise ArchiveUnusable(DAMAGED.format(where="its list of contents"))
        self.manifest = b"".join(self._pieces(size_bytes))
        if hashlib.sha256(self.manifest).hexdigest() != sha256:
            raise ArchiveUnusable(DAMAGED.format(where="its list of contents"))
        self._take_zeros(-size_bytes % BLOCK_BYTES + 2 * BLOCK_BYTES)
        if self._source.read(1):
            raise ArchiveUnusable(DAMAGED.format(where="its end"))

    def _pieces(self, size_bytes: int) -> Iterator[bytes]:
        left_bytes = size_bytes
        while left_bytes:
            piece = self._take(min(left_bytes, READ_BYTES))
            left_bytes -= len(piece)
            yield piece

    def _take(self, size_bytes: int) -> bytes:
        data = self._source.read(size_bytes)
        if len(data) != size_bytes:
            raise ArchiveUnusable(CUT_SHORT)
        self._digest.update(data)
        return data

    def _take_zeros(self, size_bytes: int) -> None:
        if any(self._take(size_bytes)):
            raise ArchiveUnusable(DAMAGED.format(where="a filling between two parts"))

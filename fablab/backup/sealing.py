"""An archive closed with a passphrase: scrypt makes the key, AES-GCM closes it chunk by chunk.

Each chunk's nonce counts, and the last one is marked, so that chunks cannot be swapped, dropped or cut off unnoticed
(the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár, 2015).
"""

import secrets
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from fablab.backup.errors import ArchiveUnusable, BackupFailed
from fablab.backup.tape import CUT_SHORT, DAMAGED, Sink, Source

MAGIC = b"FABLAB-SEALED-1\n"
SALT_BYTES = 16
PREFIX_BYTES = 7
TAG_BYTES = 16
CHUNK_BYTES = 256 * 1024
# OWASP's cheat sheet on storing passwords, 2024: N = 2^17, r = 8, p = 1; 128 MB and a third of a second.
COST_LOG2 = 17
MOST_COST_LOG2 = 20
LEAST_PASSPHRASE = 8
HEADER = struct.Struct(f">{len(MAGIC)}sB{SALT_BYTES}s{PREFIX_BYTES}s")
ORDINARY, LAST, KEY_CHECK = 0, 1, 2


def require_good_passphrase(passphrase: str) -> None:
    """Refuse one that is soon guessed.

    Raises:
        BackupFailed: it is too short.
    """
    if len(passphrase) < LEAST_PASSPHRASE:
        raise BackupFailed(
            f"FABLAB_BACKUP_PASSPHRASE has {len(passphrase)} characters: write at least {LEAST_PASSPHRASE}, "
            "such as four or five words that do not belong together."
        )


def is_sealed(beginning: bytes) -> bool:
    """Whether a file that begins so needs a passphrase."""
    return beginning.startswith(MAGIC)


class _Chunks:
    """The cipher, its header as additional data, and the number of the next chunk."""

    def __init__(self, header: bytes, passphrase: str) -> None:
        _, cost_log2, salt, self._prefix = HEADER.unpack(header)
        key = Scrypt(salt=salt, length=32, n=2**cost_log2, r=8, p=1).derive(passphrase.encode())
        self._cipher = AESGCM(key)
        self._header = header
        self._number = 0

    def _nonce(self, mark: int) -> bytes:
        return self._prefix + struct.pack(">IB", self._number, mark)

    def seal(self, plain: bytes, mark: int) -> bytes:
        sealed = self._cipher.encrypt(self._nonce(mark), plain, self._header)
        self._number += 1
        return sealed

    def open(self, sealed: bytes, mark: int) -> bytes:
        plain = self._cipher.decrypt(self._nonce(mark), sealed, self._header)
        self._number += 1
        return plain


class SealingSink:
    """Closes what is written to it; `finish` marks the end."""

    def __init__(self, sink: Sink, passphrase: str) -> None:
        header = HEADER.pack(MAGIC, COST_LOG2, secrets.token_bytes(SALT_BYTES), secrets.token_bytes(PREFIX_BYTES))
        self._sink = sink
        self._chunks = _Chunks(header, passphrase)
        self._waiting = bytearray()
        sink.write(header)
        sink.write(self._chunks.seal(b"", KEY_CHECK))

    def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:
            self._sink.write(self._chunks.seal(bytes(self._waiting[:CHUNK_BYTES]), ORDINARY))
            del self._waiting[:CHUNK_BYTES]

    def finish(self) -> None:
        self._sink.write(self._chunks.seal(bytes(self._waiting), LAST))
        self._waiting.clear()


class OpeningSource:
    """Reads what a `SealingSink` closed."""

    def __init__(self, source: Source, passphrase: str) -> None:
        """
        Raises:
            ArchiveUnusable: the passphrase is another one, or the beginning is damaged.
        """
        header = source.read(HEADER.size)
        if len(header) != HEADER.size:
            raise ArchiveUnusable(CUT_SHORT)
        if not 1 <= header[len(MAGIC)] <= MOST_COST_LOG2:
            raise ArchiveUnusable(DAMAGED.format(where="its beginning"))
        self._source = source
        self._chunks = _Chunks(header, passphrase)
        try:
            self._chunks.open(source.read(TAG_BYTES), KEY_CHECK)
        except InvalidTag:
            raise ArchiveUnusable(
                "The passphrase does not open this archive. Give the one with which it was made "
                "(FABLAB_BACKUP_PASSPHRASE or --passphrase-file)."
            ) from None
        self._next = source.read(CHUNK_BYTES + TAG_BYTES)
        self._plain = bytearray()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end.

        Raises:
            ArchiveUnusable: a chunk is damaged or the last one is missing.
        """
        while len(self._plain) < size and self._next:
            self._open_next()
        data = bytes(self._plain[:size])
        del self._plain[:size]
        return data

    def _open_next(self) -> None:
        sealed, self._next = self._next, self._source.read(CHUNK_BYTES + TAG_BYTES)
        try:
            self._plain += self._chunks.open(sealed, ORDINARY if self._next else LAST)
        except InvalidTag:
            if not self._next:
                raise ArchiveUnusable(f"{CUT_SHORT} Or its last part is damaged.") from None
            raise ArchiveUnusable(DAMAGED.format(where="a sealed part")) from None

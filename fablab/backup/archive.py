"""One archive as a whole: written from a snapshot, and read back byte by byte."""

import datetime as dt
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psycopg

from fablab.backup import keys, ledger, tables
from fablab.backup.errors import ArchiveUnusable
from fablab.backup.files import FOLDER as FILES
from fablab.backup.files import files_root, listed_files, write_file
from fablab.backup.manifest import FileFacts, Manifest, TableFacts, decoded, encoded
from fablab.backup.sealing import OpeningSource, SealingSink, is_sealed
from fablab.backup.tape import DAMAGED, Member, TapeReader, TapeWriter
from fablab.backup.version import app_version, commit

TABLES = "tables/"
# Half the time of the usual level 6, for a few hundredths more size.
LEVEL = 4
GZIP_WINDOW = 31
Say = Callable[[str], None]


def write_archive(stream: BinaryIO, *, passphrase: str, now: dt.datetime, say: Say) -> Manifest:
    """Write the whole lab into the stream, sealed when there is a passphrase.

    Order: the database's snapshot begins; files are listed; tables; files; erasures; keys (sealed only); manifest.
    A file's row is written after the file, so whatever the snapshot names was there when files were listed.

    Raises:
        psycopg.Error, OSError, ValueError: the database, the disk, or a file that changes while it is read.
    """
    sealed = SealingSink(stream, passphrase) if passphrase else None
    writer = TapeWriter(sealed or stream)
    with tables.snapshot() as connection, connection.cursor() as cursor:
        known = tables.tables(cursor)
        paths = listed_files(files_root())
        found = [_write_table(cursor, writer, table) for table in known]
        say(f"  {len(found)} tables, {sum(table.rows for table in found)} rows")
        migrations, sequences = tables.migrations(cursor), tables.sequences(cursor)
        postgres_version = connection.info.parameter_status("server_version") or ""
    written, vanished = _write_files(writer, paths)
    say(f"  {len(written)} files, {_megabytes(sum(file.size_bytes for file in written))}")
    for path in vanished:
        say(f"  vanished meanwhile: {path}")
    has_secrets = _write_extras(writer, is_sealed_archive=bool(passphrase))
    manifest = Manifest(
        created_at=now,
        app_version=app_version(),
        commit=commit(),
        postgres_version=postgres_version,
        migrations=migrations,
        tables=found,
        sequences=sequences,
        files=written,
        vanished_files=vanished,
        field_key_marks=keys.field_key_marks(),
        has_secrets=has_secrets,
        sha256_before=writer.sha256,
    )
    writer.finish(encoded(manifest))
    if sealed:
        sealed.finish()
    return manifest


def _write_table(cursor: psycopg.Cursor, writer: TapeWriter, table: tables.Table) -> TableFacts:
    numbers = iter(range(10**6))

    def keep(text: bytes) -> None:
        squeezer = zlib.compressobj(LEVEL, wbits=GZIP_WINDOW)
        packed = squeezer.compress(text) + squeezer.flush()
        writer.add(f"{TABLES}{table.name}/{next(numbers):06d}.gz", len(packed), [packed])

    return tables.read_table(cursor, table, keep)


def _write_files(writer: TapeWriter, paths: list[str]) -> tuple[list[FileFacts], list[str]]:
    written, vanished = [], []
    for path in paths:
        facts = write_file(writer, files_root(), path)
        if facts is None:
            vanished.append(path)
        else:
            written.append(facts)
    return written, vanished


def _write_extras(writer: TapeWriter, *, is_sealed_archive: bool) -> bool:
    erasures = "".join(f"{line}\n" for line in ledger.read_lines(ledger.ledger_path())).encode()
    writer.add(ledger.NAME, len(erasures), [erasures])
    if not is_sealed_archive:
        return False
    secrets = keys.travelling_secrets()
    for name, content in {keys.NAME: secrets, **keys.travelling_tls()}.items():
        if content:
            writer.add(name, len(content), [content])
    return bool(secrets)


@contextmanager
def opened(path: Path, passphrase: str) -> Iterator[TapeReader]:
    """The archive, ready to be read from its beginning.

    Raises:
        ArchiveUnusable: it is not there, needs another passphrase, or is not an archive.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ArchiveUnusable(f"{path} cannot be read ({error.strerror}). Look at the name and the folder.") from error
    with stream:
        beginning = stream.read(512)
        stream.seek(0)
        if not beginning:
            raise ArchiveUnusable(f"{path} is empty. Use another copy of it.")
        if not is_sealed(beginning):
            if beginning[257:262] != b"ustar":
                raise ArchiveUnusable(f"{path} is not a backup of a lab, or its beginning is damaged.")
            yield TapeReader(stream)
        elif passphrase:
            yield TapeReader(OpeningSource(stream, passphrase))
        else:
            raise ArchiveUnusable(
                f"{path} is sealed: give its passphrase in FABLAB_BACKUP_PASSPHRASE or with --passphrase-file."
            )


def verify(path: Path, passphrase: str) -> Manifest:
    """Read the whole archive and compare every checksum and count; nothing else is touched.

    Raises:
        ArchiveUnusable: with what is wrong and what to do.
    """
    with opened(path, passphrase) as tape:
        found: dict[str, str] = {}
        rows: dict[str, int] = {}
        digests: dict[str, hashlib._Hash] = {}
        for member in tape.members():
            if member.name.startswith(TABLES):
                name = member.name.split("/")[1]
                text = unpacked(member)
                digests.setdefault(name, hashlib.sha256()).update(text)
                rows[name] = rows.get(name, 0) + text.count(b"\n")
            else:
                found[member.name] = _sha256_of(member)
        manifest = decoded(tape.manifest)
        if tape.sha256_before_manifest != manifest.sha256_before:
            raise ArchiveUnusable(DAMAGED.format(where="a part"))
    for table in manifest.tables:
        digest = digests.get(table.name, hashlib.sha256()).hexdigest()
        if (rows.get(table.name, 0), digest) != (table.rows, table.sha256):
            raise ArchiveUnusable(DAMAGED.format(where=f"the table {table.name}"))
    for file in manifest.files:
        if found.get(file.member) != file.sha256:
            raise ArchiveUnusable(DAMAGED.format(where=f"the file {FILES}{file.path}"))
    return manifest


def unpacked(member: Member) -> bytes:
    """The rows in one piece of a table.

    Raises:
        ArchiveUnusable: it is damaged.
    """
    try:
        return zlib.decompress(b"".join(member.pieces), wbits=GZIP_WINDOW)
    except zlib.error as error:
        raise ArchiveUnusable(DAMAGED.format(where=member.name)) from error


def whole(member: Member) -> bytes:
    """The content of a small member."""
    return b"".join(member.pieces)


def _sha256_of(member: Member) -> str:
    digest = hashlib.sha256()
    for piece in member.pieces:
        digest.update(piece)
    return digest.hexdigest()


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"

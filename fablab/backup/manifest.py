"""What an archive says about itself: made while it is written, believed only after every byte was compared."""

import datetime as dt

import msgspec

from fablab.backup.errors import ArchiveUnusable

FORMAT = 1


class Partition(msgspec.Struct, frozen=True):
    """One part of a partitioned table, with its bound as PostgreSQL writes it."""

    name: str
    bound: str


class TableFacts(msgspec.Struct, frozen=True):
    """One table's rows as they were: `sha256` is of COPY's text, rows in the order of the primary key."""

    name: str
    columns: list[str]
    rows: int
    sha256: str
    partitions: list[Partition] = []


class SequenceFacts(msgspec.Struct, frozen=True):
    name: str
    last_value: int
    is_called: bool


class FileFacts(msgspec.Struct, frozen=True):
    """One file; `path` is relative to the files folder, `member` its name in the archive."""

    path: str
    member: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """All that is in an archive. `migrations` are (application, name) in the order in which they were applied."""

    created_at: dt.datetime
    app_version: str
    commit: str
    postgres_version: str
    migrations: list[tuple[str, str]]
    tables: list[TableFacts]
    sequences: list[SequenceFacts]
    files: list[FileFacts]
    vanished_files: list[str]
    field_key_marks: list[str]
    has_secrets: bool
    sha256_before: str
    format: int = FORMAT

    @property
    def row_count(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def files_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class _Head(msgspec.Struct):
    format: int


def encoded(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def decoded(text: bytes) -> Manifest:
    """
    Raises:
        ArchiveUnusable: written by a later version of the lab, or not by the lab.
    """
    try:
        if msgspec.json.decode(text, type=_Head).format > FORMAT:
            raise ArchiveUnusable("A later version of the lab made this archive: restore it with that version.")
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise ArchiveUnusable(f"The archive's list of contents cannot be read ({error}).") from error

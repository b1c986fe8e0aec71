"""Puts an archive back: all of it, or nothing."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from fablab.backup import emptying, key_swap, keys, ledger, load
from fablab.backup.archive import Say, opened, verify, whole
from fablab.backup.errors import RestoreRefused
from fablab.backup.files import FOLDER as FILES
from fablab.backup.files import files_root, put_back, remove_others
from fablab.backup.manifest import Manifest
from fablab.backup.tables import fix_form, tables
from fablab.backup.tape import Member
from fablab.up.enum_values import types_made_whole
from people.erasure import replay_erasures

LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back."""

    manifest: Manifest
    erasures_replayed: int
    are_keys_missing: bool


def restore_archive(
    *, path: Path, passphrase: str, is_replacing: bool, now: dt.datetime, say: Say, is_rehearsal: bool = False
) -> Restored:
    """Restore an archive onto the lab's database and files folder; with `is_rehearsal` the database only.

    Side effects in order: the whole archive is read and compared. Then, in one transaction: what was there goes (only
    with `is_replacing`, when something was); the schema as recorded; the rows; the files; counters; every table is
    read again and compared; the list of erasures is merged; the keys wait; migrations to this version; the erasures
    are made again. After it: the keys take their place; files that the archive does not have go. Killed at any point,
    the database is as before, or restored: then the next start takes the keys.

    Raises:
        ArchiveUnusable: the archive; nothing was touched.
        RestoreRefused: the database or the version; it is as it was.
        OSError: a folder cannot be written; the database is as it was.
    """
    say(f"Checking {path.name} …")
    manifest = verify(path, passphrase)
    say(f"  whole: {len(manifest.tables)} tables, {manifest.row_count} rows, {len(manifest.files)} files")
    try:
        with transaction.atomic(), types_made_whole():
            replayed = _replaced_everything(path, passphrase, manifest, is_replacing, is_rehearsal, now, say)
            say("Writing it for good …")
    except (psycopg.Error, DatabaseError) as error:
        raise _refusal(error) from error
    if not is_rehearsal:
        _take_keys(say)
        remove_others(files_root(), {file.path for file in manifest.files})
    are_keys_missing = bool(manifest.field_key_marks) and not set(manifest.field_key_marks) & set(
        keys.field_key_marks()
    )
    return Restored(manifest, replayed, are_keys_missing)


def _take_keys(say: Say) -> None:
    try:
        has_changed = key_swap.finish(is_alone=True)
    except OSError as error:
        say(f"  the keys could not take their place ({error.filename}: {error.strerror}): the next `make run` does it")
        return
    if has_changed:
        say("  the keys of the archive are in secrets.json; those that were there, in secrets.json.before-restore")


def holds_a_lab() -> bool:
    """Whether somebody has entered something into the database."""
    connection.ensure_connection()
    with transaction.atomic(), connection.connection.cursor() as cursor:
        return not emptying.is_another_programs(cursor) and bool(emptying.tables_with_rows(cursor))


def _replaced_everything(
    path: Path,
    passphrase: str,
    manifest: Manifest,
    is_replacing: bool,
    is_rehearsal: bool,
    now: dt.datetime,
    say: Say,
) -> int:
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        _require_room(cursor, is_replacing)
        fix_form(cursor)
        emptying.clear(cursor)
        _make_schema(cursor, manifest, say)
        extras = _Extras(path, manifest, is_rehearsal)
        say("Loading rows and files …")
        _load(cursor, path, passphrase, manifest, extras.take)
        say("Comparing every table with the archive …")
        _require_equal(cursor, manifest)
        load.end_interrupted_jobs(cursor)
        load.set_own_triggers(cursor, tables(cursor), is_on=True)
    extras.settle()
    say("Bringing it up to this version …")
    bring_up_to_date()
    if is_rehearsal:
        return 0
    replayed = replay_erasures(now=now)
    say(f"  erased again: {replayed}")
    return replayed


def _require_room(cursor: psycopg.Cursor, is_replacing: bool) -> None:
    if emptying.is_another_programs(cursor):
        raise RestoreRefused(
            f"The database {settings.DATABASES['default']['NAME']} has tables of another program. "
            "Make an empty database for the lab and name it in DATABASE_URL. Nothing was changed."
        )
    filled = emptying.tables_with_rows(cursor)
    if filled and not is_replacing:
        raise RestoreRefused(
            f"This database already holds a lab ({len(filled)} tables have rows). Restore onto an empty one, or add "
            "--replace to give up what is there for what is in the archive. Nothing was changed."
        )


def _make_schema(cursor: psycopg.Cursor, manifest: Manifest, say: Say) -> None:
    say(f"Making the tables as they were ({len(manifest.migrations)} migrations) …")
    # A reference that is looked at only at the end would forbid to change its table before.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    load.migrate_to(manifest.migrations)
    if any(table.name == load.CACHE_TABLE for table in manifest.tables):
        call_command("createcachetable", verbosity=0)
    load.make_partitions(cursor, manifest)
    load.require_same_tables(tables(cursor), manifest)


def _load(
    cursor: psycopg.Cursor, path: Path, passphrase: str, manifest: Manifest, others: Callable[[Member], None]
) -> None:
    found = tables(cursor)
    load.without_rows(cursor, found)
    load.set_own_triggers(cursor, found, is_on=False)
    # Rows that refer to each other in a circle come in one after the other.
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    with opened(path, passphrase) as tape:
        load.load_tables(cursor, tape.members(), manifest, others)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    load.set_sequences(cursor, manifest)


def _require_equal(cursor: psycopg.Cursor, manifest: Manifest) -> None:
    differing = load.differing_tables(cursor, manifest)
    if differing:
        raise RestoreRefused(
            f"What was loaded is not what the archive has, in: {', '.join(differing)}. Nothing was changed. "
            "This is our fault: keep the archive, and report it."
        )


class _Extras:
    """What is in the archive beside tables, put in its place as it passes by."""

    def __init__(self, path: Path, manifest: Manifest, is_rehearsal: bool) -> None:
        self._files = {file.member: file for file in manifest.files}
        self._beside = path.parent / ledger.NAME
        self._is_rehearsal = is_rehearsal
        self._erasures: list[str] = []
        self._secrets = b""

    def take(self, member: Member) -> None:
        if self._is_rehearsal:
            return
        if member.name == ledger.NAME:
            self._erasures = ledger.lines_of(whole(member))
        elif member.name == keys.NAME:
            self._secrets = whole(member)
        elif member.name.startswith(keys.TLS):
            keys.take_tls(member.name, whole(member))
        elif member.name.startswith(FILES):
            put_back(member, self._files[member.name], files_root())

    def settle(self) -> None:
        """Merge the lists of erasures and let the keys wait: both before the rows can be seen by anybody."""
        if self._is_rehearsal:
            return
        ledger.merge_into(ledger.ledger_path(), ledger.read_lines(self._beside), self._erasures)
        if self._secrets:
            key_swap.prepare(self._secrets)


def bring_up_to_date() -> None:
    """All migrations of this version, and the cache's table, inside the caller's transaction."""
    call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    call_command("createcachetable", verbosity=0)


def _refusal(error: Exception) -> RestoreRefused:
    cause = error.__cause__ if isinstance(error, DatabaseError) and error.__cause__ else error
    first = (str(cause).strip() or type(cause).__name__).split("\n")[0]
    if getattr(cause, "sqlstate", None) == LOCK_NOT_AVAILABLE:
        return RestoreRefused(
            "Something still works with this database. Stop the lab (web, ingest, worker), then restore again. "
            "Nothing was changed."
        )
    return RestoreRefused(f"The database refused ({first}). Nothing was changed.")

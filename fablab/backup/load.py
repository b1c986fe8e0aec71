"""Puts an archive's tables into a database of the same migrations, inside the caller's transaction."""

import re
from collections.abc import Callable, Iterable
from itertools import groupby

import psycopg
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from fablab.backup.archive import TABLES, unpacked
from fablab.backup.errors import RestoreRefused
from fablab.backup.manifest import Manifest, TableFacts
from fablab.backup.tables import Table, read_table, tables
from fablab.backup.tape import Member

BOUND = re.compile(r"DEFAULT|FOR VALUES (FROM \([^()]*\) TO|IN) \([^();]*\)|FOR VALUES WITH \([^();]*\)")
CACHE_TABLE = "django_cache"


def migrate_to(recorded: list[tuple[str, str]]) -> None:
    """Make the schema as it was when the archive was written.

    Raises:
        RestoreRefused: this version of the lab does not know one of the migrations.
    """
    executor = MigrationExecutor(connection)
    known = set(executor.loader.graph.nodes)
    unknown = [key for key in recorded if key not in known and key not in executor.loader.disk_migrations]
    if unknown:
        raise RestoreRefused(
            f"The archive is from a later version of the lab, which knows {unknown[0][0]}.{unknown[0][1]}. "
            "Fetch that version (or a newer one), then restore again. Nothing was changed."
        )
    executor.migrate([key for key in recorded if key in known])


def make_partitions(cursor: psycopg.Cursor, manifest: Manifest) -> None:
    """The parts of partitioned tables that a sweep, not a migration, had made."""
    for table in manifest.tables:
        for part in table.partitions:
            if not BOUND.fullmatch(part.bound):
                raise RestoreRefused(f"The archive gives {part.name} a bound that we do not understand: {part.bound}.")
            cursor.execute(
                sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} {}").format(
                    sql.Identifier(part.name), sql.Identifier(table.name), sql.SQL(part.bound)
                )
            )


def require_same_tables(found: list[Table], manifest: Manifest) -> None:
    """
    Raises:
        RestoreRefused: a table or its columns are not those that the migrations make here.
    """
    here = {table.name: set(table.columns) for table in found}
    for table in manifest.tables:
        if table.name not in here:
            raise RestoreRefused(
                f"The archive has the table {table.name}, which this version of the lab does not make. "
                "Restore with the version that made the archive, then update. Nothing was changed."
            )
        if here[table.name] != set(table.columns):
            raise RestoreRefused(
                f"The table {table.name} has other columns in the archive than here, though the migrations have the "
                "same names. Restore with the very version that made the archive. Nothing was changed."
            )


def without_rows(cursor: psycopg.Cursor, found: Iterable[Table]) -> None:
    """Empty what the migrations themselves have filled."""
    names = sql.SQL(", ").join(sql.Identifier(table.name) for table in found)
    cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))


def set_own_triggers(cursor: psycopg.Cursor, found: Iterable[Table], *, is_on: bool) -> None:
    """Our triggers rest while rows come in as they were; references stay checked. Needs ownership, no superuser."""
    word = sql.SQL("ENABLE" if is_on else "DISABLE")
    for table in found:
        cursor.execute(sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(sql.Identifier(table.name), word))


def load_tables(
    cursor: psycopg.Cursor, members: Iterable[Member], manifest: Manifest, others: Callable[[Member], None]
) -> None:
    """Stream every table's rows in; members that are no table's go to `others`."""
    facts = {table.name: table for table in manifest.tables}
    for name, pieces in groupby(members, _table_of):
        if name is None:
            for member in pieces:
                others(member)
        else:
            _load_table(cursor, facts[name], pieces)


def _table_of(member: Member) -> str | None:
    return member.name.split("/")[1] if member.name.startswith(TABLES) else None


def _load_table(cursor: psycopg.Cursor, facts: TableFacts, pieces: Iterable[Member]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(facts.name), sql.SQL(", ").join(map(sql.Identifier, facts.columns))
    )
    with cursor.copy(statement) as copy:
        for piece in pieces:
            copy.write(unpacked(piece))


def set_sequences(cursor: psycopg.Cursor, manifest: Manifest) -> None:
    """Counters go on where they stood."""
    for sequence in manifest.sequences:
        cursor.execute("SELECT to_regclass(quote_ident(%s))", [sequence.name])
        row = cursor.fetchone()
        if row and row[0]:
            cursor.execute(
                "SELECT setval(quote_ident(%s)::regclass, %s, %s)",
                [sequence.name, sequence.last_value, sequence.is_called],
            )


def differing_tables(cursor: psycopg.Cursor, manifest: Manifest) -> list[str]:
    """Tables whose rows, read again from the database, are not those of the archive; none is expected."""
    wanted = {table.name: (table.rows, table.sha256, table.columns) for table in manifest.tables}
    differing = []
    for table in tables(cursor):
        if table.name not in wanted:
            continue
        rows, sha256, columns = wanted[table.name]
        # In the archive's order of columns: a column that was added later stands elsewhere here.
        same_order = Table(table.name, tuple(columns), table.order, table.partitions)
        facts = read_table(cursor, same_order)
        if (facts.rows, facts.sha256) != (rows, sha256):
            differing.append(table.name)
    return differing


def end_interrupted_jobs(cursor: psycopg.Cursor) -> None:
    """Background jobs that were under way when the archive was written count as failed: nobody works on them here.

    Left as they are, they would hold their lock and keep every later run of the same sweep waiting for ever.
    """
    cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'doing'")
    cursor.execute("DELETE FROM procrastinate_workers")

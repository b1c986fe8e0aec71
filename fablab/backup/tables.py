"""What the database holds, asked from its own catalogue: so that no table is forgotten."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from fablab.backup.manifest import Partition, SequenceFacts, TableFacts

# The same rows must give the same text on every server.
FORM = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # A sort of the readings' key would otherwise go through many small files.
    "work_mem": "64MB",
}
PIECE_BYTES = 4 * 1024 * 1024
OURS = (
    "NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '{}'::regclass AND e.objid = {}.oid AND e.deptype = 'e')"
)
HERE = "quote_ident(current_schema())::regnamespace"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the columns that are written; `order` is its primary key."""

    name: str
    columns: tuple[str, ...]
    order: sql.Composable
    partitions: tuple[Partition, ...]


def connection_parameters(database: str | None = None) -> dict[str, Any]:
    """How to reach the lab's database, or another one on the same server, without Django."""
    entry = settings.DATABASES["default"]
    return {
        "dbname": database or entry["NAME"],
        "user": entry["USER"],
        "password": entry["PASSWORD"],
        "host": entry["HOST"],
        "port": entry["PORT"] or None,
        "connect_timeout": 5,
    }


@contextmanager
def snapshot() -> Iterator[psycopg.Connection]:
    """A connection that sees the database as it is at its first query, whatever others write meanwhile."""
    with psycopg.connect(**connection_parameters()) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.cursor() as cursor:
            fix_form(cursor)
        yield connection


def fix_form(cursor: psycopg.Cursor) -> None:
    """Settle how values are written, until the end of the transaction."""
    for name, value in FORM.items():
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def tables(cursor: psycopg.Cursor) -> list[Table]:
    """Every table of the lab, those first that others refer to at once; an extension's own are left out."""
    cursor.execute(
        f"SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = {HERE} AND c.relkind IN ('r', 'p')"  # noqa: S608
        f" AND NOT c.relispartition AND {OURS.format('pg_class', 'c')} ORDER BY c.relname"
    )
    names = {int(oid): str(name) for oid, name in cursor.fetchall()}
    return [_table(cursor, oid, names[oid]) for oid in _in_loading_order(cursor, list(names))]


def _in_loading_order(cursor: psycopg.Cursor, oids: list[int]) -> list[int]:
    # A deferrable reference is looked at later, so only the others fix an order: they make no circle.
    cursor.execute(
        "SELECT conrelid::bigint, confrelid::bigint FROM pg_constraint"
        " WHERE contype = 'f' AND NOT condeferrable AND conrelid <> confrelid AND conrelid = ANY(%s::oid[])",
        [oids],
    )
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(oids, ()))
    for referring, referred in cursor.fetchall():
        if referred in set(oids):
            sorter.add(referring, referred)
    return list(sorter.static_order())


def _table(cursor: psycopg.Cursor, oid: int, name: str) -> Table:
    cursor.execute(
        "SELECT a.attname, a.attcollation <> 0, array_position(i.indkey::smallint[], a.attnum) FROM pg_attribute a"
        " LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
        " WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum",
        [oid],
    )
    columns = cursor.fetchall()
    key = sorted((place, column, is_text) for column, is_text, place in columns if place is not None)
    cursor.execute(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = %s AND c.relispartition ORDER BY c.relname",
        [oid],
    )
    partitions = tuple(Partition(part, bound) for part, bound in cursor.fetchall())
    order = [_ordered(column, is_text) for _, column, is_text in key] or [_as_text(name)]
    return Table(name, tuple(column for column, _, _ in columns), sql.SQL(", ").join(order), partitions)


def _ordered(column: str, is_text: bool) -> sql.Composed:
    # Languages sort letters in their own ways; bytes sort alike everywhere.
    return sql.SQL('{} COLLATE "C"' if is_text else "{}").format(sql.Identifier(column))


def _as_text(name: str) -> sql.Composed:
    return sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(name))


def sequences(cursor: psycopg.Cursor) -> list[SequenceFacts]:
    """Where each counter stands. Counters are outside transactions: these are at least the snapshot's."""
    cursor.execute(
        f"SELECT c.relname FROM pg_class c WHERE c.relnamespace = {HERE} AND c.relkind = 'S'"  # noqa: S608
        f" AND {OURS.format('pg_class', 'c')} ORDER BY c.relname"
    )
    found = []
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name)))
        last_value, is_called = cursor.fetchone() or (1, False)
        found.append(SequenceFacts(name, last_value, is_called))
    return found


def migrations(cursor: psycopg.Cursor) -> list[tuple[str, str]]:
    """The migrations that made this schema, in the order in which they were applied."""
    cursor.execute("SELECT to_regclass('django_migrations')")
    row = cursor.fetchone()
    if row is None or row[0] is None:
        return []
    cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
    return [(app, name) for app, name in cursor.fetchall()]


def read_table(cursor: psycopg.Cursor, table: Table, keep: Callable[[bytes], object] = lambda text: None) -> TableFacts:
    """Read all rows in order; `keep` is given their text in pieces of some megabytes, cut between rows."""
    digest, rows = hashlib.sha256(), 0
    for text in _pieces(cursor, table):
        digest.update(text)
        # A line break inside a value is written as two other characters.
        rows += text.count(b"\n")
        keep(text)
    return TableFacts(table.name, list(table.columns), rows, digest.hexdigest(), list(table.partitions))


def _pieces(cursor: psycopg.Cursor, table: Table) -> Iterator[bytes]:
    statement = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, table.columns)), sql.Identifier(table.name), table.order
    )
    waiting: list[bytes] = []
    waiting_bytes = 0
    with cursor.copy(statement) as copy:
        for row in copy:
            waiting.append(bytes(row))
            waiting_bytes += len(row)
            if waiting_bytes >= PIECE_BYTES:
                yield b"".join(waiting)
                waiting, waiting_bytes = [], 0
    if waiting:
        yield b"".join(waiting)

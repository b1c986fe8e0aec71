"""Whether a database holds a lab, and clearing it, inside the caller's transaction."""

import psycopg
from psycopg import sql

from fablab.backup.tables import HERE, OURS, migrations, tables

# Filled by the program itself, before anybody has entered anything.
BOOKKEEPING = {
    "auth_permission",
    "django_cache",
    "django_content_type",
    "django_migrations",
    "django_session",
    "procrastinate_events",
    "procrastinate_jobs",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
}
# What each migrated lab has: a database with tables but without this one is somebody else's.
OF_A_LAB = "people"


def tables_with_rows(cursor: psycopg.Cursor) -> list[str]:
    """Tables in which somebody has entered something."""
    found = []
    for table in tables(cursor):
        if table.name in BOOKKEEPING:
            continue
        cursor.execute(sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(table.name)))
        row = cursor.fetchone()
        if row and row[0]:
            found.append(table.name)
    return found


def is_another_programs(cursor: psycopg.Cursor) -> bool:
    """Whether there are tables, and they are not a lab's."""
    return bool(tables(cursor)) and OF_A_LAB not in {app for app, _ in migrations(cursor)}


def clear(cursor: psycopg.Cursor) -> None:
    """Drop every view, table, counter, function and type; extensions stay."""
    for kind, query in _DROPPED.items():
        cursor.execute(query)
        for (name,) in cursor.fetchall():
            # The name comes from the catalogue, quoted by the server.
            cursor.execute(sql.SQL("DROP {} IF EXISTS {} CASCADE").format(sql.SQL(kind), sql.SQL(name)))


def _relations(kinds: str) -> str:
    return (
        f"SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = {HERE}"  # noqa: S608
        f" AND c.relkind IN ({kinds}) AND NOT c.relispartition AND {OURS.format('pg_class', 'c')}"
    )


_DROPPED = {
    "VIEW": _relations("'v'"),
    "MATERIALIZED VIEW": _relations("'m'"),
    "TABLE": _relations("'r', 'p'"),
    "SEQUENCE": _relations("'S'"),
    "ROUTINE": f"SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = {HERE}"  # noqa: S608
    f" AND {OURS.format('pg_proc', 'p')}",
    "TYPE": f"SELECT format_type(t.oid, NULL) FROM pg_type t WHERE t.typnamespace = {HERE}"  # noqa: S608
    " AND (t.typtype IN ('e', 'd', 'r')"
    " OR t.typtype = 'c' AND EXISTS (SELECT 1 FROM pg_class k WHERE k.oid = t.typrelid AND k.relkind = 'c'))"
    f" AND {OURS.format('pg_type', 't')}",
}

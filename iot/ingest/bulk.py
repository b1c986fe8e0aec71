"""Many rows written in one statement, quickly: changed by an array for each column, inserted by COPY."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Field, Model

# What psycopg writes as it stands, whatever the field.
PLAIN = frozenset({bool, int, float, str, dt.datetime, type(None)})


def update_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Write these fields of rows of one model that exist already; nothing for no rows.

    Django's `bulk_update` makes an expression for each value, which took longer than all other work of a batch.
    """
    if not rows:
        return
    meta = rows[0]._meta
    by_name = {field.name: field for field in meta.concrete_fields}
    fields = [meta.pk, *(by_name[name] for name in names)]
    quote = connection.ops.quote_name
    columns = [quote(str(field.column)) for field in fields]
    arrays = ", ".join(f"%s::{_array_type(field)}" for field in fields)
    changes = ", ".join(f"{column} = new.{column}" for column in columns[1:])
    statement = (
        f"UPDATE {quote(meta.db_table)} AS old SET {changes} "  # noqa: S608 (names of our own models)
        f"FROM unnest({arrays}) AS new ({', '.join(columns)}) WHERE old.{columns[0]} = new.{columns[0]}"
    )
    values = [[_prepared(field, getattr(row, field.attname)) for row in rows] for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _prepared(field: "Field[Any, Any]", value: Any) -> Any:
    return value if type(value) in PLAIN else field.get_db_prep_save(value, connection)


def _array_type(field: "Field[Any, Any]") -> str:
    kind = str(field.rel_db_type(connection) if field.primary_key else field.db_type(connection))
    # A cast to varchar(10) would cut a longer text without a word; as text, the column refuses it.
    return "text[]" if kind.startswith("varchar") else f"{kind}[]"


def insert_new(table: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert those that are not there yet; `types`: PostgreSQL's, by column, in the order of each row's values."""
    if not rows:
        return
    try:
        with transaction.atomic():
            _copy(table, types, rows)
    except IntegrityError:
        # Rarely is one there: then by way of a table of this connection, for COPY knows no ON CONFLICT.
        _insert_missing(table, types, rows)


def _insert_missing(table: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    staged, columns = f"{table}_staged", ", ".join(types)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {staged} AS SELECT {columns} FROM {table} WITH NO DATA"  # noqa: S608
        )
        _copy(staged, types, rows)
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged} ON CONFLICT DO NOTHING"  # noqa: S608
        )
        cursor.execute(f"TRUNCATE {staged}")


def _copy(table: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """To write ten thousand values into arrays takes as long as all other work of a batch."""
    statement = f"COPY {table} ({', '.join(types)}) FROM STDIN (FORMAT BINARY)"
    # Django wraps the errors of `execute` only.
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types(list(types.values()))
        for row in rows:
            copy.write_row(row)

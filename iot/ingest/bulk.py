"""Many rows changed in one statement, quickly: an array for each column."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Field, Model


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
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows] for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _array_type(field: "Field[Any, Any]") -> str:
    kind = str(field.rel_db_type(connection) if field.primary_key else field.db_type(connection))
    # A cast to varchar(10) would cut a longer text without a word; as text, the column refuses it.
    return "text[]" if kind.startswith("varchar") else f"{kind}[]"

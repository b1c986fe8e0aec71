"""Values added to an enumerated type by a later migration, when all migrations run in one transaction.

PostgreSQL refuses to use a value in the very transaction that added it, and migrations of libraries add one and use it
in the next. Made anew, a type can have all its values from the start; one that exists must get them beforehand.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

CREATED = re.compile(r"CREATE TYPE\s+(?P<type>\w+)\s+AS ENUM\s*\((?P<values>[^()]*)\)", re.IGNORECASE)
ADDED = re.compile(
    r"ALTER TYPE\s+(?P<type>\w+)\s+ADD VALUE\s+(?:IF NOT EXISTS\s+)?'(?P<value>[^']*)'"
    r"(?:\s+(?P<side>BEFORE|AFTER)\s+'(?P<other>[^']*)')?\s*;?",
    re.IGNORECASE,
)
VALUE = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class Addition:
    """One value and where it goes: `side` is "before", "after" or empty for the end."""

    type_name: str
    value: str
    side: str = ""
    other: str = ""


def additions(sql: str) -> list[Addition]:
    """The values that this text adds to types, in order."""
    return [
        Addition(match["type"], match["value"], (match["side"] or "").lower(), match["other"] or "")
        for match in ADDED.finditer(sql)
    ]


def additions_of(migration: Migration) -> list[Addition]:
    """The values that a migration adds."""
    texts = [getattr(operation, "sql", "") for operation in migration.operations]
    return [addition for text in texts if isinstance(text, str) for addition in additions(text)]


def with_all_values(sql: str, to_come: Iterable[Addition]) -> str:
    """The same text, its types made with the values to come, and without what would add those."""
    known = list(to_come)
    made_whole = CREATED.sub(lambda match: _created(match, known), sql)
    return ADDED.sub("", made_whole)


def _created(match: re.Match[str], to_come: list[Addition]) -> str:
    values = VALUE.findall(match["values"])
    for addition in to_come:
        if addition.type_name.lower() == match["type"].lower() and addition.value not in values:
            place = values.index(addition.other) + (addition.side == "after") if addition.side else len(values)
            values.insert(place, addition.value)
    listed = ", ".join(f"'{value}'" for value in values)
    return f"CREATE TYPE {match['type']} AS ENUM ({listed})"


def types_made_whole() -> AbstractContextManager[None]:
    """In here, migrations on an empty database make each type with all the values that any migration adds."""
    loader = MigrationLoader(connection)
    to_come: list[Addition] = []
    seen: set[tuple[str, str]] = set()
    for leaf in loader.graph.leaf_nodes():
        for key in loader.graph.forwards_plan(leaf):
            if key not in seen:
                seen.add(key)
                to_come += additions_of(loader.graph.nodes[key])

    def wrapper(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if isinstance(sql, str) and (CREATED.search(sql) or ADDED.search(sql)):
            sql = with_all_values(sql, to_come)
            if not sql.strip():
                return None
        return execute(sql, params, many, context)

    return connection.execute_wrapper(wrapper)

"""All that is kept about one person, as plain data: made from the declarations, so nothing declared is left out."""

import datetime as dt
from typing import Any

from django.db.models import Model

from fablab.lib.personal_data import PersonalData
from people.forgetting import declared, rows_of
from people.models import Person

Rows = list[dict[str, Any]]


def export_of(person: Person) -> dict[str, Rows]:
    """`{model: rows}` of everything that is about the person, as JSON holds it; tables without any are left out.

    Times are ISO 8601 in UTC; another thing or person is given by its name.
    """
    found = {}
    for model, declaration in declared():
        if not declaration.exported:
            continue
        things = rows_of(model, declaration, person).distinct().select_related(*_relations(model, declaration))
        rows = [_row(thing, declaration) for thing in things]
        if rows:
            found[model._meta.label] = rows
    return found


def counts_of(person: Person) -> dict[str, int]:
    """`{model: how many rows}` of what `export_of` gives; one query a model."""
    return {
        model._meta.label: rows_of(model, declaration, person).distinct().count()
        for model, declaration in declared()
        if declaration.exported
    }


def _relations(model: type[Model], declaration: PersonalData) -> list[str]:
    """What is given by its name, and is read with the row rather than one by one."""
    names = [name.partition(".")[0] for name in declaration.exported]
    fields = {field.name: field for field in model._meta.get_fields()}
    return [name for name in names if name in fields and fields[name].many_to_one]


def _row(thing: Model, declaration: PersonalData) -> dict[str, Any]:
    return {name: _plain(getattr(thing, name)) for name in declaration.exported}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)

"""What the declarations of personal data ask for, carried out on any model: detach, delete, count."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Field, ForeignKey, Model, Q, QuerySet

from fablab.lib.personal_data import Fate, PersonalData, foreign_declarations
from people.models import Person

# A first purge may meet millions of rows: no lock is held for longer than one batch.
BATCH = 2000
Rows = QuerySet[Any]


def declared() -> Iterator[tuple[type[Model], PersonalData]]:
    """Every model that declares personal data, with its declaration."""
    foreign = foreign_declarations()
    for model in apps.get_models():
        declaration = getattr(model, "personal_data", None) or foreign.get(model._meta.label)
        if declaration is not None:
            yield model, declaration


def person_fields(model: type[Model]) -> list[str]:
    """The fields that lead straight to a person."""
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model is Person
    ]


def rows_of(model: type[Model], declaration: PersonalData, person: Person) -> Rows:
    """The rows that are about the person."""
    rows: Rows = model._default_manager.all()
    return rows.filter(**{declaration.subject: person.pk}) if declaration.subject else rows.none()


def forget_person(person: Person) -> None:
    """Apply every declaration but the person's own: what is about them is deleted or detached, their deeds lose
    their name."""
    # What is theirs by way of another row goes first: once that one has lost them, nothing leads there any more.
    for model, declaration in sorted(declared(), key=lambda pair: "__" not in pair[1].subject):
        if model is Person:
            continue
        rows = rows_of(model, declaration, person)
        if declaration.fate == Fate.DELETED:
            rows.delete()
        elif values := _emptied(model, declaration, only_subject=True):
            rows.update(**values)
        for name in person_fields(model):
            if model._meta.get_field(name).null:
                model._default_manager.filter(**{name: person.pk}).update(**{name: None})


def past_their_time(model: type[Model], declaration: PersonalData, now: dt.datetime) -> Rows:
    """The rows whose retention is over and that still hold something; none where another sweep is responsible."""
    rows: Rows = model._default_manager.order_by()
    if not declaration.clock or not declaration.kept.is_timed:
        return rows.none()
    rows = rows.filter(**{f"{declaration.clock}__lt": declaration.kept.cutoff(now)})
    if declaration.fate == Fate.DELETED:
        return rows
    still = Q()
    for name, empty in _emptied(model, declaration).items():
        still |= Q(**{f"{name}__isnull": False}) if empty is None else ~Q(**{name: empty})
    return rows.filter(still) if still else rows.none()


def purge_model(model: type[Model], declaration: PersonalData, now: dt.datetime) -> int:
    """Delete or detach what is past its time, a batch a transaction; how many rows."""
    done, values = 0, _emptied(model, declaration)
    while keys := list(past_their_time(model, declaration, now).values_list("pk", flat=True)[:BATCH]):
        rows = model._default_manager.filter(pk__in=keys)
        with transaction.atomic():
            if declaration.fate == Fate.DELETED:
                rows.delete()
            else:
                rows.update(**values)
        done += len(keys)
    return done


def _emptied(model: type[Model], declaration: PersonalData, *, only_subject: bool = False) -> dict[str, Any]:
    """The values of a detached row, by field. On erasure others' names on the row stay."""
    names = person_fields(model)
    if only_subject:
        names = [name for name in names if name == declaration.subject]
    detached: dict[str, Any] = {name: None for name in names if model._meta.get_field(name).null}
    return detached | {name: _empty(model._meta.get_field(name)) for name in declaration.blanked}


def _empty(field: Any) -> object:
    return None if isinstance(field, Field) and field.null else ""

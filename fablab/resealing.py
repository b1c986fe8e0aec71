"""Stored secrets sealed anew with the newest key, so that an older one can be thrown away."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db.models import Field, Model, TextField

from fablab.lib.secretbox import SecretUnreadable, seal, unseal


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets were sealed anew, and where one stands that no key opens: `app.Model.field #pk`."""

    count: int
    unreadable: tuple[str, ...]


def sealed_fields() -> Iterator[tuple[type[Model], Field]]:  # type: ignore[type-arg]
    """Every column that holds a sealed text: those with "sealed" in their names."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if "sealed" in field.name and isinstance(field, TextField):
                yield model, field


def reseal_all() -> Resealed:
    """Seal every stored secret with the newest key. Safe beside an open lab: what changed meanwhile is left alone."""
    count, unreadable = 0, list[str]()
    for model, field in sealed_fields():
        rows = model._base_manager.exclude(**{field.name: ""})
        for pk, sealed in rows.values_list("pk", field.name).iterator():
            try:
                anew = seal(unseal(sealed))
            except SecretUnreadable:
                unreadable.append(f"{model._meta.label}.{field.name} #{pk}")
                continue
            count += rows.filter(pk=pk, **{field.name: sealed}).update(**{field.name: anew})
    return Resealed(count, tuple(unreadable))

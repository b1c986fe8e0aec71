"""Saving what was checked, and removing what nothing rests on: what the services of this app share."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models.deletion import ProtectedError

from machines.errors import StillUsed


def set_checked(thing: models.Model, fields: Mapping[str, Any]) -> None:
    """Set and save these fields once the whole thing has been checked.

    Raises:
        ValidationError: a field or a constraint refuses it; nothing is saved.
    """
    for name, value in fields.items():
        setattr(thing, name, value)
    thing.full_clean()
    thing.save(update_fields=list(fields))


def delete_unused(things: Sequence[models.Model], refusal: StillUsed) -> None:
    """Delete the things in this order, or none of them.

    Raises:
        StillUsed: `refusal`, when something that must be kept rests on one of them.
    """
    try:
        with transaction.atomic():
            for thing in things:
                type(thing)._default_manager.filter(pk=thing.pk).delete()
    except ProtectedError:
        raise refusal from None

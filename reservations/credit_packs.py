"""Writes of credit packs: what is handed out at once, and for how long it is good."""

import datetime as dt
from typing import Any

from django.db import transaction

from fablab.lib.changes import note_change
from people.models import Person
from reservations.models import CreditPack


@transaction.atomic
def create_pack(*, by: Person, now: dt.datetime, **fields: Any) -> CreditPack:
    """A pack to hand out; `fields` are its names, its credits and for how many days it is good.

    Raises:
        ValidationError: what was written cannot be kept.
    """
    pack = CreditPack(**fields)
    pack.full_clean()
    pack.save(force_insert=True)
    note_change("new", pack, by)
    return pack


@transaction.atomic
def update_pack(*, pack: CreditPack, by: Person, now: dt.datetime, **fields: Any) -> CreditPack:
    """Other names, credits or days; what was handed out stays as it was.

    Raises:
        ValidationError: what was written cannot be kept.
    """
    for name, value in fields.items():
        setattr(pack, name, value)
    pack.full_clean()
    pack.save(update_fields=list(fields))
    note_change("changed", pack, by)
    return pack


def archive_pack(*, pack: CreditPack, by: Person, now: dt.datetime) -> None:
    """It is no longer handed out; what was handed out holds. Twice is once."""
    if CreditPack.objects.filter(pk=pack.pk, archived_at=None).update(archived_at=now):
        note_change("archived", pack, by)


def restore_pack(*, pack: CreditPack, by: Person, now: dt.datetime) -> None:
    """It is handed out again."""
    if CreditPack.objects.filter(pk=pack.pk, archived_at__isnull=False).update(archived_at=None):
        note_change("restored", pack, by)

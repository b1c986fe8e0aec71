"""Writes of what is set for a site or for the whole installation: address, modules, texts."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction

from fablab.lib.changes import note_change
from people.lab import lab_for_change, save_lab
from people.models import Lab, Module, Person, Role, RoleGrant, Site
from people.services import create_site


@transaction.atomic
def open_site(*, by: Person, now: dt.datetime, **fields: Any) -> Site:
    """One more place. Whoever opens it is its administrator, else nobody could set it up.

    Raises:
        NotValid: what was written cannot be kept.
    """
    site = create_site(by=by, now=now, **fields)
    RoleGrant.objects.create(person=by, site=site, role=Role.ADMINISTRATOR, granted_by=by, granted_at=now)
    note_change("new", site, by)
    return site


@transaction.atomic
def update_site(*, site: Site, by: Person | None, **fields: Any) -> Site:
    """Another name, address, time zone or holidays; its short name stays, since addresses hold it.

    Raises:
        ValidationError: a value breaks a rule.
    """
    for name, value in fields.items():
        setattr(site, name, value)
    site.full_clean()
    site.save(update_fields=list(fields))
    note_change("changed", site, by)
    return site


@transaction.atomic
def set_modules(*, wanted: Collection[str], by: Person | None) -> Lab:
    """Exactly these parts of the software are on; what the others hold is kept, and shown again once they are on."""
    lab = lab_for_change()
    lab.modules_off = [module.value for module in Module if module.value not in wanted]
    note_change("modules of", lab, by)
    return save_lab(lab)


@transaction.atomic
def set_texts(*, by: Person | None, **texts: str) -> Lab:
    """The lab's name, welcome, legal notice and who answers about personal data.

    Raises:
        ValidationError: a text is too long.
    """
    lab = lab_for_change()
    for name, text in texts.items():
        setattr(lab, name, text)
    lab.full_clean()
    note_change("texts of", lab, by)
    return save_lab(lab)

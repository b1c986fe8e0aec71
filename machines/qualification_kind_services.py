"""Writes of which qualifications there are; who holds one is machines/qualification_services.py."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from machines.checked import delete_unused, set_checked
from machines.errors import StillUsed
from machines.models import Qualification, QualificationGrant
from machines.slugs import free_slug
from people.models import Person


@transaction.atomic
def create_qualification(*, name_fr: str, name_en: str, by: Person | None, **fields: Any) -> Qualification:
    """A right to use a kind of machine; `fields` say how to get it.

    Raises:
        ValidationError: a name is missing or too long.
    """
    slug = free_slug(Qualification, name_fr or name_en, otherwise="qualification")
    qualification = Qualification(slug=slug, name_fr=name_fr, name_en=name_en, **fields)
    qualification.full_clean()
    qualification.save()
    note_change("new", qualification, by)
    return qualification


@transaction.atomic
def update_qualification(*, qualification: Qualification, by: Person | None, **fields: Any) -> Qualification:
    """Other words for it; who holds it keeps it.

    Raises:
        ValidationError: a name is missing or too long.
    """
    set_checked(qualification, fields)
    note_change("changed", qualification, by)
    return qualification


def remove_qualification(*, qualification: Qualification, by: Person | None) -> None:
    """Remove a qualification that nothing asks for and nobody holds.

    Raises:
        StillUsed: categories or machines ask for it, or people hold it or held it.
    """
    counts = {
        "categories": qualification.categories.count(),
        "machines": qualification.machines.count(),
        "people": QualificationGrant.objects.filter(qualification=qualification).values("person").distinct().count(),
    }
    sentence = _(
        "It is asked for by %(categories)d categories and %(machines)d machines, and %(people)d people hold it."
    )
    delete_unused([qualification], StillUsed("qualification_is_used", sentence % counts))
    note_change("removed", qualification, by)

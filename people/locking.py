"""Locks on the rows of people: what is written about somebody waits here, and finds whether they are still there."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from people.errors import WrongState
from people.models import Person


def locked_person(pk: int) -> Person:
    """Their row as it is now, locked until the end of the transaction.

    Raises:
        WrongState: `person_is_gone`.
    """
    return locked_people([pk])[pk]


def locked_people(pks: Iterable[int]) -> dict[int, Person]:
    """The rows of several, locked by id: the one order in which anything waits for people.

    Raises:
        WrongState: `person_is_gone`, when one of them was erased, perhaps while this waited: what is written into an
            erased row no later erasure takes out again.
    """
    rows = Person.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=set(pks))
    found = {person.pk: person for person in rows.order_by("pk")}
    if any(person.erased_at is not None for person in found.values()):
        raise WrongState("person_is_gone", _("This person's file was erased a moment ago."))
    return found

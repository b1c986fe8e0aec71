"""Writes about households: people who share a home, and often an address, a telephone and an e-mail."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from people.errors import WrongState
from people.locking import locked_people, locked_person
from people.models import FileAccess, Household, Person
from people.services import note_access


def share_household(*, person: Person, other: Person, by: Person, now: dt.datetime) -> Household:
    """Put the two into one household: the one that one of them has, else a new one after the first one's name.

    Raises:
        WrongState: `own_household` for one person twice, `other_household` when they live in two already,
            `person_is_gone`.
    """
    if person.pk == other.pk:
        raise WrongState("own_household", _("Choose somebody else of the household."))
    with transaction.atomic():
        both = locked_people([person.pk, other.pk])
        one, two = both[person.pk], both[other.pk]
        if one.household_id and two.household_id and one.household_id != two.household_id:
            sentence = _("%(name)s belongs to another household. Take them out of it first, in their own file.")
            raise WrongState("other_household", sentence % {"name": two})
        household = one.household or two.household
        if household is None:
            household = Household.objects.create(name=one.last_name or one.first_name, created_at=now)
        for row in (one, two):
            if row.household_id != household.pk:
                _move(row, household, by, now)
    return household


def leave_household(*, person: Person, by: Person, now: dt.datetime) -> None:
    """Take the person out; a household of one is none, so it goes with the last but one.

    Raises:
        WrongState: `person_is_gone`.
    """
    with transaction.atomic():
        fresh = locked_person(person.pk)
        if fresh.household_id is None:
            return
        household = Household.objects.select_for_update().get(pk=fresh.household_id)
        _move(fresh, None, by, now)
        if household.members.count() <= 1:
            household.delete()


def _move(person: Person, household: Household | None, by: Person, now: dt.datetime) -> None:
    person.household = household
    person.save(update_fields=["household"])
    note_access(person=person, by=by, deed=FileAccess.Deed.CHANGED, now=now)

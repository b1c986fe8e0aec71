"""Write what was planned for some rows: a handful of statements however many rows there are."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password

from people.imports.check import name_key
from people.imports.match import CHANGED_FIELDS, Step
from people.models import FileAccess, Person, Role, RoleGrant, Site
from people.services import note_accesses


@dataclass(frozen=True, slots=True)
class Outcome:
    created: int = 0
    changed: int = 0
    unchanged: int = 0


def write_steps(steps: Sequence[Step], *, site: Site, by: Person | None, now: dt.datetime) -> Outcome:
    """Make the new people and members of the site, change the others; each change is noted in the person's file.

    Within the caller's transaction. Side effects in order: insert people; change people; insert roles; note.

    Raises:
        IntegrityError, DataError: a row breaks a rule of the database; none of them is kept then.
    """
    new = [step for step in steps if step.is_new]
    changed = [step for step in steps if step.person is not None and not step.is_unchanged]
    people = Person.objects.bulk_create(_new_person(step, by, now) for step in new)
    _change(changed)
    joining = [*people, *(step.person for step in changed if step.person and step.needs_membership)]
    RoleGrant.objects.bulk_create(
        (RoleGrant(person=p, site=site, role=Role.MEMBER, granted_by=by, granted_at=now) for p in joining),
        ignore_conflicts=True,
    )
    if by is not None:
        touched = [step.person for step in changed if step.person]
        note_accesses(people=touched, by=by, deed=FileAccess.Deed.CHANGED, now=now)
    return Outcome(len(new), len(changed), len(steps) - len(new) - len(changed))


def _new_person(step: Step, by: Person | None, now: dt.datetime) -> Person:
    fields: dict[str, Any] = {name: value for name, value in step.entry.items() if name != "row"}
    # Written past `save()`, which would compute the key that names are found by.
    return Person(
        sort_name=name_key(step.entry), password=make_password(None), joined_at=now, registered_by=by, **fields
    )


def _change(steps: Sequence[Step]) -> None:
    touched: set[str] = set()
    people = []
    for step in steps:
        if step.person is not None and step.changes:
            for name, value in step.changes.items():
                setattr(step.person, name, value)
            touched |= step.changes.keys()
            people.append(step.person)
    if people:
        Person.objects.bulk_update(people, [name for name in CHANGED_FIELDS if name in touched])

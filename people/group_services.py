"""Writes of groups, and of who is in one. The team and the members follow roles: nobody is put into them."""

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib.changes import note_change
from people.errors import NotAllowed, NotValid, WrongState, not_valid
from people.locking import locked_person
from people.models import FileAccess, GroupMembership, Person, PersonGroup
from people.permissions import is_manager
from people.ranks import check_may_undo
from people.services import note_access

OWN_KINDS = (PersonGroup.Kind.PLAN, PersonGroup.Kind.COMMUNITY)


@transaction.atomic
def create_group(
    *, kind: str, name_fr: str, name_en: str, by: Person | None, now: dt.datetime, position: int = 50
) -> PersonGroup:
    """A plan or a community, without anybody in it yet.

    Raises:
        NotValid: a name is missing, or it is a group that follows roles.
    """
    if kind not in OWN_KINDS:
        raise NotValid("kind_follows_roles", _("Choose a plan or a community."), "kind")
    group = PersonGroup(kind=kind, name_fr=name_fr.strip(), name_en=name_en.strip(), position=position)
    _check(group)
    group.save(force_insert=True)
    note_change("new", group, by)
    return group


@transaction.atomic
def update_group(*, group: PersonGroup, by: Person | None, now: dt.datetime, **fields: Any) -> PersonGroup:
    """Other names or another order. What it is stays: who is in it depends on that.

    Raises:
        NotValid: a name is missing or too long.
    """
    fields.pop("kind", None)
    for name, value in fields.items():
        setattr(group, name, value)
    _check(group)
    group.save(update_fields=list(fields))
    note_change("changed", group, by)
    return group


@transaction.atomic
def remove_group(*, group: PersonGroup, by: Person | None, now: dt.datetime) -> None:
    """Remove a group that nobody is in any more and that no rule speaks of; who was in it is forgotten.

    Raises:
        WrongState: `group_has_people`, `group_has_rules`, or `group_follows_roles`.
    """
    if group.follows_roles:
        raise WrongState("group_follows_roles", _("This group follows roles: it is always there."))
    fresh = PersonGroup.objects.select_for_update().get(pk=group.pk)
    if fresh.memberships.filter(Q(end=None) | Q(end__gte=now.date())).exists():
        raise WrongState("group_has_people", _("People are in it: take them out first, from their file."))
    rules = [relation for relation in PersonGroup._meta.related_objects if relation.related_model != GroupMembership]
    for relation in rules:
        if relation.related_model._base_manager.filter(**{relation.field.name: fresh}).exists():  # type: ignore[union-attr]
            raise WrongState("group_has_rules", _("Rules or limits speak of it: remove them first."))
    note_change("removed", group, by)
    fresh.delete()


@transaction.atomic
def add_to_group(
    *,
    person: Person,
    group: PersonGroup,
    start: dt.date,
    end: dt.date | None,
    by: Person | None,
    now: dt.datetime,
) -> GroupMembership:
    """The person is of the group from `start` to `end`, both included; without an end, until further notice.

    Side effects in order: lock the person; insert it; a note in their file.

    Raises:
        WrongState: `group_follows_roles`, `person_is_gone`.
        NotAllowed: `own_group`: nobody puts themselves into one, unless they manage.
        NotValid: it ends before it begins, or they are in it already over some of that time.
    """
    if group.follows_roles:
        raise WrongState("group_follows_roles", _("Who is in this group follows from their roles at the place."))
    if by is not None and by.pk == person.pk and not is_manager(by):
        raise NotAllowed("own_group", _("Nobody puts themselves into a group. Ask somebody of the team."))
    # Two at the desk at once: the later one waits, and is told.
    locked_person(person.pk)
    membership = GroupMembership(person=person, group=group, start=start, end=end, added_by=by)
    try:
        membership.full_clean()
    except ValidationError as error:
        raise not_valid(error, membership) from error
    others = GroupMembership.objects.filter(Q(end=None) | Q(end__gte=start), person=person, group=group)
    if (others if end is None else others.filter(start__lte=end)).exists():
        raise NotValid("membership_overlaps", _("They are in this group over some of that time already."), "start")
    membership.save(force_insert=True)
    _note(membership, by, now)
    return membership


@transaction.atomic
def end_membership(*, membership: GroupMembership, last_day: dt.date, by: Person | None, now: dt.datetime) -> None:
    """The person is of the group until `last_day`, included; one that had not begun by then goes.

    Raises:
        NotAllowed: `of_another_place`: the team of another place put them in.
    """
    if by is not None:
        check_may_undo(by, membership.added_by)
    _note(membership, by, now)
    if membership.start > last_day:
        membership.delete()
        return
    membership.end = last_day if membership.end is None else min(membership.end, last_day)
    membership.save(update_fields=["end"])


def _note(membership: GroupMembership, by: Person | None, now: dt.datetime) -> None:
    if by is not None and by.pk != membership.person_id:
        note_access(person=membership.person, by=by, deed=FileAccess.Deed.CHANGED, now=now)


def _check(group: PersonGroup) -> None:
    try:
        group.full_clean()
    except ValidationError as error:
        raise not_valid(error, group) from error

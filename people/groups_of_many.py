"""The groups of many people at once, on any day: see groups.py for one."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from people.models import STAFF_ROLES, GroupMembership, Person, PersonGroup, Role, RoleGrant


@dataclass(slots=True)
class GroupBook:
    """Who is in which group; roles as they are today."""

    _order: list[tuple[int, str]]
    _kinds: dict[tuple[int, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    _stays: dict[int, list[tuple[int, dt.date, dt.date | None]]] = field(default_factory=lambda: defaultdict(list))

    def ids_of(self, person: Person, *, site_id: int, day: dt.date) -> list[int]:
        """As `people.groups.group_ids_of`, without a query."""
        kinds = set(self._kinds.get((person.pk, site_id), ()))
        if person.is_superuser:
            kinds.add(PersonGroup.Kind.TEAM)
        held = self._held(person, day)
        return [pk for pk, kind in self._order if kind in kinds or pk in held]

    def is_of_team(self, person: Person, site_id: int) -> bool:
        """Whether the person is of the site's team."""
        return person.is_superuser or PersonGroup.Kind.TEAM in self._kinds.get((person.pk, site_id), ())

    def has_plan(self, person: Person, day: dt.date) -> bool:
        """As `people.groups.has_plan`, without a query."""
        held = self._held(person, day)
        return any(kind == PersonGroup.Kind.PLAN and pk in held for pk, kind in self._order)

    def _note_role(self, person_id: int, site_id: int, role: str) -> None:
        if role in STAFF_ROLES:
            self._kinds[person_id, site_id].add(PersonGroup.Kind.TEAM)
        if role == Role.MEMBER:
            self._kinds[person_id, site_id].add(PersonGroup.Kind.MEMBERS)

    def _held(self, person: Person, day: dt.date) -> set[int]:
        stays = self._stays.get(person.pk, ())
        return {pk for pk, start, end in stays if start <= day and (end is None or end >= day)}


def book_of_one(
    person: Person,
    *,
    order: Sequence[tuple[int, str]],
    roles: Iterable[tuple[int, str]],
    stays: Iterable[tuple[int, dt.date, dt.date | None]],
) -> GroupBook:
    """The same of one person, from rows read elsewhere: all groups by position, (site, role), (group, first, last)."""
    book = GroupBook(list(order))
    for site_id, role in roles:
        book._note_role(person.pk, site_id, role)
    book._stays[person.pk].extend(stays)
    return book


def group_book(people: Collection[int]) -> GroupBook:
    """The groups of these people, given by their keys. Three queries, however many they are."""
    book = GroupBook(list(PersonGroup.objects.order_by("position", "pk").values_list("pk", "kind")))
    for person, site, role in RoleGrant.objects.filter(person__in=people).values_list("person", "site", "role"):
        book._note_role(person, site, role)
    rows = GroupMembership.objects.filter(person__in=people).values_list("person", "group", "start", "end")
    for person, group, start, end in rows:
        book._stays[person].append((group, start, end))
    return book

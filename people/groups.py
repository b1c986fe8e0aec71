"""Which groups somebody is of, for the rules that differ from one to another."""

import datetime as dt

from people.models import STAFF_ROLES, GroupMembership, Person, PersonGroup, Role, Site
from people.permissions import roles_of

NAMES = {
    PersonGroup.Kind.TEAM: ("L’équipe", "The team", 0),
    PersonGroup.Kind.MEMBERS: ("Les membres", "Members", 90),
}


def group_ids_of(person: Person, *, site_id: int, day: dt.date) -> list[int]:
    """The keys of the groups that the person is of on that day at the site, the one that decides first.

    One query, and one for the roles where nobody asked for them yet.
    """
    roles = roles_of(person).get(site_id, frozenset())
    kinds = set()
    if person.is_superuser or roles & STAFF_ROLES:
        kinds.add(PersonGroup.Kind.TEAM)
    if Role.MEMBER in roles:
        kinds.add(PersonGroup.Kind.MEMBERS)
    of_person = GroupMembership.objects.on(day).filter(person=person).values("group_id")
    found = PersonGroup.objects.filter(kind__in=kinds) | PersonGroup.objects.filter(pk__in=of_person)
    return list(found.order_by("position", "pk").values_list("pk", flat=True))


def has_plan(person: Person, day: dt.date) -> bool:
    """Whether the person has taken out a plan that holds on that day. One query."""
    rows = GroupMembership.objects.on(day).filter(person=person, group__kind=PersonGroup.Kind.PLAN)
    return rows.exists()


def group_that_follows_roles(kind: str) -> PersonGroup:
    """The group of the team, or of the members: made when it is first spoken of."""
    name_fr, name_en, position = NAMES[PersonGroup.Kind(kind)]
    group, _made = PersonGroup.objects.get_or_create(
        kind=kind, defaults={"name_fr": name_fr, "name_en": name_en, "position": position}
    )
    return group


def day_at(site: Site, instant: dt.datetime) -> dt.date:
    """The local date at the site."""
    return instant.astimezone(site.zone).date()

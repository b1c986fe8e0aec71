"""Who may do what, as predicates over a person and a thing with a `site`. Times and states have rules of their own."""

from collections.abc import Iterable, Mapping
from typing import Any

import rules

from people.models import STAFF_ROLES, Person, Role
from people.models.role import MANAGER_ROLES


def roles_of(person: Person) -> Mapping[int, frozenset[str]]:
    """`{site id: roles}`; read once and kept on the person for the rest of the request."""
    known: Mapping[int, frozenset[str]] | None = getattr(person, "_roles_by_site", None)
    return keep_roles(person, person.role_grants.values_list("site_id", "role")) if known is None else known


def keep_roles(person: Person, grants: Iterable[tuple[int, str]]) -> Mapping[int, frozenset[str]]:
    """Keep what was read with the person, as (site id, role), for the rest of the request."""
    known: dict[int, frozenset[str]] = {}
    for site_id, role in grants:
        known[site_id] = known.get(site_id, frozenset()) | {role}
    person._roles_by_site = known  # type: ignore[attr-defined]
    return known


def _site_id(thing: Any) -> int | None:
    """Of a site, or of anything that knows its site."""
    if thing is None:
        return None
    site = getattr(thing, "site", thing)
    return site.pk


def staff_site_ids(person: Person) -> list[int]:
    """The keys of the sites where the person is of the team. At most one query a request."""
    return [site_id for site_id, roles in roles_of(person).items() if roles & STAFF_ROLES]


def has_role(person: Any, thing: Any, wanted: frozenset[Role]) -> bool:
    """Whether the person has one of the roles at the thing's site, or at any site when there is no thing."""
    if not getattr(person, "is_authenticated", False) or not person.is_active:
        return False
    if person.is_superuser:
        return True
    held = roles_of(person)
    if thing is None:
        return any(wanted & roles for roles in held.values())
    return bool(wanted & held.get(_site_id(thing) or 0, frozenset()))


@rules.predicate
def is_staff(person: Any, thing: Any = None) -> bool:
    return has_role(person, thing, STAFF_ROLES)


@rules.predicate
def is_manager(person: Any, thing: Any = None) -> bool:
    return has_role(person, thing, MANAGER_ROLES)


@rules.predicate
def is_administrator(person: Any, thing: Any = None) -> bool:
    return has_role(person, thing, frozenset({Role.ADMINISTRATOR}))


def is_of_team(person: Person) -> bool:
    """Whether the person has any right beyond a member's, anywhere."""
    return person.is_superuser or person.is_staff or is_staff(person)


rules.add_perm("people.welcome", is_staff)
rules.add_perm("people.manage", is_manager)
rules.add_perm("people.administrate", is_administrator)

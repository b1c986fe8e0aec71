"""Whose role goes how far: which roles may be given, and whose access may be changed."""

from collections import defaultdict
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from people.errors import NotAllowed
from people.models import MANAGER_ROLES, STAFF_ROLES, Person, Role, RoleGrant, Site, Suspension
from people.permissions import is_administrator, is_manager, is_staff
from people.selectors import is_known_beyond, managed_sites

# What each may give at their own site. Whoever works at the desk may welcome a member, and no more.
_MEMBERS = (Role.VISITOR, Role.MEMBER)
_TEAM = (Role.SUPERVISOR, Role.MEDIATOR, Role.FAB_MANAGER)


def roles_to_grant(by: Person, site: Site) -> list[Role]:
    """The roles that `by` may give and take at the site, from the lowest up."""
    if is_administrator(by, site):
        return [*_MEMBERS, *_TEAM, Role.ADMINISTRATOR]
    if is_manager(by, site):
        return [*_MEMBERS, *_TEAM]
    return list(_MEMBERS) if is_staff(by, site) else []


def may_change_access(by: Person, person: Person) -> bool:
    """Whether `by` may change how the person signs in: card, one-time code, the address to sign in with.

    Else a supervisor could become an administrator by giving them another e-mail address. So: of the team's own
    people only whoever could have given them each of their roles, at each of their sites.
    """
    if by.is_superuser:
        return True
    if person.is_superuser or person.is_staff:
        return False
    grants = person.role_grants.filter(role__in=STAFF_ROLES).select_related("site")
    return all(_is_above(by, Role(grant.role), grant.site) for grant in grants)


def may_take_data(by: Person, person: Person) -> bool:
    """Whether `by` may take away or erase all that is kept of the person: what every site keeps, at once."""
    if by.is_superuser:
        return True
    return is_manager(by) and may_change_access(by, person) and not is_known_beyond(person, managed_sites(by))


def may_undo(by: Person, doer: Person | None) -> bool:
    """Whether `by` is of the team at a site where `doer` is too; what nobody of a team did, any team undoes."""
    return may_undo_each(by, [doer])[0]


def may_undo_each(by: Person, doers: Sequence[Person | None]) -> list[bool]:
    """As `may_undo`, of each of them in their order. One query, however many they are."""
    if by.is_superuser:
        return [True] * len(doers)
    sites: dict[int, set[int]] = defaultdict(set)
    grants = RoleGrant.objects.filter(person__in={by, *filter(None, doers)}, role__in=STAFF_ROLES)
    for person_id, site_id in grants.values_list("person", "site"):
        sites[person_id].add(site_id)
    # By nobody of a team: any team may.
    by_any_team = [doer is None or doer.is_superuser or not sites[doer.pk] for doer in doers]
    return [
        is_staff(by) if is_any else doer is not None and bool(sites[by.pk] & sites[doer.pk])
        for doer, is_any in zip(doers, by_any_team, strict=True)
    ]


def is_own_suspension(by: Person, suspension: Suspension) -> bool:
    """Whether `by` is the one who may not lift it, whoever else may: the suspended themselves."""
    return by.pk == suspension.person_id and not by.is_superuser


def may_lift_suspension(by: Person, suspension: Suspension) -> bool:
    """Whether `by` may let the person reserve again: as `people.services.lift_suspension` asks."""
    return not is_own_suspension(by, suspension) and may_undo(by, suspension.suspended_by)


def check_may_undo(by: Person, doer: Person | None) -> None:
    """Whether `by` may end what `doer` decided about somebody.

    Raises:
        NotAllowed: `of_another_place`.
    """
    if not may_undo(by, doer):
        raise NotAllowed("of_another_place", _("The team of another place decided this. Ask them to end it."))


def _is_above(by: Person, role: Role, site: Site) -> bool:
    return is_administrator(by, site) if role in MANAGER_ROLES else is_manager(by, site)

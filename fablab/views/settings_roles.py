"""Settings: who is of the team at a site, and with which role."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.views.roles import for_role
from fablab.views.settings_places import site_there
from people.errors import PeopleError
from people.models import STAFF_ROLES, Person, Role, RoleGrant, Site
from people.permissions import is_manager
from people.ranks import roles_to_grant
from people.selectors import matching, people_of
from people.services import grant_role, revoke_role
from people.signed_in import signed_in

FOUND_SHOWN = 10
# What each may do, for whoever gives it.
ROLE_WORDS = {
    Role.SUPERVISOR: gettext_lazy("Helps at the machines: reserves and checks in for others."),
    Role.MEDIATOR: gettext_lazy("Welcomes at the desk: people, cards, tickets, reservations for others."),
    Role.FAB_MANAGER: gettext_lazy("Everything of this place: hours, rooms, machines, devices, people."),
    Role.ADMINISTRATOR: gettext_lazy("Also modules, texts, other places, and who is an administrator."),
}


@for_role(is_manager)
def roles(request: HttpRequest, slug: str) -> HttpResponse:
    """The team; and, looked for by name, card or e-mail, who might join it."""
    site, person = site_there(request, slug), signed_in(request)
    words = query_word(request.GET, "q").strip()[:80]
    grants = RoleGrant.objects.filter(site=site, role__in=STAFF_ROLES).select_related("person", "site")
    reachable = roles_to_grant(person, site)
    context = {
        "site": site,
        "zone": site.zone,
        "grants": sorted(grants, key=lambda grant: (grant.person.sort_name, list(Role).index(Role(grant.role)))),
        "reachable": reachable,
        "choices": [(role.value, role.label, ROLE_WORDS[role]) for role in reachable if role in STAFF_ROLES],
        "words": words,
        "found": _candidates(person, site, words, {role for role in reachable if role in STAFF_ROLES}),
    }
    return render(request, "fablab/settings/roles.html", context)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody found, with the roles they have at the site; `is_offered` when there is another one to give."""

    person: Person
    roles: list[str]
    is_offered: bool


def _candidates(by: Person, site: Site, words: str, offered: Collection[str]) -> list[Candidate]:
    """Those the words mean, by name. Two queries, none without words."""
    if not words:
        return []
    found = list(matching(people_of(by), words).order_by("sort_name")[:FOUND_SHOWN])
    grants = RoleGrant.objects.filter(site=site, role__in=STAFF_ROLES, person__in=found)
    held: dict[int, set[str]] = defaultdict(set)
    for person_id, role in grants.values_list("person", "role"):
        held[person_id].add(role)
    return [
        Candidate(
            person, [str(role.label) for role in Role if role in held[person.pk]], not held[person.pk] >= set(offered)
        )
        for person in found
    ]


@require_POST
@for_role(is_manager)
def role_grant(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the person of the form the role of the form."""
    site, by = site_there(request, slug), signed_in(request)
    person = get_object_or_404(people_of(by), reference=query_word(request.POST, "person"))
    role = query_word(request.POST, "role")
    try:
        _grant(person, site, role, by)
    except PeopleError as refused:
        messages.error(request, str(refused.sentence))
    else:
        words = {"name": person.get_full_name(), "role": Role(role).label}
        messages.success(request, _("%(name)s is now of the team: %(role)s.") % words)
    return redirect("settings-roles", site.slug)


def _grant(person: Person, site: Site, role: str, by: Person) -> None:
    if role not in STAFF_ROLES:
        raise PermissionDenied
    grant_role(person=person, site=site, role=role, by=by, now=timezone.now())


@require_POST
@for_role(is_manager)
def role_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the role away; the file and the reservations stay."""
    rows = RoleGrant.objects.select_related("site", "person").filter(role__in=STAFF_ROLES)
    grant = get_object_or_404(rows, pk=pk)
    if not is_manager(request.user, grant):
        raise PermissionDenied
    try:
        revoke_role(grant=grant, by=signed_in(request), now=timezone.now())
    except PeopleError as refused:
        messages.error(request, str(refused.sentence))
    else:
        messages.success(request, _("The role is taken away."))
    return redirect("settings-roles", grant.site.slug)

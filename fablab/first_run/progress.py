"""How far the first day has come, read from what has been answered; and whose it is to go on."""

from typing import Any

from django.conf import settings
from django.db.models import F

from fablab.first_run.steps import (
    ADMINISTRATOR,
    BY_SLUG,
    CHECK,
    HOURS,
    MACHINES,
    MODULES,
    PLACE,
    ROOMS,
    STEPS,
    TEAM,
    Step,
)
from machines.models import Machine, OpeningHours, Room
from people.lab import current_lab
from people.models import STAFF_ROLES, Person, Role, RoleGrant, Site


def has_administrator() -> bool:
    """Whether somebody has claimed the lab: the first page is closed to everybody else from then on."""
    return Person.objects.filter(is_superuser=True).exists()


def is_first_run() -> bool:
    """Whether the questions are open: nobody has finished them, and what is there was made by answering them.

    A lab made before there were such questions, or by the demo, has a first site whose administrator did not give
    themselves the role: its answers are not ours to change.
    """
    if settings.IS_DEMO or current_lab().set_up_at is not None:
        return False
    return not Site.objects.exists() or _beginning() is not None


def may_go_on(person: Any) -> bool:
    """Whether the person is the administrator who began."""
    if not getattr(person, "is_authenticated", False) or not person.is_superuser:
        return False
    beginning = _beginning()
    return beginning.person_id == person.pk if beginning else not Site.objects.exists()


def _beginning() -> RoleGrant | None:
    """The role of administrator that somebody gave themselves at the first site, as the first run does."""
    first = Site.objects.order_by("pk").values("pk")[:1]
    grants = RoleGrant.objects.filter(site__in=first, role=Role.ADMINISTRATOR, granted_by_id=F("person_id"))
    return grants.select_related("site").order_by("pk").first()


def the_site() -> Site | None:
    """The place that the questions are about."""
    beginning = _beginning()
    return beginning.site if beginning else None


def team_of(site: Site, beginner: Person) -> list[RoleGrant]:
    """The roles of the team at the site, the person who answers left out, in the order in which they were given."""
    grants = RoleGrant.objects.filter(site=site, role__in=STAFF_ROLES).exclude(person=beginner)
    return list(grants.select_related("person").order_by("pk"))


def furthest_step(seen: str = "") -> Step:
    """Where to go on: the first question not answered yet, or the last one that this browser has `seen`."""
    if not has_administrator():
        return ADMINISTRATOR
    site = the_site()
    if site is None:
        return PLACE
    return max(_by_answers(site), BY_SLUG.get(seen, ADMINISTRATOR), key=STEPS.index)


def _by_answers(site: Site) -> Step:
    """What the answers themselves tell, in another browser or another week."""
    if current_lab().modules_off:
        return CHECK
    if RoleGrant.objects.filter(site=site, role__in=STAFF_ROLES).count() > 1:
        return MODULES
    if Machine.objects.filter(unit__site=site).exists():
        return TEAM
    if Room.objects.filter(site=site).exists():
        return MACHINES
    return ROOMS if OpeningHours.objects.filter(site=site).exists() else HOURS


def is_askable(step: Step) -> bool:
    """Whether the question makes sense yet: the first needs nobody, the second somebody, the others a place."""
    if step == ADMINISTRATOR:
        return True
    return has_administrator() and (step == PLACE or the_site() is not None)

"""Which rules and limits somebody may see and change: what every page about them asks first."""

from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from machines.models import BookingPolicy, Machine
from people.models import Person, Site
from people.permissions import is_administrator
from people.selectors import managed_sites
from reservations.models import Quota

Rule = TypeVar("Rule", BookingPolicy, Quota)


def rules_seen(me: Person, model: type[Rule]) -> QuerySet[Rule]:
    """Those of the places that the person manages, and those that hold everywhere."""
    sites = managed_sites(me)
    rows = model._default_manager.filter(
        Q(site=None) | Q(site__in=sites), Q(machine=None) | Q(machine__unit__site__in=sites)
    )
    return rows.select_related("group", "site", "category", "machine__category", "machine__unit__site")


def others_concerned(me: Person, rule: BookingPolicy | Quota) -> list[Site]:
    """Places with machines that the rule is about and that the person does not manage; none for an administrator,
    who sets what holds everywhere."""
    sites = {site.pk for site in managed_sites(me)}
    place = rule.machine.site if rule.machine is not None else rule.site
    if place is not None:
        return [] if place.pk in sites else [place]
    if is_administrator(me):
        return []
    machines = Machine.objects.filter(retired_at=None)
    if rule.category_id is not None:
        machines = machines.filter(category=rule.category_id)
    concerned = Site.objects.filter(units__machine__in=machines).exclude(pk__in=sites)
    return list(concerned.order_by("name").distinct())


def others_words(others: list[Site]) -> str:
    """Why the person cannot set it like this, and what they can do."""
    words = _("It would hold at %(places)s too: choose a place of yours, or ask an administrator.")
    return words % {"places": ", ".join(site.name for site in others)}


def read_only_words(others: list[Site]) -> str:
    """Why the person can only read it."""
    words = _("It holds at %(places)s too: only somebody who manages these places, or an administrator, changes it.")
    return words % {"places": ", ".join(site.name for site in others)}

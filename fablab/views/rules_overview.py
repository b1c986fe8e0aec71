"""The rules in words: what holds for each kind of machine, for each group and place, and where each is set."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.views.roles import for_role
from fablab.views.rules_door import rules_seen
from machines.models import BookingPolicy, Category, Machine
from people.models import PersonGroup
from people.permissions import is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in
from reservations.models import Quota
from reservations.rule_words import category_words, machine_words, policy_words, quota_words, scope_words

ORDER = ("position", "slug")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: where it is set, about whom or what, what it says, and where to change it."""

    where: str
    icon: str
    title: str
    words: str
    url: str


@dataclass(slots=True)
class Card:
    """What holds for one kind of machine, or for all of them."""

    title: str
    icon: str
    words: str
    url: str
    lines: list[Line] = field(default_factory=list)


@for_role(is_manager)
def rules(request: HttpRequest) -> HttpResponse:
    """Everything that differs from anything, in sentences."""
    me = signed_in(request)
    policies, quotas = list(rules_seen(me, BookingPolicy)), list(rules_seen(me, Quota))
    machines = Machine.objects.filter(retired_at=None, unit__site__in=managed_sites(me)).with_places()
    cards = {
        category.pk: _card(category) for category in Category.objects.select_related("qualification").order_by(*ORDER)
    }
    for machine in machines.order_by("name"):
        if words := machine_words(machine):
            url = reverse("settings-machine", args=[machine.slug])
            cards[machine.category_id].lines.append(Line(_("This machine"), "tools", machine.name, words, url))
    everywhere = Card(_("Whatever the machine"), "list", "", "")
    for key, line in _lines(policies, quotas):
        cards.get(key or 0, everywhere).lines.append(line)
    context = {"cards": list(cards.values()), "everywhere": everywhere, "groups": groups_counted()}
    return render(request, "fablab/rules/rules.html", context)


def groups_counted() -> Iterable[PersonGroup]:
    """The groups in their order, each with how many people are in it today."""
    today = timezone.localdate()
    on = Q(memberships__start__lte=today) & (Q(memberships__end=None) | Q(memberships__end__gte=today))
    return PersonGroup.objects.annotate(count=Count("memberships__person", filter=on, distinct=True)).order_by(
        "position", "pk"
    )


def _card(category: Category) -> Card:
    words = category_words(category)
    return Card(category.name, category.icon, words, reverse("settings-category", args=[category.slug]))


def _lines(policies: Iterable[BookingPolicy], quotas: Iterable[Quota]) -> Iterable[tuple[int | None, Line]]:
    """Each with the category that it is about, None for all."""
    for policy in policies:
        where, icon = (_("Group"), "people") if policy.group else (_("Place"), "geo-alt")
        line = Line(where, icon, scope_words(policy), policy_words(policy), reverse("rules-policy", args=[policy.pk]))
        yield _category_of(policy), line
    for quota in quotas:
        url = reverse("rules-quota", args=[quota.pk])
        yield _category_of(quota), Line(_("Limit"), "stopwatch", quota_words(quota), "", url)


def _category_of(rule: BookingPolicy | Quota) -> int | None:
    return rule.machine.category_id if rule.machine else rule.category_id

"""Rules to sign, for managers: write, look first, publish; who has signed and who has not."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.views.people_door import posted
from fablab.views.roles import for_role
from fablab.views.settings_places import machine_there, refusals_beside, site_there
from machines.forms_house_rules import RulesForm
from machines.house_rules import (
    Place,
    in_force,
    last_signatures,
    newest_rules,
    not_signed,
    publish_rules,
    versions_of,
    withdraw_rules,
)
from machines.models import HouseRules, Machine
from people.models import Person, Site
from people.permissions import is_manager
from people.selectors import managed_sites, people_of
from people.signed_in import signed_in

SHOWN = 100


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A place with the version in force there, if there is one."""

    name: str
    icon: str
    url: str
    rules: HouseRules | None


@for_role(is_manager)
def places(request: HttpRequest) -> HttpResponse:
    """The sites that one manages and their machines, with what is to be signed at each."""
    sites = list(managed_sites(signed_in(request)).order_by("name"))
    found = {(rules.site_id, rules.machine_id): rules for rules in in_force(sites)}
    machines = Machine.objects.filter(unit__site__in=sites, retired_at=None).order_by("name")
    lines = [
        PlaceLine(site.name, "geo-alt", reverse("rules-to-sign-site", args=[site.slug]), found.get((site.pk, None)))
        for site in sites
    ]
    of_machines = [
        PlaceLine(
            machine.name, "tools", reverse("rules-to-sign-machine", args=[machine.slug]), found.get((None, machine.pk))
        )
        for machine in machines
    ]
    context = {"lines": lines, "machines": of_machines, "zone": sites[0].zone if sites else None}
    return render(request, "fablab/house_rules/places.html", context)


@for_role(is_manager)
def of_site(request: HttpRequest, slug: str) -> HttpResponse:
    return _edit(request, site_there(request, slug))


@for_role(is_manager)
def of_machine(request: HttpRequest, slug: str) -> HttpResponse:
    return _edit(request, machine_there(request, slug))


def _edit(request: HttpRequest, place: Place) -> HttpResponse:
    me, now = signed_in(request), timezone.now()
    newest = newest_rules(place)
    initial = {"text_fr": newest.text_fr, "text_en": newest.text_en} if newest else {}
    is_preview = "preview" in request.POST
    form = RulesForm(posted(request), initial=initial, is_preview=is_preview)
    context: dict[str, Any] = {"form": form, "place": place, "newest": newest}
    if request.method == "POST" and form.is_valid():
        if is_preview:
            written = form.cleaned_data
            # To publish it, both are needed again.
            context |= {"preview": written, "is_whole": all(written.values()), "form": RulesForm(initial=written)}
        else:
            with refusals_beside(form):
                publish_rules(place=place, by=me, now=now, **form.cleaned_data)
                messages.success(request, _("Published. Everybody signs it before their next reservation."))
                return redirect(request.path)
    context |= _signed(place, newest, me)
    context["withdraw_url"] = _withdraw_url(place)
    return render(request, "fablab/house_rules/edit.html", context, status=400 if form.errors else 200)


def _signed(place: Place, newest: HouseRules | None, me: Person) -> dict[str, Any]:
    """Who has signed the version in force and who of the people of the site has not, as far as they may be known."""
    site = place if isinstance(place, Site) else place.site
    context: dict[str, Any] = {"versions": list(versions_of(place)), "zone": site.zone, "shown": SHOWN}
    if newest is None or newest.is_empty:
        return context
    known = people_of(me)
    missing = not_signed(newest, known.filter(role_grants__site=site, is_active=True).distinct())
    signed = last_signatures(newest, known)
    return context | {
        "signed": list(signed[:SHOWN]),
        "missing": list(missing[:SHOWN]),
        "signed_count": signed.count(),
        "missing_count": missing.count(),
    }


def _withdraw_url(place: Place) -> str:
    kind = "places" if isinstance(place, Site) else "machines"
    return reverse("rules-to-sign-withdraw", args=[kind, place.slug])


@require_POST
@for_role(is_manager)
def withdraw(request: HttpRequest, kind: str, slug: str) -> HttpResponse:
    """Nobody signs anything here any more."""
    place = site_there(request, slug) if kind == "places" else machine_there(request, slug)
    withdraw_rules(place=place, by=signed_in(request), now=timezone.now())
    messages.success(request, _("Withdrawn: nobody has to sign anything here. The versions are kept."))
    return redirect("rules-to-sign")

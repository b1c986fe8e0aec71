"""Rules to sign: one's own, and on paper at the desk from somebody's file."""

import datetime as dt
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.ways_back import way_back
from fablab.views.people_door import file_of, own_site, own_sites
from fablab.views.roles import for_role
from machines.house_rules import OldVersion, newest_rules, rules_of_person, sign_rules, sites_to_sign_for
from machines.models import HouseRules, Machine, RulesSignature
from people.errors import NotAllowed
from people.models import Site
from people.permissions import is_staff
from people.selectors import colleagues_of
from people.signed_in import signed_in


@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """What waits for one's signature, and all that was signed with its version and day."""
    me, site = signed_in(request), Site.objects.first()
    found = rules_of_person(me, sites_to_sign_for(me))
    signed = RulesSignature.objects.filter(person=me).select_related("rules__site", "rules__machine")
    context = {
        "waiting": [each for each in found if each.signature is None],
        "signed": list(signed.order_by("-signed_at")),
        "zone": site.zone if site else dt.UTC,
    }
    return render(request, "fablab/house_rules/mine.html", context)


@login_required
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Read one version, and agree to it with one button; then back to where one came from."""
    rules, me, now = _rules(pk), signed_in(request), timezone.now()
    back = way_back(request)
    if request.method == "POST":
        try:
            sign_rules(rules=rules, person=me, by=me, now=now)
        except OldVersion as refused:
            messages.info(request, refused.sentence)
            return redirect(_newest_url(rules, back))
        messages.success(request, _("Signed: the rules of %(place)s.") % {"place": _place(rules)})
        return redirect(back or "me-rules")
    signature = RulesSignature.objects.filter(person=me, rules=rules).first()
    place = _place(rules)
    newest = newest_rules(place)
    is_old = newest is not None and newest.pk != rules.pk
    if is_old and signature is None and newest and not newest.is_empty:
        return redirect(_newest_url(rules, back))
    context = {
        "rules": rules,
        "place": place,
        "signature": signature,
        "is_old": is_old,
        "zone": place.zone if isinstance(place, Site) else place.site.zone,
        "back": back,
    }
    return render(request, "fablab/house_rules/sign.html", context)


def _rules(pk: int | str) -> HouseRules:
    return get_object_or_404(
        HouseRules.objects.exclude(text_fr="").select_related("site", "machine__unit__site"), pk=pk
    )


def _place(rules: HouseRules) -> Site | Machine:
    place = rules.site or rules.machine
    assert place is not None, "a constraint sees to it"
    return place


def _newest_url(rules: HouseRules, back: str) -> str:
    """The page of the version in force, with the way back; the list when nothing is to be signed any more."""
    newest = newest_rules(_place(rules))
    if newest is None or newest.is_empty:
        return back or reverse("me-rules")
    url = reverse("me-rules-sign", args=[newest.pk])
    return f"{url}?{urlencode({'next': back})}" if back else url


@for_role(is_staff)
def of_person(request: HttpRequest, reference: str) -> HttpResponse:
    """What somebody has signed of the rules of the asker's places, and the button for what they signed on paper."""
    person, me = file_of(request, reference), signed_in(request)
    found = rules_of_person(person, own_sites(request))
    witnesses = {each.signature.witness_id for each in found if each.signature and each.signature.witness_id}
    known = set(colleagues_of(me).filter(pk__in=witnesses).values_list("pk", flat=True)) if witnesses else set()
    context = {
        "person": person,
        "waiting": [each for each in found if each.signature is None],
        "signed": [
            (each, each.signature.witness if each.signature.witness_id in known else None)
            for each in found
            if each.signature
        ],
        "zone": own_site(request).zone,
        "is_own": person.pk == me.pk,
        "next": way_back(request),
    }
    return render(request, "fablab/house_rules/person.html", context)


@require_POST
@for_role(is_staff)
def sign_on_paper(request: HttpRequest, reference: str, pk: str) -> HttpResponse:
    """They signed a sheet before the one who is signed in, who is kept as the witness."""
    person, me, rules = file_of(request, reference), signed_in(request), _rules(pk)
    if person.pk == me.pk:
        return redirect("me-rules-sign", rules.pk)
    try:
        sign_rules(rules=rules, person=person, by=me, now=timezone.now())
    except OldVersion as refused:
        messages.error(request, refused.sentence)
    except NotAllowed:
        raise Http404 from None
    else:
        words = {"name": person, "place": _place(rules)}
        messages.success(request, _("%(name)s has signed the rules of %(place)s before you.") % words)
        if back := way_back(request):
            return redirect(back)
    return redirect("people-rules", reference)

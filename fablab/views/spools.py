"""Filament: what there is, what is left of it, weighing, and which printer a spool hangs in."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fablab.views.people_door import posted
from fablab.views.roles import for_role
from fablab.views.settings_places import parts_of, refusals_beside
from people.errors import PeopleError
from people.models import Person, Site
from people.permissions import is_staff
from people.selectors import staff_sites
from people.signed_in import signed_in
from printing.forms_spools import HangForm, SpoolForm, WeighForm, today_of
from printing.models import Spool
from printing.spools import (
    create_spool,
    entries_of,
    hang_spool,
    keeps_spools,
    printers_for,
    restore_spool,
    retire_spool,
    retired_at,
    spools_at,
    take_off,
    update_spool,
    weigh,
)

EDIT = "fablab/settings/edit.html"
Deed = Callable[[Spool, Person, dt.datetime], None]
DEEDS: dict[str, tuple[Deed, str | Promise]] = {
    "off": (
        lambda spool, by, now: take_off(spool=spool, by=by, now=now),
        gettext_lazy("Taken off. It hangs in no printer now."),
    ),
    "retire": (
        lambda spool, by, now: retire_spool(spool=spool, by=by, now=now),
        gettext_lazy("Out of use. What was printed from it stays known."),
    ),
    "restore": (lambda spool, by, now: restore_spool(spool=spool, by=by), gettext_lazy("In use again.")),
}


@for_role(is_staff)
def spools(request: HttpRequest) -> HttpResponse:
    """Those in use, what runs low first, then those that were; of all one's places."""
    sites = list(staff_sites(signed_in(request)))
    rows = list(spools_at(sites))
    context = {
        "spools": rows,
        "low": sum(row.is_low for row in rows),
        "retired": retired_at(sites),
        "has_places": len(sites) > 1,
        "may_keep": keeps_spools(request.user),
    }
    return render(request, "fablab/spools/list.html", context)


@for_role(keeps_spools)
def spool_new(request: HttpRequest) -> HttpResponse:
    """A spool joins the stock of a place."""
    me = signed_in(request)
    sites = _own_sites(request)
    initial = {"opened_at": today_of(sites[0], timezone.now()) if sites else None}
    form = SpoolForm(posted(request), sites=sites, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            made = create_spool(by=me, **form.values)
            messages.success(request, _("Added. Say now which printer it hangs in."))
            return redirect("manage-spool", made.reference)
    context = {"title": _("Add a spool"), "form": form, "parts": parts_of(form), "back": _to_spools()}
    return render(request, EDIT, context, status=400 if form.errors else 200)


def _own_sites(request: HttpRequest) -> list[Site]:
    return [site for site in staff_sites(signed_in(request)) if keeps_spools(request.user, site)]


def _spool_there(request: HttpRequest, reference: str, *, is_written: bool) -> Spool:
    """The spool of the address, at a place where the person is of the team; whoever writes answers for machines."""
    rows = Spool.objects.select_related("site", "printer__machine")
    found = get_object_or_404(rows, reference=reference)
    if not (keeps_spools if is_written else is_staff)(request.user, found):
        raise PermissionDenied
    return found


@for_role(is_staff)
def spool(request: HttpRequest, reference: str) -> HttpResponse:
    """One spool: what is left, where it hangs, what went from it."""
    return _page(request, _spool_there(request, reference, is_written=False))


def _page(
    request: HttpRequest, found: Spool, *, weighing: WeighForm | None = None, hanging: HangForm | None = None
) -> HttpResponse:
    may_keep = keeps_spools(request.user, found)
    is_kept = may_keep and found.retired_at is None
    machines = printers_for(found) if is_kept else []
    printer = getattr(found, "printer", None)
    others = [machine for machine in machines if printer is None or machine.pk != printer.machine_id]
    context: dict[str, Any] = {
        "spool": found,
        "zone": found.site.zone,
        "machine": printer.machine if printer is not None else None,
        "entries": entries_of(found),
        "may_keep": may_keep,
        "weigh": weighing or (WeighForm(auto_id="weigh_%s") if is_kept else None),
        "hang": hanging or (HangForm(machines=others, auto_id="hang_%s") if others else None),
        "form": weighing or hanging,
    }
    return render(request, "fablab/spools/spool.html", context, status=400 if weighing or hanging else 200)


@for_role(keeps_spools)
def spool_edit(request: HttpRequest, reference: str) -> HttpResponse:
    """What is written on it; what is left is weighed."""
    found = _spool_there(request, reference, is_written=True)
    title = str(found)
    form = SpoolForm(posted(request), instance=found, sites=[found.site])
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            update_spool(spool=found, by=signed_in(request), **form.values)
            messages.success(request, _("Saved."))
            return redirect("manage-spool", reference)
    back = {"url": reverse("manage-spool", args=[reference]), "words": title}
    context = {"title": title, "form": form, "parts": parts_of(form), "back": back}
    return render(request, EDIT, context, status=400 if form.errors else 200)


@require_POST
@for_role(keeps_spools)
def spool_weigh(request: HttpRequest, reference: str) -> HttpResponse:
    """What the scales say is what is left."""
    found = _spool_there(request, reference, is_written=True)
    form = WeighForm(request.POST, auto_id="weigh_%s")
    if form.is_valid():
        with refusals_beside(form):
            weighed = weigh(spool=found, by=signed_in(request), now=timezone.now(), **form.cleaned_data)
            said = _("Written down: %(grams)s g are left.") % {"grams": round(weighed.left_g)}
            messages.success(request, said)
            return redirect("manage-spool", reference)
    return _page(request, found, weighing=form)


@require_POST
@for_role(keeps_spools)
def spool_hang(request: HttpRequest, reference: str) -> HttpResponse:
    """Put it on a printer; it leaves any other."""
    found = _spool_there(request, reference, is_written=True)
    form = HangForm(request.POST, machines=printers_for(found), auto_id="hang_%s")
    if form.is_valid():
        machine = form.machines[form.cleaned_data["machine"]]
        with refusals_beside(form):
            hang_spool(spool=found, machine=machine, by=signed_in(request), now=timezone.now())
            messages.success(request, _("It hangs in “%(machine)s” now.") % {"machine": machine.name})
            return redirect("manage-spool", reference)
    return _page(request, found, hanging=form)


@require_POST
@for_role(keeps_spools)
def act(request: HttpRequest, reference: str, deed: str) -> HttpResponse:
    """Take it off its printer, put it out of use, or bring it back."""
    found = _spool_there(request, reference, is_written=True)
    service, said = DEEDS[deed]
    try:
        service(found, signed_in(request), timezone.now())
        messages.success(request, str(said))
    except PeopleError as refused:
        messages.error(request, str(refused.sentence))
    return redirect("manage-spool", reference)


def _to_spools() -> dict[str, str]:
    return {"url": reverse("manage-spools"), "words": _("Filament")}

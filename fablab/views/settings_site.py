"""Settings of a site and of the whole installation: address, modules, texts. For administrators."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.views.roles import for_role
from fablab.views.settings_places import parts_of, refusals_beside, site_there
from machines.services import tell_opening_changed
from people.forms_settings import ModulesForm, SiteForm, TextsForm
from people.lab import current_lab
from people.models import Lab, Site
from people.permissions import is_administrator
from people.settings_services import open_site, set_modules, set_texts, update_site
from people.signed_in import signed_in
from reservations.closures import refit_blocked

EDIT = "fablab/settings/edit.html"


@for_role(is_administrator)
def site(request: HttpRequest, slug: str) -> HttpResponse:
    """Name, address, clock, contact and holidays of one site."""
    found = site_there(request, slug, is_administrator)
    name = found.name
    form = SiteForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        with refusals_beside(form), transaction.atomic():
            changed = update_site(site=form.instance, by=signed_in(request), **form.cleaned_data)
            tell_opening_changed(changed)
            refit_blocked(site=changed, now=now)
            messages.success(request, _("Saved."))
            return redirect("settings-site", changed.slug)
    context = {"title": name, "parts": parts_of(form), "form": form, "back": _back(found)}
    return render(request, EDIT, context)


@for_role(is_administrator)
def site_new(request: HttpRequest) -> HttpResponse:
    """A second place. Whoever adds it is its administrator."""
    form = SiteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person, now = signed_in(request), timezone.now()
        with refusals_beside(form):
            made = open_site(by=person, now=now, **form.cleaned_data)
            messages.success(request, _("Added. Now its opening hours."))
            return redirect("settings-hours", made.slug)
    lead = _("Another door, with its own hours, rooms, machines and team. Categories are shared.")
    context = {"title": _("Add a place"), "lead": lead, "parts": parts_of(form), "form": form, "back": _back()}
    return render(request, EDIT, context)


@for_role(is_administrator)
def modules(request: HttpRequest) -> HttpResponse:
    """Which parts of the software are on."""
    form = ModulesForm(request.POST or None, lab=current_lab())
    if request.method == "POST" and form.is_valid():
        set_modules(wanted=form.wanted(), by=signed_in(request))
        messages.success(request, _("Saved. What is off has left the menus and the pages; nothing was deleted."))
        return redirect("settings-modules")
    context = {
        "title": _("Modules"),
        "lead": _("Untick what you do without: its menu, pages and words go. What it holds is kept."),
        "parts": parts_of(form),
        "form": form,
        "back": _back(),
    }
    return render(request, EDIT, context)


@for_role(is_administrator)
def texts(request: HttpRequest) -> HttpResponse:
    """What the lab says of itself."""
    # A copy: the row that every page shares is not to hold what has not been saved.
    lab = Lab.objects.filter(pk=Lab.ONLY_ID).first() or Lab()
    form = TextsForm(request.POST or None, instance=lab)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            set_texts(by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("settings-texts")
    context = {"title": _("Texts"), "parts": parts_of(form), "form": form, "back": _back()}
    return render(request, EDIT, context)


def _back(found: Site | None = None) -> dict[str, str]:
    query = f"?site={found.slug}" if found else ""
    return {"url": reverse("settings") + query, "words": _("Settings")}

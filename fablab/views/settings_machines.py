"""Settings: the machines of a site, from a template or blank; retired and brought back; labels to stick on."""

from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fablab.addresses import is_here_only
from fablab.first_run.machines import category_of, make_category
from fablab.lib.queries import query_word
from fablab.views.roles import for_role
from fablab.views.settings_overrides import say_what_the_category_says
from fablab.views.settings_places import machine_there, parts_of, refusals_beside, site_there
from machines.forms import MachineForm
from machines.machine_templates import BY_SLUG, TEMPLATES, MachineTemplate
from machines.models import Category, Machine
from machines.services import bring_back_machine, create_machine, retire_machine, set_photo, update_machine
from people.lab import current_lab
from people.models import Module, Person, Site
from people.permissions import is_manager
from people.signed_in import signed_in
from printing.may_print import may_print
from reservations.closures import COMING
from reservations.models import Reservation

PHOTO_FIELDS = ("new_photo", "without_photo")


@for_role(is_manager)
def machines(request: HttpRequest, slug: str) -> HttpResponse:
    """The site's machines, those retired at the end."""
    site = site_there(request, slug)
    rows = Machine.objects.filter(unit__site=site).with_places().order_by("category__position", "position", "name")
    context = {
        "site": site,
        "machines": [row for row in rows if row.retired_at is None],
        "retired": [row for row in rows if row.retired_at is not None],
    }
    return render(request, "fablab/settings/machines.html", context)


@for_role(is_manager)
def machine_new(request: HttpRequest, slug: str) -> HttpResponse:
    """First what kind it is (`?template=` or `?category=`), then its form with what is known already."""
    site, now, person = site_there(request, slug), timezone.now(), signed_in(request)
    template = BY_SLUG.get(query_word(request.GET, "template"))
    category = Category.objects.filter(slug=query_word(request.GET, "category")).first()
    if template is None and category is None:
        kinds = Category.objects.order_by("position", "slug")
        names = {(kind.name_fr, kind.name_en) for kind in kinds}
        new = [each for each in TEMPLATES if each.names not in names]
        context: dict[str, Any] = {"site": site, "categories": kinds, "templates": new}
        return render(request, "fablab/settings/machine_kind.html", context)
    form = _form(request, site, initial=_known_already(template, category))
    if template is not None:
        # Its category is made, with its rules, when the machine is.
        del form.fields["category"]
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form), transaction.atomic():
            kind = category or _category_from(template, person)
            fields = _fields(form) | ({} if template is None else {"category": kind})
            made = create_machine(site=site, by=person, now=now, **fields)
            _keep_photo(made, form, person)
            messages.success(request, _("The machine is added."))
            return redirect("settings-machines", site.slug)
    context = {
        "title": _("Add a machine"),
        "lead": template.why if template else "",
        "parts": parts_of(form),
        "form": form,
        "back": _back(site),
    }
    return render(request, "fablab/settings/machine.html", context)


def _category_from(template: MachineTemplate | None, by: Person) -> Category:
    if template is None:
        raise Http404
    return category_of(template) or make_category(template, by)


def _known_already(template: MachineTemplate | None, category: Category | None) -> dict[str, Any]:
    if template is None:
        return {"category": category}
    french, english = template.descriptions
    return {
        "name": template.machine_name,
        "description_fr": french,
        "description_en": english,
        "drawing": template.drawing,
    }


def _form(
    request: HttpRequest, site: Site, *, instance: Machine | None = None, initial: dict[str, Any] | None = None
) -> MachineForm:
    has_kiosks = current_lab().has(Module.KIOSK)
    form = MachineForm(
        request.POST or None,
        request.FILES or None,
        instance=instance,
        initial=initial,
        site=site,
        has_kiosks=has_kiosks,
    )
    say_what_the_category_says(form, instance.category if instance else (initial or {}).get("category"))
    return form


def _fields(form: MachineForm) -> dict[str, Any]:
    """What was typed, without the photo, as create_machine and update_machine take it."""
    return {name: value for name, value in form.cleaned_data.items() if name not in PHOTO_FIELDS}


def _keep_photo(machine: Machine, form: MachineForm, by: Person) -> None:
    picture = form.cleaned_data.get("new_photo")
    if picture is not None:
        picture.seek(0)
        set_photo(machine=machine, picture=picture, by=by)
    elif form.cleaned_data.get("without_photo"):
        set_photo(machine=machine, picture=None, by=by)


@for_role(is_manager)
def machine(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything about one machine."""
    found, now, person = machine_there(request, slug), timezone.now(), signed_in(request)
    title = found.name
    form = _form(request, found.site, instance=found)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form), transaction.atomic():
            update_machine(machine=form.instance, by=person, now=now, **_fields(form))
            _keep_photo(form.instance, form, person)
            messages.success(request, _("Saved."))
            return redirect("settings-machines", found.site.slug)
    context = {
        "title": title,
        "machine": found,
        "may_print": may_print(found),
        "parts": parts_of(form),
        "form": form,
        "back": _back(found.site),
        "coming_count": Reservation.objects.filter(machine=found, status__in=COMING, end__gt=now).count(),
    }
    return render(request, "fablab/settings/machine.html", context)


@require_POST
@for_role(is_manager)
def machine_retire(request: HttpRequest, slug: str) -> HttpResponse:
    """Out of every list. Its reservations stay until somebody has called their holders."""
    found, now = machine_there(request, slug), timezone.now()
    retire_machine(machine=found, by=signed_in(request), now=now)
    count = Reservation.objects.filter(machine=found, status__in=COMING, end__gt=now).count()
    words = _("%(machine)s is retired. You can bring it back below.") % {"machine": found.name}
    if count:
        more = ngettext("%d reservation is to be moved.", "%d reservations are to be moved.", count) % count
        words = f"{words} {more}"
    messages.success(request, words)
    return redirect("settings-machines", found.site.slug)


@require_POST
@for_role(is_manager)
def machine_return(request: HttpRequest, slug: str) -> HttpResponse:
    found = machine_there(request, slug)
    bring_back_machine(machine=found, by=signed_in(request), now=timezone.now())
    messages.success(request, _("%(machine)s is back.") % {"machine": found.name})
    return redirect("settings-machines", found.site.slug)


@for_role(is_manager)
def labels(request: HttpRequest, slug: str) -> HttpResponse:
    """A sheet to print: each machine's name with a code that leads to its page."""
    site = site_there(request, slug)
    rows = Machine.objects.filter(unit__site=site, retired_at=None).with_places()
    sheet = []
    for row in rows.order_by("category__position", "position", "name"):
        url = settings.ADDRESSES[0] + row.get_absolute_url()
        code = segno.make(url, error="m", micro=False).svg_data_uri(scale=4, dark="#000", light="#fff")
        sheet.append({"machine": row, "url": url, "code": code})
    context = {"site": site, "sheet": sheet, "is_here_only": is_here_only(settings.ADDRESSES[0])}
    return render(request, "fablab/settings/labels.html", context)


def _back(site: Site) -> dict[str, str]:
    return {"url": reverse("settings-machines", args=[site.slug]), "words": _("Machines")}

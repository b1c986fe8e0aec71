"""Settings: devices that report for machines, and how 3D printers are reached."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.views.roles import for_role
from fablab.views.settings_places import machine_there, parts_of, refusals_beside
from iot.device_services import create_device, revoke_device, update_device
from iot.device_words import all_kinds, set_up_of
from iot.forms import DeviceForm
from iot.models import Device
from machines.models import Machine
from people.permissions import is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in
from printing.forms_printer import PrinterForm
from printing.may_print import is_drawn_as_printer
from printing.models import BackendKind, Printer
from printing.printer_services import save_printer

EDIT = "fablab/settings/edit.html"
DEVICE = "fablab/settings/device.html"


def _own_machines(request: HttpRequest) -> QuerySet[Machine]:
    sites = managed_sites(signed_in(request))
    return Machine.objects.filter(unit__site__in=sites, retired_at=None).order_by("name")


@for_role(is_manager)
def devices(request: HttpRequest) -> HttpResponse:
    """Every device of one's sites, those shut out at the end."""
    rows = [row for row in Device.objects.select_related("machine__unit__site") if _is_theirs(request, row)]
    context = {
        "devices": [row for row in rows if row.revoked_at is None],
        "revoked": [row for row in rows if row.revoked_at is not None],
        "has_machines": _own_machines(request).exists(),
    }
    return render(request, "fablab/settings/devices.html", context)


def _is_theirs(request: HttpRequest, device: Device) -> bool:
    return is_manager(request.user, device.machine)


@for_role(is_manager)
def device_new(request: HttpRequest) -> HttpResponse:
    """A device for a machine; its code or password is made on its own page, next."""
    machine = _own_machines(request).filter(slug=query_word(request.GET, "machine")).first()
    form = DeviceForm(request.POST or None, machines=_own_machines(request), initial={"machine": machine})
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            made = create_device(by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("Added. Now let it in: make its code or password."))
            return redirect("manage-device", made.slug)
    context = {
        "title": _("Add a device"),
        "parts": parts_of(form),
        "form": form,
        "kinds": all_kinds(),
        "back": _to_devices(),
    }
    return render(request, DEVICE, context)


def device_there(request: HttpRequest, slug: str) -> Device:
    """The device of the address, not shut out, whose machine the person manages."""
    rows = Device.objects.filter(revoked_at=None).select_related("machine__unit__site")
    found = get_object_or_404(rows, slug=slug)
    if not _is_theirs(request, found):
        raise PermissionDenied
    return found


@for_role(is_manager)
def device(request: HttpRequest, slug: str) -> HttpResponse:
    """Its name, machine and thresholds."""
    found = device_there(request, slug)
    title = str(found)
    form = DeviceForm(request.POST or None, instance=found, machines=_own_machines(request))
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            update_device(device=form.instance, by=signed_in(request), **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("manage-device", found.slug)
    context = {
        "title": title,
        "parts": parts_of(form),
        "form": form,
        "kinds": [kind] if (kind := set_up_of(found.kind)) is not None else [],
        "back": {"url": reverse("manage-device", args=[found.slug]), "words": title},
        "remove": {
            "url": reverse("settings-device-revoke", args=[found.slug]),
            "words": _("Shut it out"),
            "question": _("It is refused at once and for good. What it measured is kept."),
        },
    }
    return render(request, DEVICE, context)


@require_POST
@for_role(is_manager)
def device_revoke(request: HttpRequest, slug: str) -> HttpResponse:
    found = device_there(request, slug)
    revoke_device(device=found, by=signed_in(request), now=timezone.now())
    messages.success(request, _("%(device)s is shut out.") % {"device": found})
    return redirect("settings-devices")


@for_role(is_manager)
def printers(request: HttpRequest) -> HttpResponse:
    """The machines of one's sites with how each is reached, those without a connection after them."""
    rows = list(_own_machines(request).select_related("printer__spool", "category"))
    context = {
        "connected": [row for row in rows if hasattr(row, "printer")],
        "others": [row for row in rows if not hasattr(row, "printer") and is_drawn_as_printer(row)],
        "no_printers": [row for row in rows if not hasattr(row, "printer") and not is_drawn_as_printer(row)],
    }
    return render(request, "fablab/settings/printers.html", context)


@for_role(is_manager)
def printer(request: HttpRequest, slug: str) -> HttpResponse:
    """What drives a machine, what hangs in it and what becomes of files; the key is written and never shown."""
    machine = machine_there(request, slug)
    known = Printer.objects.filter(machine=machine).first()
    form = PrinterForm(request.POST or None, machine=machine, known=known)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            save_printer(machine=machine, by=signed_in(request), now=timezone.now(), **form.cleaned_data)
            is_by_hand = form.cleaned_data["kind"] == BackendKind.BY_HAND
            said = _("Saved.") if is_by_hand else _("Saved. Whether it answers is shown here within a minute.")
            messages.success(request, said)
            return redirect("settings-printers")
    context = {
        "title": machine.name,
        "lead": _("A program drives the printer; fablab sends it the files when their turn comes."),
        "parts": parts_of(form),
        "form": form,
        "back": {"url": reverse("settings-printers"), "words": _("Connected printers")},
        "links": [(reverse("manage-spools"), _("Filament"))],
    }
    return render(request, EDIT, context)


def _to_devices() -> dict[str, str]:
    return {"url": reverse("settings-devices"), "words": _("Devices")}

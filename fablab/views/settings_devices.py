"""Settings: devices that report for machines."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.views.roles import for_role
from fablab.views.settings_places import own_machines, parts_of, refusals_beside
from iot.device_services import create_device, revoke_device, update_device
from iot.device_words import all_kinds, set_up_of
from iot.forms import DeviceForm
from iot.models import Device
from people.permissions import is_manager
from people.signed_in import signed_in

EDIT = "fablab/settings/edit.html"
DEVICE = "fablab/settings/device.html"


@for_role(is_manager)
def devices(request: HttpRequest) -> HttpResponse:
    """Every device of one's sites, those shut out at the end."""
    rows = [row for row in Device.objects.select_related("machine__unit__site") if _is_theirs(request, row)]
    context = {
        "devices": [row for row in rows if row.revoked_at is None],
        "revoked": [row for row in rows if row.revoked_at is not None],
        "has_machines": own_machines(request).exists(),
    }
    return render(request, "fablab/settings/devices.html", context)


def _is_theirs(request: HttpRequest, device: Device) -> bool:
    return is_manager(request.user, device.machine)


@for_role(is_manager)
def device_new(request: HttpRequest) -> HttpResponse:
    """A device for a machine; its code or password is made on its own page, next."""
    machine = own_machines(request).filter(slug=query_word(request.GET, "machine")).first()
    form = DeviceForm(request.POST or None, machines=own_machines(request), initial={"machine": machine})
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
    form = DeviceForm(request.POST or None, instance=found, machines=own_machines(request))
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


def _to_devices() -> dict[str, str]:
    return {"url": reverse("settings-devices"), "words": _("Devices")}

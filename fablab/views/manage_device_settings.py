"""For managers: how a device of ours behaves; it says itself when it has taken the settings."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.views.roles import for_role
from fablab.views.settings_devices import device_there
from fablab.views.settings_places import parts_of, refusals_beside
from iot.forms_device_settings import DeviceSettingsForm
from iot.models import DriverKind
from iot.orders import set_config
from people.permissions import is_manager
from people.signed_in import signed_in


@for_role(is_manager)
def device_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """What was sent last, and a form for what it shall be. Other makes are set on the device itself: 404."""
    found = device_there(request, slug)
    if found.kind != DriverKind.FABLAB:
        raise Http404
    form = DeviceSettingsForm(request.POST or None, config=found.config)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            set_config(
                device=found, settings=found.config | form.cleaned_data, by=signed_in(request), now=timezone.now()
            )
            messages.success(request, _("Sent. The device says below once it has taken them."))
            return redirect("manage-device", found.slug)
    context = {
        "title": _("How “%(device)s” behaves") % {"device": found},
        "lead": _("Sent to the device, and again for a day until it has taken them: all of them, or none."),
        "parts": parts_of(form),
        "form": form,
        "back": {"url": reverse("manage-device", args=[found.slug]), "words": str(found)},
    }
    return render(request, "fablab/settings/edit.html", context, status=400 if form.errors else 200)

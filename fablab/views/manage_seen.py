"""Devices that speak on the broker and report for no machine yet: attach one, or put it aside."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.forms_devices import AttachForm
from fablab.views.desk import desk_site
from fablab.views.manage_device import keep_secret
from fablab.views.roles import for_role
from fablab.views.settings_places import parts_of, refusals_beside
from iot.device_words import set_up_of
from iot.models import DriverKind, SeenDevice
from iot.seen_selectors import devices_seen, may_be_attached
from iot.seen_services import attach_seen, put_aside
from iot.services import set_password
from machines.models import Machine
from people.permissions import is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in

SHOWN_MOST = 100


@for_role(is_manager)
def seen(request: HttpRequest) -> HttpResponse:
    """What was heard on the broker and belongs to nobody; those put aside at the end."""
    now = timezone.now()
    found = list(devices_seen(now)[: SHOWN_MOST + 1])
    context = {
        "lines": [{"seen": row, "kind": _kind_words(row), "fits": may_be_attached(row)} for row in found[:SHOWN_MOST]],
        "is_cut": len(found) > SHOWN_MOST,
        "aside": list(devices_seen(now, is_ignored=True)[:SHOWN_MOST]),
        "zone": desk_site(request).zone,
    }
    return render(request, "fablab/devices/seen.html", context)


def _kind_words(row: SeenDevice) -> str:
    return str(DriverKind(row.kind).label) if row.kind in DriverKind.values else row.kind


@for_role(is_manager)
def attach(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them gets a name and a machine; then what to set on it, and its password, stand on its own page."""
    row = get_object_or_404(devices_seen(timezone.now()), pk=pk)
    sites = managed_sites(signed_in(request))
    machines = Machine.objects.filter(unit__site__in=sites, retired_at=None).order_by("name")
    form = AttachForm(request.POST or None, machines=machines, initial={"name": row.label[:80]})
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            made = attach_seen(seen=row, by=signed_in(request), **form.cleaned_data)
            if made.kind != DriverKind.ZIGBEE2MQTT:
                # A Zigbee plug connects through its bridge, which is let in once for all of its plugs.
                keep_secret(request, made, password=set_password(made, now=timezone.now()))
            messages.success(request, _("Attached. What it still needs stands on this page."))
            return redirect("manage-device", made.slug)
    context = {
        "title": _("Attach “%(device)s”") % {"device": row.label},
        "lead": _("It reports for a machine from then on. Its topic: %(topic)s") % {"topic": row.topic},
        "parts": parts_of(form),
        "form": form,
        "set_up": set_up_of(row.kind),
        "back": {"url": reverse("manage-devices-seen"), "words": _("Devices seen")},
    }
    return render(request, "fablab/devices/attach.html", context, status=400 if form.errors else 200)


@require_POST
@for_role(is_manager)
def ignore(request: HttpRequest, pk: int) -> HttpResponse:
    """Put aside, or shown again: the same button both ways."""
    row = get_object_or_404(SeenDevice, pk=pk)
    put_aside(seen=row, is_ignored=row.ignored_at is None, by=signed_in(request), now=timezone.now())
    messages.success(
        request, _("Put aside. It stands at the end of this page.") if row.ignored_at is None else _("Shown again.")
    )
    return redirect("manage-devices-seen")

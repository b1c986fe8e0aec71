"""What stands on the screen of a seat: a message from the desk, or the lock."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fablab.desk import seats_of
from fablab.forms_at_machine import LockForm, MessageForm
from fablab.views.roles import for_role
from iot.device_services import DeviceError
from iot.models import DeviceCommand
from iot.orders import order
from iot.seats import screen_device
from machines.models import Machine
from people.errors import PeopleError
from people.permissions import is_staff
from people.selectors import staff_sites
from people.signed_in import signed_in

ORDERS_SHOWN = 5
MESSAGE_S = 60
Kind = DeviceCommand.Kind
# What agents answer in codes of their own; anything else is a sentence already.
ANSWERS: dict[str, str | Promise] = {
    "unsupported": gettext_lazy("the program on it cannot do that"),
    "expired": gettext_lazy("it came too late"),
    "busy": gettext_lazy("it is at work"),
    "locked": gettext_lazy("it is locked already"),
}


@for_role(is_staff)
def screen(request: HttpRequest, slug: str) -> HttpResponse:
    """What its agent says, and the last orders to it; posted, a message or the lock."""
    me, now = signed_in(request), timezone.now()
    rows = Machine.objects.filter(unit__site__in=staff_sites(me), category__is_seat=True, retired_at=None)
    machine = get_object_or_404(rows.with_places(), slug=slug)
    device = screen_device(machine)
    if device is None:
        raise Http404
    wants_lock = "why" in request.POST
    message = MessageForm(request.POST if request.method == "POST" and not wants_lock else None)
    lock = LockForm(request.POST if wants_lock else None)
    form = lock if wants_lock else message
    if request.method == "POST" and form.is_valid():
        given: dict[str, Any] = {"kind": Kind.LOCK, "why": form.cleaned_data.get("why", "")}
        if not wants_lock:
            given = {"kind": Kind.MESSAGE, "data": {"text": form.cleaned_data["text"], "for_s": MESSAGE_S}}
        try:
            order(device=device, by=me, now=now, **given)
        except (PeopleError, DeviceError) as error:
            messages.error(request, str(error.sentence))
        else:
            messages.success(request, _("On its way to the screen. What became of it stands below."))
        return redirect("desk-seat-screen", slug)
    orders = DeviceCommand.objects.filter(device=device).select_related("by")[:ORDERS_SHOWN]
    context = {
        "machine": machine,
        "zone": machine.site.zone,
        "seat": seats_of([machine], now=now)[0],
        "message": message,
        "lock": lock,
        "form": form,
        "orders": [(each, each.state(now), ANSWERS.get(each.answer, each.answer)) for each in orders],
        "now": now,
    }
    template = "fablab/desk/screen.html#live" if request.htmx else "fablab/desk/screen.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=400 if form.errors else 200)

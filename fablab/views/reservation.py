"""One reservation: what it is, what was measured, and what can be done with it now."""

import datetime as dt
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fablab.machine_status import machine_statuses
from iot.models import UsageSession
from iot.selectors import measured_energy_wh, measured_time
from printing.models import PrintJob
from reservations.errors import WrongState
from reservations.messages import STATE_WORDS
from reservations.models import Reservation, Status
from reservations.selectors import held_names
from reservations.services import CHECK_IN_OPENS, cancel_reservation, check_in, finish_reservation

EXTENSION = dt.timedelta(minutes=30)
ACTIONS: dict[str, tuple[Callable[..., Reservation], object]] = {
    "cancel": (cancel_reservation, gettext_lazy("Cancelled. The time is free for others again.")),
    "check-in": (check_in, gettext_lazy("Checked in. Enjoy!")),
    "finish": (finish_reservation, gettext_lazy("Finished. Thank you for giving the rest of the time back.")),
}


def _reservation(request: HttpRequest, reference: str, *, with_measures: bool = False) -> Reservation:
    rows = Reservation.objects.visible_to(request.user).with_places()  # type: ignore[arg-type]
    if with_measures:
        sessions = Prefetch("usage_sessions", UsageSession.objects.order_by("start"))
        rows = rows.select_related("machine__printer").prefetch_related(sessions)
    return get_object_or_404(rows.select_related("holder"), reference=reference)


@login_required
def reservation(request: HttpRequest, reference: str) -> HttpResponse:
    """The page; htmx asks for its live part only."""
    found = _reservation(request, reference, with_measures=True)
    now = timezone.now()
    machine = found.machine
    printer = getattr(machine, "printer", None)
    context = {
        "reservation": found,
        "machine": machine,
        "zone": found.site.zone,
        "now": now,
        "status": machine_statuses([machine], now)[0] if machine else None,
        "held": held_names(found) if machine is None else [],
        "measured": measured_time(found, now),
        "energy_wh": measured_energy_wh(found),
        "sessions": list(found.usage_sessions.all()),
        "jobs": list(PrintJob.objects.filter(reservation=found).select_related("file")),
        "has_printer": printer is not None and printer.is_enabled,
        "may": _may(found, now),
        "longer": found.end + max(EXTENSION, machine.booking.grid) if machine else found.end,
        "is_own": found.holder_id == request.user.pk,
    }
    template = "fablab/reservation.html#live" if request.htmx else "fablab/reservation.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _may(reservation: Reservation, now: dt.datetime) -> dict[str, bool]:
    """Which buttons make sense now. The services ask again: a button shown is no permission."""
    is_confirmed, has_machine = reservation.status == Status.CONFIRMED, reservation.machine_id is not None
    return {
        "check_in": is_confirmed and reservation.start - CHECK_IN_OPENS <= now < reservation.end,
        "finish": reservation.status == Status.IN_USE,
        "extend": has_machine and reservation.status == Status.IN_USE and now < reservation.end,
        "cancel": is_confirmed and now < reservation.end,
        "move": has_machine and is_confirmed and now < reservation.start,
        "print": has_machine and reservation.status in (Status.CONFIRMED, Status.IN_USE) and now < reservation.end,
    }


@login_required
@require_POST
def act(request: HttpRequest, reference: str, action: str) -> HttpResponse:
    """Check in, finish or cancel."""
    found = _reservation(request, reference)
    if not request.user.has_perm("reservations.change", found):
        raise PermissionDenied
    service, said = ACTIONS[action]
    try:
        service(reservation=found, by=request.user, now=timezone.now())
        messages.success(request, str(said))
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
    if action == "cancel":
        return redirect("me")
    return redirect(found)

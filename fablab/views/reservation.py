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
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from fablab.machine_status import machine_statuses
from fablab.machines_away import machines_away
from fablab.views.on_behalf import sentences
from iot.models import Device, UsageSession
from iot.selectors import measured_energy_wh, measured_time
from machines.models import Machine
from people.permissions import is_staff
from people.signed_in import signed_in
from printing.models import PrintJob
from reservations.deed_words import deed_lines
from reservations.deeds import history
from reservations.errors import ReservationRefused, WrongState
from reservations.life import CHECK_IN_OPENS, check_in, finish_reservation
from reservations.messages import STATE_WORDS
from reservations.models import Reservation, Status
from reservations.no_show import answer
from reservations.selectors import has_run_out, held_names
from reservations.services import cancel_reservation
from reservations.waiting import accept_offer, decline_offer

EXTENSION = dt.timedelta(minutes=30)
ACTIONS: dict[str, tuple[Callable[..., Reservation], object]] = {
    "cancel": (cancel_reservation, gettext_lazy("Cancelled. The time is free for others again.")),
    "check-in": (check_in, gettext_lazy("Checked in. Enjoy!")),
    "finish": (finish_reservation, gettext_lazy("Finished. Thank you for giving the rest of the time back.")),
    "accept": (accept_offer, gettext_lazy("It is yours. See you then!")),
    "decline": (decline_offer, gettext_lazy("Declined. The next one gets the offer.")),
    "coming": (answer, gettext_lazy("Thank you. It is kept for you a little longer.")),
}
ASKED_FOR = gettext_lazy("Asked for. Somebody of the team answers before it begins.")
AFTER_WHICH_IT_IS_GONE = ("cancel", "decline")


def _reservation(request: HttpRequest, reference: str, *, with_measures: bool = False) -> Reservation:
    rows = Reservation.objects.visible_to(request.user).with_places()  # type: ignore[arg-type]
    if with_measures:
        sessions = Prefetch("usage_sessions", UsageSession.objects.order_by("start"))
        rows = rows.select_related("machine__printer").prefetch_related(sessions)
    return get_object_or_404(rows.select_related("holder", "team"), reference=reference)


@login_required
def reservation(request: HttpRequest, reference: str) -> HttpResponse:
    """The page; htmx asks for its live part only."""
    found = _reservation(request, reference, with_measures=True)
    now = timezone.now()
    machine, is_team = found.machine, is_staff(request.user, found)
    printer = getattr(machine, "printer", None)
    sessions, has_printer = list(found.usage_sessions.all()), printer is not None and printer.is_enabled
    context = {
        "reservation": found,
        "machine": machine,
        "away": machines_away([found], now).get(found.pk, []),
        "zone": found.site.zone,
        "now": now,
        "status": machine_statuses([machine], now)[0] if machine else None,
        "held": held_names(found) if machine is None else [],
        "measured": measured_time(found, now),
        "energy_wh": measured_energy_wh(found),
        "sessions": sessions,
        "is_measured": bool(sessions) or has_printer or _has_device(machine),
        "jobs": list(PrintJob.objects.filter(reservation=found).select_related("file")),
        "has_printer": has_printer,
        "may": _may(found, now),
        "longer": found.end + max(EXTENSION, machine.booking.grid) if machine else found.end,
        "is_own": found.holder_id == request.user.pk,
        "is_team": is_team,
        "history": deed_lines(history(found), reader=signed_in(request), is_team=is_team, zone=found.site.zone),
    }
    template = "fablab/reservation.html#live" if request.htmx else "fablab/reservation.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _has_device(machine: Machine | None) -> bool:
    return machine is not None and Device.objects.filter(machine=machine, revoked_at=None).exists()


def _may(reservation: Reservation, now: dt.datetime) -> dict[str, bool]:
    """Which buttons make sense now. The services ask again: a button shown is no permission."""
    is_confirmed, has_machine = reservation.status == Status.CONFIRMED, reservation.machine_id is not None
    is_offered = reservation.status == Status.HELD and not has_run_out(reservation, now)
    is_asked = is_confirmed and reservation.asked_at is not None and reservation.start <= now < reservation.end
    return {
        "offer": is_offered,
        "answer": is_asked,
        # Asked whether one comes, the question has these two among its answers.
        "check_in": is_confirmed and not is_asked and reservation.start - CHECK_IN_OPENS <= now < reservation.end,
        "finish": reservation.status == Status.IN_USE,
        "extend": has_machine and reservation.status == Status.IN_USE and now < reservation.end,
        "cancel": not is_asked and (is_confirmed or reservation.status == Status.PENDING) and now < reservation.end,
        "move": has_machine and is_confirmed and now < reservation.start,
        "print": has_machine and reservation.status in (Status.CONFIRMED, Status.IN_USE) and now < reservation.end,
    }


@login_required
@require_POST
def act(request: HttpRequest, reference: str, action: str) -> HttpResponse:
    """One tap: check in, finish, cancel, answer an offer or the question whether one comes."""
    found = _reservation(request, reference)
    if not request.user.has_perm("reservations.change", found):
        raise PermissionDenied
    service, said = ACTIONS[action]
    try:
        done = service(reservation=found, by=request.user, now=timezone.now())
        messages.success(request, str(ASKED_FOR if done.status == Status.PENDING else said))
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
        return redirect(found)
    except ReservationRefused as refusal:
        for sentence in sentences(request, refusal.denials, found.holder):
            words = {"sentence": sentence.message, "next": sentence.next_step}
            messages.error(request, gettext("%(sentence)s %(next)s") % words)
        return redirect(found)
    if action in AFTER_WHICH_IT_IS_GONE and found.holder_id == request.user.pk:
        return redirect("me")
    return redirect(found)

"""Reservations at the desk: check in, more time, finish, cancel, the ticket, the call list."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fablab.documents.tickets import PAPERS, ticket_pdf
from fablab.forms_desk import CallListForm
from fablab.lib.queries import query_word
from fablab.views.desk import desk_site, remember_desk
from fablab.views.desk_calls import to_tell
from fablab.views.on_behalf import sentences
from fablab.views.roles import for_role
from people.models import FileAccess, Person
from people.permissions import is_staff
from people.services import note_access, note_accesses
from people.signed_in import signed_in
from reservations.desk import extend
from reservations.errors import ReservationRefused, WrongState
from reservations.life import check_in, finish_reservation
from reservations.messages import STATE_WORDS, moment_words
from reservations.models import Reservation
from reservations.no_show import free_absent
from reservations.selectors import calls_to_make, held_names
from reservations.services import cancel_reservation

MORE_TIME = dt.timedelta(minutes=30)


def _extend(*, reservation: Reservation, by: Person, now: dt.datetime) -> Reservation:
    return extend(reservation=reservation, by=by, now=now, length=MORE_TIME)


ACTIONS: dict[str, tuple[Callable[..., Reservation], Any]] = {
    "check-in": (check_in, gettext_lazy("%(what)s: checked in.")),
    "extend": (_extend, gettext_lazy("%(what)s: until %(end)s.")),
    "finish": (finish_reservation, gettext_lazy("%(what)s: finished, free for others.")),
    "cancel": (cancel_reservation, gettext_lazy("%(what)s: cancelled.")),
    "free": (free_absent, gettext_lazy("%(what)s: free for others.")),
}


def _theirs(request: HttpRequest, reference: str) -> Reservation:
    """A reservation at one of the person's own desks; one of another site is not there for them."""
    staff = signed_in(request)
    rows = Reservation.objects.visible_to(staff).with_places().select_related("holder", "series")
    found = get_object_or_404(rows, reference=reference)
    if not is_staff(staff, found):
        raise PermissionDenied
    return found


@require_POST
@for_role(is_staff)
def act(request: HttpRequest, reference: str, action: str) -> HttpResponse:
    """One tap on a line of the desk."""
    found = _theirs(request, reference)
    service, said = ACTIONS[action]
    staff, now = signed_in(request), timezone.now()
    try:
        done = service(reservation=found, by=staff, now=now)
        if done.holder is not None and done.holder != staff:
            note_access(person=done.holder, by=staff, deed=FileAccess.Deed.RESERVED, now=now)
        words = {"what": done.what, "end": moment_words(done.end, done.site.zone)}
        messages.success(request, said % words)
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
    except ReservationRefused as refusal:
        for sentence in sentences(request, refusal.denials, found.holder):
            messages.error(
                request,
                _("%(what)s: %(sentence)s")
                % {"what": found.what, "sentence": f"{sentence.message} {sentence.next_step}"},
            )
    remember_desk(request, found.site)
    return redirect("desk")


@for_role(is_staff)
def ticket(request: HttpRequest, reference: str) -> HttpResponse:
    """What was reserved, in large letters, and the ways to print it."""
    found = _theirs(request, reference)
    context = {
        "reservation": found,
        "zone": found.site.zone,
        "held": held_names(found) if found.machine is None else [],
        "papers": PAPERS,
    }
    return render(request, "fablab/desk/ticket.html", context)


@for_role(is_staff)
def ticket_file(request: HttpRequest, reference: str, paper: str) -> HttpResponse:
    """The ticket as a PDF, A5 or for an 80 mm roll, in the holder's language."""
    found = _theirs(request, reference)
    response = HttpResponse(ticket_pdf(found, paper), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{_("ticket")}-{found.reference}.pdf"'
    return response


@for_role(is_staff)
def calls(request: HttpRequest) -> HttpResponse:
    """Whom to call about a stretch of days; who is named has that noted in their file."""
    now, staff, site = timezone.now(), signed_in(request), desk_site(request)
    today = now.astimezone(site.zone).date()
    is_asked = bool(query_word(request.GET, "first"))
    form = CallListForm(request.GET if is_asked else None, initial={"first": today, "last": today})
    first, last = today, today
    if is_asked and form.is_valid():
        first, last = form.cleaned_data["first"], form.cleaned_data["last"]
    rows: list[Reservation] = []
    if not form.errors:
        start = dt.datetime.combine(first, dt.time(0), site.zone)
        end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(0), site.zone)
        rows = list(calls_to_make(staff=staff, site=site, start=max(start, now), end=end))
    told = to_tell(site)
    named = {row.to_call.pk: row.to_call for row in rows if row.to_call is not None}
    named |= {row["person"].pk: row["person"] for row in told}
    note_accesses(people=named.values(), by=staff, deed=FileAccess.Deed.READ, now=now)
    context = {"site": site, "zone": site.zone, "form": form, "rows": rows, "first": first, "last": last}
    context["to_tell"] = told
    return render(request, "fablab/desk/calls.html", context, status=400 if form.errors else 200)

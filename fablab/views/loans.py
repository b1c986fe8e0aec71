"""Loans at the desk: what is out, handing over and taking back, and the photos that prove how it looked."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.forms_loans import ChecklistForm, PhotoForm, scanned, with_tick
from fablab.lib.queries import query_word
from fablab.views.desk import desk_site
from fablab.views.roles import for_role
from machines.photos import NotAPhoto
from people.models import FileAccess
from people.permissions import is_staff
from people.selectors import staff_sites
from people.services import note_access, note_accesses
from people.signed_in import signed_in
from reservations.errors import WrongState
from reservations.lent import leaves_the_place
from reservations.loan_selectors import loan_of, loans_out, photos_visible_to
from reservations.loans import add_photo, hand_over, take_back, things_held
from reservations.messages import STATE_WORDS, moment_words
from reservations.models import Loan, Reservation, Status


@for_role(is_staff)
def loans(request: HttpRequest) -> HttpResponse:
    """What is out and what is fetched today; who is named has that noted in their file."""
    now, staff, site = timezone.now(), signed_in(request), desk_site(request)
    found = loans_out(staff=staff, site=site, now=now)
    note_accesses(people=found.people, by=staff, deed=FileAccess.Deed.READ, now=now)
    context = {"site": site, "sites": list(staff_sites(staff)), "zone": site.zone, "now": now, "loans": found}
    return render(request, "fablab/loans/list.html", context)


def _theirs(request: HttpRequest, reference: str) -> tuple[Reservation, Loan | None]:
    """A reservation at one of the person's own desks that leaves the place, or has left it."""
    staff = signed_in(request)
    rows = Reservation.objects.visible_to(staff).with_places().select_related("holder__guardian")
    found = get_object_or_404(rows, reference=reference)
    if not is_staff(staff, found):
        raise PermissionDenied
    known = loan_of(found)
    if known is None and not leaves_the_place(found):
        raise Http404
    return found, known


@for_role(is_staff)
def loan(request: HttpRequest, reference: str) -> HttpResponse:
    """One loan: hand over, then take back, each part looked at. A scanned part is ticked, also without JavaScript."""
    found, known = _theirs(request, reference)
    form = _checklist(request, found, known)
    context: dict[str, Any] = {}
    if request.method == "POST" and form is not None:
        if request.POST.get("do") != "done":
            form, context = _scan(request, form, found, known)
        elif form.is_valid() and _carry_out(request, found, known, form):
            return redirect("desk-loan", found.reference)
    elif found.holder is not None:
        # Their telephone number stands there.
        staff = signed_in(request)
        note_access(person=found.holder, by=staff, deed=FileAccess.Deed.READ, now=timezone.now())
    context |= _shown(found, known) | {"form": form}
    return render(request, "fablab/loans/loan.html", context, status=400 if form is not None and form.errors else 200)


def _checklist(request: HttpRequest, found: Reservation, known: Loan | None) -> ChecklistForm | None:
    """None once it is back, and where it can no longer be handed over."""
    if known is not None and known.returned_at is not None:
        return None
    if known is None and (found.status not in (Status.CONFIRMED, Status.IN_USE) or found.end <= timezone.now()):
        return None
    things = things_held(found) if known is None else [item.machine for item in known.items.all()]
    data = request.POST if request.method == "POST" else None
    return ChecklistForm(data, things=things, whole=found.machine if known is None else None)


def _scan(
    request: HttpRequest, form: ChecklistForm, found: Reservation, known: Loan | None
) -> tuple[ChecklistForm, dict[str, Any]]:
    """The same page with one more thing ticked; nothing is complained of before the last step."""
    text = query_word(request.POST, "scan")
    machine = scanned(text, form.things)
    whole = found.machine if known is None else None
    again = ChecklistForm(initial=with_tick(request.POST, machine), things=form.things, whole=whole)
    unknown = text if text and machine is None else ""
    return again, {"scanned": machine, "unknown": unknown, "is_scanning": True}


def _carry_out(request: HttpRequest, found: Reservation, known: Loan | None, form: ChecklistForm) -> bool:
    said: dict[str, Any] = {
        "conditions": form.conditions, "note": form.cleaned_data["note"], "by": signed_in(request),
        "now": timezone.now(),
    }  # fmt: skip
    try:
        if known is None:
            hand_over(reservation=found, **said)
            due = moment_words(found.end, found.site.zone)
            words = {"what": found.what, "due": due}
            messages.success(request, _("%(what)s is handed over. It is due back: %(due)s.") % words)
        else:
            take_back(loan=known, **said)
            messages.success(request, _("%(what)s is back.") % {"what": found.what})
    except WrongState as error:
        form.add_error(None, STATE_WORDS[error.code])
        return False
    return True


def _shown(found: Reservation, known: Loan | None) -> dict[str, Any]:
    is_back = known is not None and known.returned_at is not None
    items = known.items.all() if known is not None else []
    return {
        "reservation": found,
        "loan": known,
        "is_back": is_back,
        "is_overdue": known is not None and not is_back and found.end <= timezone.now(),
        "conditions": {item.machine_id: item.get_condition_out_display() for item in items},
        "photo_form": PhotoForm(items=known.items.select_related("machine")) if known is not None else None,
        "zone": found.site.zone,
    }


@require_POST
@for_role(is_staff)
def add(request: HttpRequest, reference: str) -> HttpResponse:
    """A photo of one of the things, as it is now."""
    found, known = _theirs(request, reference)
    if known is None:
        raise Http404
    form = PhotoForm(request.POST, request.FILES, items=known.items.select_related("machine", "loan__reservation"))
    unreadable = _("The photo could not be read. Choose a JPEG or PNG picture of at most 50 megapixels.")
    if not form.is_valid():
        messages.error(request, unreadable)
        return redirect("desk-loan", found.reference)
    try:
        said = form.cleaned_data
        add_photo(item=said["item"], picture=said["picture"], by=signed_in(request), now=timezone.now())
        messages.success(request, _("The photo is kept."))
    except NotAPhoto:
        messages.error(request, unreadable)
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
    return redirect("desk-loan", found.reference)


@login_required
def photo(request: HttpRequest, pk: int) -> HttpResponse:
    """For whoever borrowed it and the team of the site; nobody keeps a copy on the way."""
    found = get_object_or_404(photos_visible_to(request.user), pk=pk)
    try:
        with found.image.open("rb") as kept:
            response = HttpResponse(kept.read(), content_type="image/jpeg")
    except FileNotFoundError:
        raise Http404 from None
    response.headers["Cache-Control"] = "private, no-store"
    return response

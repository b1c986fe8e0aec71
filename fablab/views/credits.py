"""What somebody has of credits, until when, and how it came about: on their file, and in their own pages."""

import csv
import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fablab.lib.spreadsheets import plain_cell
from fablab.views.people_door import file_of, own_site
from fablab.views.roles import for_role
from people.errors import PeopleError
from people.models import FileAccess, Person, Site
from people.permissions import is_manager, is_staff
from people.selectors import colleagues_of
from people.services import note_access
from people.signed_in import signed_in
from reservations.credit_selectors import Line, ledger, lots_open_to
from reservations.credits import correct_credits, give_credits
from reservations.errors import NotEnoughCredits
from reservations.forms_credits import CorrectForm, GiveForm, credits_words
from reservations.models import CreditPack


@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """One's own balance, what runs out when, and the ledger."""
    site = Site.objects.first()
    me, now = signed_in(request), timezone.now()
    context = _account(me, now) | {"rows": _rows(ledger(me, now), None), "zone": site.zone if site else dt.UTC}
    return render(request, "fablab/credits/mine.html", context)


@for_role(is_staff)
def of_person(request: HttpRequest, reference: str) -> HttpResponse:
    """The same for the team, who hand out and correct."""
    return _page(request, file_of(request, reference))


def _page(
    request: HttpRequest, person: Person, *, giving: GiveForm | None = None, correcting: CorrectForm | None = None
) -> HttpResponse:
    now = timezone.now()
    context = _account(person, now)
    context |= {
        "person": person,
        "rows": _rows(ledger(person, now), signed_in(request)),
        "zone": own_site(request).zone,
        "give": giving or GiveForm(packs=_packs(), auto_id="give_%s"),
        "correct": correcting or (CorrectForm(lots=context["lots"], auto_id="correct_%s") if context["lots"] else None),
        "may_correct": is_manager(request.user),
        "may_give": person.pk != request.user.pk or is_manager(request.user),
    }
    return render(request, "fablab/credits/person.html", context, status=400 if giving or correcting else 200)


def _account(person: Person, now: dt.datetime) -> dict[str, Any]:
    lots = lots_open_to(person, now)
    return {"lots": lots, "balance": sum(lot.left for lot in lots), "now": now}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the ledger as its reader may know it: what is of another place is not named."""

    line: Line
    about: str
    url: str
    note: str
    author: str


def _rows(lines: Sequence[Line], staff: Person | None) -> list[Row]:
    """The newest first, for the person themselves or for somebody of the team. At most two queries."""
    authors = {line.entry.by_id for line in lines if line.entry and line.entry.by_id} if staff else set()
    known = set(colleagues_of(staff).filter(pk__in=authors).values_list("pk", flat=True)) if staff and authors else ()
    return [_row(line, staff, known) for line in reversed(lines)]


def _row(line: Line, staff: Person | None, known: Collection[int]) -> Row:
    entry = line.entry
    if entry is None:
        return Row(line, "", "", "", "")
    reserved, pack, author = entry.reservation, entry.lot.pack, ""
    if staff is not None and entry.by is not None:
        author = str(entry.by) if entry.by_id in known else _("another place")
    if reserved is None:
        return Row(line, pack.name if pack else "", "", entry.words, author)
    if staff is not None and not is_staff(staff, reserved):
        return Row(line, _("another place"), "", entry.words, author)
    return Row(line, reserved.what, reserved.get_absolute_url(), entry.words, author)


def _packs() -> list[CreditPack]:
    return list(CreditPack.objects.filter(archived_at=None))


@require_POST
@for_role(is_staff)
def give(request: HttpRequest, reference: str) -> HttpResponse:
    """A pack, or an amount by hand."""
    person, now = file_of(request, reference), timezone.now()
    form = GiveForm(request.POST, packs=_packs(), auto_id="give_%s")
    if form.is_valid():
        try:
            lot = give_credits(person=person, by=signed_in(request), now=now, **form.gift)
        except PeopleError as refused:
            form.refuse(refused)
        else:
            words = {"name": person, "credits": credits_words(lot.left)}
            messages.success(request, _("%(name)s has %(credits)s more.") % words)
            return redirect("people-credits", reference)
    return _page(request, person, giving=form)


@require_POST
@for_role(is_manager)
def correct(request: HttpRequest, reference: str) -> HttpResponse:
    """More or less of what was handed out, with a reason."""
    person, now = file_of(request, reference), timezone.now()
    form = CorrectForm(request.POST, lots=lots_open_to(person, now), auto_id="correct_%s")
    if form.is_valid():
        lot, words = form.lots[form.cleaned_data["lot"]], form.cleaned_data["words"]
        try:
            correct_credits(lot=lot, amount=form.signed_amount, words=words, by=signed_in(request), now=now)
        except NotEnoughCredits as refused:
            said = _("Only %(left)s are left of it: take away no more than that.")
            form.add_error("amount", said % {"left": credits_words(refused.left)})
        except PeopleError as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("Corrected. The ledger says why."))
            return redirect("people-credits", reference)
    return _page(request, person, correcting=form)


@require_safe
@for_role(is_manager)
def table(request: HttpRequest, reference: str) -> HttpResponse:
    """The ledger as CSV, oldest line first; noted in the file as exported."""
    person, me, now = file_of(request, reference), signed_in(request), timezone.now()
    note_access(person=person, by=me, deed=FileAccess.Deed.EXPORTED, now=now)
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="credits-{person.reference}-{now:%Y-%m-%d}.csv"'
    response.headers["Cache-Control"] = "no-store"
    writer, zone = csv.writer(response, delimiter=";"), own_site(request).zone
    writer.writerow([_("When"), _("What"), _("Got"), _("Used"), _("Balance"), _("About"), _("Words"), _("By")])
    for row in reversed(_rows(ledger(person, now), me)):
        line = row.line
        at = f"{line.at.astimezone(zone):%Y-%m-%d %H:%M}"
        # Without a sign: a spreadsheet would take it for a formula.
        sums = (line.amount, "") if line.amount > 0 else ("", -line.amount)
        cells = (at, line.words, *sums, line.balance, row.about, row.note, row.author)
        writer.writerow([plain_cell(value) for value in cells])
    return response

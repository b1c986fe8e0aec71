"""Requests that wait for the team: everything one needs to say yes or no, on one page."""

import datetime as dt
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from fablab.views.all_the_same import PRESSED, codes_named
from fablab.views.on_behalf import sentences
from fablab.views.roles import for_role
from people.models import FileAccess
from people.permissions import is_staff
from people.services import note_access
from people.signed_in import signed_in
from reservations.errors import ReservationRefused, WrongState
from reservations.life import approve, refuse
from reservations.messages import STATE_WORDS, Sentence, moment_words
from reservations.models import Reservation
from reservations.requests import Look, look_now, waiting_requests
from reservations.rule_names import names_of
from reservations.series_answers import answer_dates, dates_waiting
from reservations.wishes import NOTHING_SET_ASIDE, SetAside

SHOWN_MOST = 30
YES, NO = "approve", "refuse"


class AnswerForm(forms.Form):
    """The team's words to the person who asked; a no, and a rule set aside, want some."""

    decision = forms.CharField(
        label=gettext_lazy("Words for them"),
        max_length=240,
        error_messages={"required": gettext_lazy("Say why: the person will read it.")},
    )


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the page shows it; `failed` is the answer that could not be given, as it was written."""

    reservation: Reservation
    look: Look
    denials: list[Sentence]
    rules: list[str]
    yes: AnswerForm
    no: AnswerForm
    # How many dates of its series wait, itself among them; one where it is no series.
    dates: int = 1

    @property
    def codes(self) -> list[str]:
        return sorted({str(denial.code) for denial in self.look.denials})


@for_role(is_staff)
def requests(request: HttpRequest) -> HttpResponse:
    """All that wait at the person's sites, soonest first, with every rule as it is now."""
    return _page(request)


def _page(request: HttpRequest, reference: str = "", verdict: str = "", form: AnswerForm | None = None) -> HttpResponse:
    now, staff = timezone.now(), signed_in(request)
    rows = waiting_requests(staff=staff, now=now).with_places().select_related("holder", "team")
    found = list(rows.order_by("start", "pk")[: SHOWN_MOST + 1])
    written = {(reference, verdict): form}
    dates = dates_waiting(found, now)
    cards = [
        _card(request, row, written, dates.get((row.series_id or 0, row.site_id), 1)) for row in found[:SHOWN_MOST]
    ]
    context = {"cards": cards, "is_cut": len(found) > SHOWN_MOST, "now": now}
    return render(request, "fablab/life/requests.html", context, status=200 if form is None else 400)


def _card(
    request: HttpRequest, row: Reservation, written: dict[tuple[str, str], AnswerForm | None], dates: int
) -> Request:
    look = look_now(row)
    yes = written.get((row.reference, YES)) or _form(row, YES, is_wanted=bool(look.denials))
    no = written.get((row.reference, NO)) or _form(row, NO, is_wanted=True)
    rules = names_of(str(denial.code) for denial in look.denials)
    return Request(row, look, sentences(request, look.denials, row.holder), rules, yes, no, dates)


def _form(row: Reservation, verdict: str, *, is_wanted: bool, request: HttpRequest | None = None) -> AnswerForm:
    data = request.POST if request is not None else None
    form = AnswerForm(data, auto_id=f"id_{row.reference}_{verdict}_%s")
    form.fields["decision"].required = is_wanted
    if verdict == NO:
        form.fields["decision"].label = _("Why not?")
    elif is_wanted:
        form.fields["decision"].label = _("Why all the same?")
    return form


@require_POST
@for_role(is_staff)
def answer(request: HttpRequest, reference: str, verdict: str) -> HttpResponse:
    """Yes or no. What stands in the way by now is told first; a yes all the same names the rules it sets aside."""
    staff, now = signed_in(request), timezone.now()
    rows = Reservation.objects.visible_to(staff).with_places().select_related("holder")
    found = get_object_or_404(rows, reference=reference)
    if not is_staff(staff, found):
        raise PermissionDenied
    is_all_the_same = verdict == YES and PRESSED in request.POST
    form = _form(found, verdict, is_wanted=verdict == NO or is_all_the_same, request=request)
    if not form.is_valid():
        return _page(request, reference, verdict, form)
    words = form.cleaned_data["decision"]
    aside = SetAside(codes_named(request), words) if is_all_the_same else NOTHING_SET_ASIDE
    try:
        if request.POST.get("all_dates") == "1" and found.series_id is not None:
            return _answer_dates(request, found, verdict, words, now)
        if verdict == YES:
            approve(reservation=found, by=staff, now=now, decision=words, set_aside=aside)
        else:
            refuse(reservation=found, by=staff, now=now, decision=words)
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
    except ReservationRefused as refusal:
        for sentence in sentences(request, refusal.denials, found.holder):
            messages.error(request, f"{found.what}: {sentence.message} {sentence.next_step}")
    else:
        _say(request, found, verdict, now)
    return redirect("manage-requests")


def _answer_dates(request: HttpRequest, found: Reservation, verdict: str, words: str, now: dt.datetime) -> HttpResponse:
    """The same answer to each date of the series that waits; those that the rules refuse by now are still there."""
    staff = signed_in(request)
    report = answer_dates(reservation=found, is_yes=verdict == YES, by=staff, now=now, decision=words)
    if found.holder is not None and found.holder != staff:
        note_access(person=found.holder, by=staff, deed=FileAccess.Deed.RESERVED, now=now)
    count = len(report.made)
    yes = ngettext("Yes said to one date.", "Yes said to %(count)d dates.", count)
    no = ngettext("No said to one date.", "No said to %(count)d dates.", count)
    messages.success(request, (yes if verdict == YES else no) % {"count": count})
    if report.refused:
        left = len(report.refused)
        said = ngettext("One date cannot be had as it is: look at it.",
                        "%(count)d dates cannot be had as they are: look at them.", left)  # fmt: skip
        messages.warning(request, said % {"count": left})
    return redirect("manage-requests")


def _say(request: HttpRequest, found: Reservation, verdict: str, now: dt.datetime) -> None:
    if found.holder is not None and found.holder != request.user:
        note_access(person=found.holder, by=signed_in(request), deed=FileAccess.Deed.RESERVED, now=now)
    said = _("Yes said: %(what)s, %(moment)s.") if verdict == YES else _("No said: %(what)s, %(moment)s.")
    messages.success(request, said % {"what": found.what, "moment": moment_words(found.start, found.site.zone)})

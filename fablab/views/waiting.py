"""The waiting list: a place for a time that is taken, and leaving it again. Works without JavaScript."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fablab.lib.day_fields import FIRST_YEAR, LAST_YEAR
from fablab.lib.intervals import Interval
from fablab.lib.queries import query_word
from fablab.views.on_behalf import whom
from machines.models import Machine
from people.models import Person
from people.notices import is_reachable
from people.signed_in import signed_in
from reservations.errors import ReservationRefused, WrongState
from reservations.messages import STATE_WORDS, moment_words
from reservations.models import WaitingEntry
from reservations.rules import Code
from reservations.waiting import join_waiting, leave_waiting, waiting_for

OFFER, AT_ONCE, TELL = "offer", "at-once", "tell"
LONGEST_MIN = 60 * 24 * 62


class WaitingForm(forms.Form):
    """For which time, and what is to happen when it becomes free."""

    start_at = forms.DateTimeField(widget=forms.HiddenInput)
    end_at = forms.DateTimeField(widget=forms.HiddenInput, required=False)
    # A list of starts says its length once, instead of an end for each.
    minutes = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=LONGEST_MIN)
    how = forms.ChoiceField(
        label=gettext_lazy("When it becomes free"),
        choices=[
            (OFFER, gettext_lazy("Offer it to me: I have a quarter of an hour to say yes")),
            (AT_ONCE, gettext_lazy("Reserve it for me without asking")),
            (TELL, gettext_lazy("Only tell me when it is free")),
        ],
        initial=OFFER,
        widget=forms.RadioSelect,
    )
    any_of_model = forms.BooleanField(label=gettext_lazy("Another one of the same model will do"), required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        start, length = data.get("start_at"), data.get("minutes")
        for name in ("start_at", "end_at"):
            if data.get(name) and not FIRST_YEAR <= data[name].year <= LAST_YEAR:
                raise forms.ValidationError("", code="century")
        if start and length and not data.get("end_at"):
            data["end_at"] = start + dt.timedelta(minutes=length)
        if not data.get("end_at"):
            raise forms.ValidationError("", code="no_end")
        return data


@dataclass(frozen=True, slots=True)
class WaitingOffer:
    """What the page of a refusal says: the form, how many wait already, and whether word reaches the person."""

    form: WaitingForm
    ahead: int
    is_reachable: bool


def waiting_offer(
    machine: Machine,
    holder: Person | None,
    start: dt.datetime,
    end: dt.datetime,
    refusal: ReservationRefused,
    now: dt.datetime,
) -> WaitingOffer | None:
    """A place on the list, where nothing but somebody else stands in the way. Two queries at most."""
    if holder is None or start <= now or {denial.code for denial in refusal.denials} != {Code.TAKEN}:
        return None
    form = WaitingForm(initial={"start_at": _instant(start), "end_at": _instant(end)})
    if not machine.model_name:
        del form.fields["any_of_model"]
    return WaitingOffer(form, waiting_for(machine, Interval(start, end)).count(), is_reachable(holder))


def _instant(value: dt.datetime) -> str:
    return f"{value.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


@require_POST
@login_required
def join(request: HttpRequest) -> HttpResponse:
    """Put the person on the list; the team may do it for somebody else."""
    rows = Machine.objects.visible_to(signed_in(request)).with_places()
    machine = get_object_or_404(rows, slug=query_word(request.POST, "machine"))
    wanted_for, form = whom(request, machine), WaitingForm(request.POST)
    if wanted_for.person is None:
        raise Http404
    if not form.is_valid():
        messages.error(request, _("Choose a time first, then wait for it."))
        return redirect(machine)
    data = form.cleaned_data
    try:
        entry = join_waiting(
            machine=machine, person=wanted_for.person, start=data["start_at"], end=data["end_at"],
            by=signed_in(request), now=timezone.now(), any_of_model=data["any_of_model"],
            is_notice_only=data["how"] == TELL, accepts_at_once=data["how"] == AT_ONCE,
        )  # fmt: skip
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
        return redirect(machine)
    words = {"machine": machine.name, "moment": moment_words(entry.start, machine.site.zone)}
    messages.success(request, _("On the waiting list: %(machine)s, %(moment)s.") % words)
    return redirect("people-person", wanted_for.key) if wanted_for.is_other else redirect("me")


@require_POST
@login_required
def leave(request: HttpRequest, reference: str) -> HttpResponse:
    """One's own place on the list is given up."""
    entry = get_object_or_404(WaitingEntry, reference=reference, person=signed_in(request))
    try:
        leave_waiting(entry=entry, by=signed_in(request), now=timezone.now())
        messages.success(request, _("You wait no more for that time."))
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
    return redirect("me")

"""Settings: reservations that no longer fit. The list to telephone from, and telling, cancelling or keeping many at
once."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from fablab.unfit import Unfit, all_unfit, reasons_to_read
from fablab.views.roles import for_role
from fablab.views.settings_places import site_there
from people.models import FileAccess, Person
from people.permissions import is_manager
from people.services import note_accesses
from people.signed_in import signed_in
from reservations.settling import Choice, settle


class SettleForm(forms.Form):
    """Which of them, what to do, and what the people will read."""

    reservations = forms.MultipleChoiceField(
        error_messages={"required": gettext_lazy("Tick at least one."),
                        "invalid_choice": gettext_lazy("One of them fits again, or is over: look at the list anew.")},
    )  # fmt: skip
    choice = forms.ChoiceField(choices=[(choice.value, choice.value) for choice in Choice])
    why = forms.CharField(label=gettext_lazy("Why, as the people will read it"), max_length=200, required=False)

    def __init__(self, *args: Any, unfit: Sequence[Unfit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(row.reservation.reference, row.reservation.reference) for row in unfit]
        self.fields["reservations"].choices = known  # type: ignore[attr-defined]


@for_role(is_manager)
def calls(request: HttpRequest, slug: str) -> HttpResponse:
    """Reservations that no longer fit, with telephone numbers, for reading on paper; and what to do with them.

    Side effect: each person's file notes that it was read.
    """
    return _page(request, slug, None)


@require_POST
@for_role(is_manager)
def act(request: HttpRequest, slug: str) -> HttpResponse:
    """Tell the holders, cancel, or keep: those that were ticked."""
    site, now = site_there(request, slug), timezone.now()
    unfit = all_unfit(site=site, now=now)
    form = SettleForm(request.POST, unfit=unfit)
    if not form.is_valid():
        return _page(request, slug, form, status=400)
    wanted, choice = set(form.cleaned_data["reservations"]), Choice(form.cleaned_data["choice"])
    chosen = [row for row in unfit if row.reservation.reference in wanted]
    rows, why = [row.reservation for row in chosen], form.cleaned_data["why"]
    settled = settle(
        problems={row.reservation.pk: row.problem for row in chosen}, rows=rows, choice=choice, why=why,
        known={} if why else reasons_to_read(site=site, now=now, rows=rows), by=signed_in(request), now=now,
    )  # fmt: skip
    messages.success(request, _said(choice, settled.done))
    if settled.left:
        count = len(settled.left)
        words = ngettext("One is in use or over: it stays.", "%(count)d are in use or over: they stay.", count)
        messages.warning(request, words % {"count": count})
    return redirect("settings-calls", slug)


def _said(choice: Choice, count: int) -> str:
    words = {
        Choice.NOTIFY: ngettext("One person is told.", "%(count)d people are told.", count),
        Choice.CANCEL: ngettext("One reservation was cancelled.", "%(count)d reservations were cancelled.", count),
        Choice.KEEP: ngettext("One reservation is kept.", "%(count)d reservations are kept.", count),
    }[choice] % {"count": count}
    if choice == Choice.KEEP:
        return words
    return _("%(done)s Whom no message reaches stands on the call list of the desk.") % {"done": words}


def _page(request: HttpRequest, slug: str, form: SettleForm | None, *, status: int = 200) -> HttpResponse:
    site, now = site_there(request, slug), timezone.now()
    unfit = all_unfit(site=site, now=now)
    waiting = [row for row in unfit if row.settled != Choice.KEEP]
    _note_read(signed_in(request), [row.reservation.to_call for row in unfit], now)
    context: dict[str, Any] = {
        "site": site, "zone": site.zone, "unfit": waiting, "now": now, "form": form or SettleForm(unfit=waiting),
        "kept": [row for row in unfit if row.settled == Choice.KEEP],
        "ticked": set(request.POST.getlist("reservations")) if form else {row.reservation.reference for row in waiting},
        "back": f"{reverse('settings')}?site={site.slug}",
    }  # fmt: skip
    return render(request, "fablab/settings/calls.html", context, status=status)


def _note_read(by: Person, shown: Sequence[Person | None], now: dt.datetime) -> None:
    people = {person.pk: person for person in shown if person is not None}
    note_accesses(people=people.values(), by=by, deed=FileAccess.Deed.READ, now=now)

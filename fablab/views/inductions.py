"""Inductions: somebody asks for one with one tap, the team agrees on a time and says when it is done."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.documents.today import phone_of
from fablab.lib.ways_back import way_back
from fablab.views.people_door import own_site
from fablab.views.roles import for_role
from machines.errors import MachinesError
from machines.forms_inductions import CloseForm, GrantForm
from machines.induction_services import (
    ask_for_induction,
    close_induction,
    grant_after_induction,
    open_inductions,
)
from machines.models import InductionRequest, Machine
from people.errors import PeopleError
from people.permissions import is_staff
from people.selectors import people_of
from people.signed_in import signed_in

SHOWN = 100
GRANT = "grant"


@login_required
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for the induction that the machine wants: a page that asks first, and the deed. Twice is once."""
    rows = Machine.objects.visible_to(request.user).with_places()  # type: ignore[arg-type]
    machine = get_object_or_404(rows, slug=slug)
    wanted = machine.wanted_qualification
    if wanted is None:
        raise Http404
    back = way_back(request)
    if request.method == "POST":
        me, now = signed_in(request), timezone.now()
        ask_for_induction(person=me, qualification=wanted, site=machine.site, by=me, now=now)
        said = _("Asked for: the induction “%(what)s”. The team gets in touch with you.")
        messages.success(request, said % {"what": wanted.name})
        return redirect(back or machine)
    context = {"machine": machine, "wanted": wanted, "back": back}
    return render(request, "fablab/inductions/ask.html", context)


@for_role(is_staff)
def inductions(request: HttpRequest) -> HttpResponse:
    """All that wait at one's sites: by qualification, the oldest first, each with the ways to reach the person."""
    return _page(request)


def _page(request: HttpRequest, pk: int = 0, answer: str = "", form: Any = None) -> HttpResponse:
    rows = list(open_inductions(signed_in(request))[: SHOWN + 1])
    asking = {row.person_id for row in rows}
    known = set(people_of(signed_in(request)).filter(pk__in=asking).values_list("pk", flat=True)) if rows else set()
    cards = [_card(row, answer if row.pk == pk else "", form, row.person_id in known) for row in rows[:SHOWN]]
    groups = [(name, list(found)) for name, found in groupby(cards, key=lambda card: card["row"].qualification)]
    context = {"groups": groups, "is_cut": len(rows) > SHOWN, "has_many_sites": len({row.site_id for row in rows}) > 1}
    return render(request, "fablab/inductions/list.html", context, status=200 if form is None else 400)


def _card(row: InductionRequest, answer: str, form: Any, is_known: bool) -> dict[str, Any]:
    return {
        "row": row,
        # Whoever comes from another place asked here, and is reached; their file stays there.
        "is_known": is_known,
        "phone": phone_of(row.person),
        "grant": form if answer == GRANT else GrantForm(auto_id=f"grant_{row.pk}_%s"),
        "close": form if answer and answer != GRANT else CloseForm(auto_id=f"close_{row.pk}_%s"),
        "answer": answer,
    }


@require_POST
@for_role(is_staff)
def answer(request: HttpRequest, pk: str, answer: str) -> HttpResponse:
    """Done, with the qualification; or closed with some words."""
    me, now = signed_in(request), timezone.now()
    rows = InductionRequest.objects.select_related("person", "qualification", "site")
    found = get_object_or_404(rows, pk=pk)
    if not is_staff(me, found.site):
        raise PermissionDenied
    kind = GrantForm if answer == GRANT else CloseForm
    form: Any = kind(request.POST, auto_id=f"{answer}_{found.pk}_%s")
    if form.is_valid():
        try:
            if answer == GRANT:
                grant_after_induction(
                    request=found, level=form.cleaned_data["level"],
                    expires_at=form.expires_at(own_site(request), now), by=me, now=now,
                )  # fmt: skip
            else:
                close_induction(request=found, words=form.cleaned_data["words"], by=me, now=now)
        except MachinesError as refused:
            messages.info(request, refused.sentence)
        except PeopleError as refused:
            form.add_error(getattr(refused, "field", "") or None, str(refused.sentence))
            return _page(request, found.pk, answer, form)
        else:
            said = _("%(what)s: granted to %(name)s, who is told.") if answer == GRANT else _("%(name)s is told.")
            messages.success(request, said % {"what": found.qualification, "name": found.person})
        return redirect("manage-inductions")
    return _page(request, found.pk, answer, form)

"""Runs of which nobody was known: “It was me”, and the team's “It was …”."""

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fablab.lib.queries import query_word
from fablab.lib.ways_back import way_back
from fablab.views.roles import for_role
from iot.claims import UNDONE_WITHIN, claim_run, undo_claim
from iot.likely_users import CLAIMED_WITHIN, likely_users, unclaimed
from iot.models import UsageSession
from machines.models import Machine
from people.errors import NotAllowed, PeopleError
from people.models import Person
from people.permissions import is_staff
from people.selectors import matching, people_of, staff_sites
from people.signed_in import signed_in

RUNS_MOST = 50
FOUND_MOST = 12
WITH_MACHINE = (
    "machine__unit__site", "machine__category__qualification", "machine__qualification", "person", "claimed_by"
)  # fmt: skip


@require_safe
@for_role(is_staff)
def runs(request: HttpRequest) -> HttpResponse:
    """Those of the last week at one's sites, each with who it likely was; what was just said can be taken back."""
    me, now, slug = signed_in(request), timezone.now(), query_word(request.GET, "machine")
    here = Q(machine__unit__site__in=staff_sites(me)) & (Q(machine__slug=slug) if slug else Q())
    is_undone = Q(claimed_at__gt=now - UNDONE_WITHIN)
    rows = list(_both(here, is_undone, now)[: RUNS_MOST + 1])
    found = [row for row in rows if row.person_id is None][:RUNS_MOST]
    likely = likely_users(found, now, among=people_of(me))
    context = {
        "runs": [(row, likely.get(row.pk, [])) for row in found],
        "claimed": [row for row in rows if row.person_id is not None],
        "is_more": len(rows) > RUNS_MOST,
        "machine": Machine.objects.filter(slug=slug).first() if slug else None,
        "now": now,
    }
    return render(request, "fablab/runs/runs.html", context)


def _both(here: Q, is_undone: Q, now: dt.datetime) -> QuerySet[UsageSession]:
    is_nobodys = Q(person=None, team=None, reservation=None, start__gte=now - CLAIMED_WITHIN)
    rows = UsageSession.objects.filter(here, is_nobodys | is_undone).select_related(*WITH_MACHINE)
    return rows.order_by("-start", "-pk")


@for_role(is_staff)
def run(request: HttpRequest, reference: str) -> HttpResponse:
    """Whose it was, when none of the likely ones: found by name. Posted with a person, it is theirs."""
    me, now = signed_in(request), timezone.now()
    if request.method == "POST":
        return _say(request, reference, me, now)
    rows = unclaimed(now).filter(machine__unit__site__in=staff_sites(me)).select_related(*WITH_MACHINE)
    session, words = get_object_or_404(rows, reference=reference), query_word(request.GET, "q")
    theirs = people_of(me)
    context = {
        "run": session,
        "zone": session.machine.site.zone,
        "now": now,
        "likely": likely_users([session], now, among=theirs)[session.pk],
        "words": words,
        "found": list(matching(theirs, words)[:FOUND_MOST]) if words else [],
    }
    return render(request, "fablab/runs/run.html", context)


def _say(request: HttpRequest, reference: str, me: Person, now: dt.datetime) -> HttpResponse:
    rows = UsageSession.objects.filter(machine__unit__site__in=staff_sites(me)).select_related("machine__unit__site")
    session = get_object_or_404(rows, reference=reference)
    person = get_object_or_404(people_of(me), reference=query_word(request.POST, "person"))
    try:
        claim_run(session=session, person=person, by=me, now=now)
    except PeopleError as error:
        messages.error(request, str(error.sentence))
    else:
        messages.success(request, _("Written down: it was %(name)s.") % {"name": person})
    return redirect(way_back(request) or "manage-runs")


@require_POST
@login_required
def mine(request: HttpRequest, reference: str) -> HttpResponse:
    """“It was me.” Of runs that one is not asked about nobody learns that they exist."""
    me, now = signed_in(request), timezone.now()
    rows = UsageSession.objects.select_related("machine__unit__site")
    session = get_object_or_404(rows, reference=reference)
    try:
        claim_run(session=session, person=me, by=me, now=now)
    except NotAllowed as error:
        raise Http404 from error
    except PeopleError as error:
        messages.error(request, str(error.sentence))
    else:
        messages.success(request, _("Thank you. It counts as yours."))
    return redirect("me")


@require_POST
@login_required
def undo(request: HttpRequest, reference: str) -> HttpResponse:
    """It was not them after all."""
    me, now = signed_in(request), timezone.now()
    session = get_object_or_404(UsageSession.objects.select_related("machine__unit__site"), reference=reference)
    if session.claimed_by_id != me.pk and not is_staff(me, session.machine):
        raise PermissionDenied if is_staff(me) else Http404
    try:
        undo_claim(session=session, by=me, now=now)
    except PeopleError as error:
        messages.error(request, str(error.sentence))
    else:
        messages.success(request, _("Taken back."))
    return redirect(way_back(request) or "me")

"""What concerns the person who is signed in, and nobody else."""

import datetime as dt
from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.machines_away import machines_away
from fablab.my_machines import my_machines
from fablab.opened_times import opened, opened_sessions
from fablab.views.standing import my_standing
from machines.qualification_selectors import qualifications_of
from people.forms import TokenForm
from people.lab import current_lab
from people.models import ApiToken, Person, Site
from people.models.token import Scope, scopes_of
from people.signed_in import signed_in
from printing.models import PrintJob
from reservations.lent import leaves_the_place
from reservations.models import Reservation, Status
from reservations.models.reservation import OPEN
from reservations.selectors import has_run_out, places_of

PAST_SHOWN = 10
COMING_SHOWN = 50
TOKEN_DAYS = 365


@login_required
def me(request: HttpRequest) -> HttpResponse:
    """Today, what comes, what was; prints, qualifications, what ran at the machines in the last 30 days."""
    now, person = timezone.now(), signed_in(request)
    found, past = _coming_and_past(person, now)
    rows = [row for row in found if not has_run_out(row, now)]
    coming = [row for row in rows if row.end > now]
    return render(
        request,
        "fablab/me.html",
        {
            "coming": coming,
            "away": machines_away(coming, now),
            "offers": [row for row in coming if row.status == Status.HELD],
            "asked": [row for row in coming if row.status == Status.CONFIRMED and row.asked_at is not None],
            "places": places_of(person, now),
            "lent": [row for row in rows if row.holder_id == person.pk and _is_out(row)],
            "past": [(row, opened(row)) for row in past],
            "jobs": list(PrintJob.objects.filter(person=person).select_related("file", "machine")[:PAST_SHOWN]),
            "grants": list(qualifications_of(person, now)),
            **my_standing(person, now),
            "at_machines": my_machines(person, now),
            "now": now,
            "zone": _zone([*coming, *past]),
        },
    )


def _is_out(reservation: Reservation) -> bool:
    return reservation.status == Status.IN_USE and leaves_the_place(reservation)


def _coming_and_past(person: Person, now: dt.datetime) -> tuple[list[Reservation], list[Reservation]]:
    """Their own and those of others in which they take part, soonest first, what is still lent after its time too; and
    their own that are over, the last first. One query, a union in it: one "or" would read everybody's."""
    still = Reservation.objects.open().filter(Q(end__gt=now) | Q(status=Status.IN_USE)).order_by("start", "pk")
    over = Reservation.objects.filter(holder=person, end__lte=now).order_by("-start", "-pk")
    keys = [
        still.filter(holder=person).values("pk")[:COMING_SHOWN],
        still.filter(participants__person=person).values("pk")[:COMING_SHOWN],
        over.values("pk")[:PAST_SHOWN],
    ]
    shown = Reservation.objects.filter(pk__in=keys[0].union(*keys[1:]))
    rows = list(shown.with_places().annotate(**opened_sessions()).select_related("team").order_by("start", "pk"))
    coming = [row for row in rows if row.status in OPEN and (row.end > now or row.status == Status.IN_USE)]
    past = [row for row in rows if row.end <= now and row.holder_id == person.pk]
    return coming[:COMING_SHOWN], past[: -PAST_SHOWN - 1 : -1]


def _zone(rows: Sequence[Reservation]) -> dt.tzinfo:
    site = rows[0].site if rows else Site.objects.first()
    return site.zone if site else dt.UTC


@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """The person's API tokens; a new one is shown once."""
    scopes, fresh = scopes_of(current_lab()), ""
    form = TokenForm(request.POST or None, scopes=scopes)
    if request.method == "POST" and form.is_valid():
        _instance, fresh = ApiToken.objects.create(
            user=request.user,
            expiry=dt.timedelta(days=TOKEN_DAYS),
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
        )
        form = TokenForm(scopes=scopes)
    rows = list(ApiToken.objects.filter(user=request.user).order_by("-created"))
    for row in rows:
        row.scopes = [Scope(scope).label for scope in row.scopes if scope in scopes]
    return render(request, "fablab/tokens.html", {"form": form, "tokens": rows, "fresh": fresh})


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_key: str) -> HttpResponse:
    ApiToken.objects.filter(user=request.user, token_key=token_key).delete()
    messages.success(request, _("The token is revoked."))
    return redirect("tokens")

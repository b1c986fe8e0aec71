"""What concerns the person who is signed in, and nobody else."""

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.machines_away import machines_away
from fablab.views.standing import my_standing
from iot.models import UsageSession
from machines.qualification_selectors import qualifications_of
from people.forms import TokenForm
from people.lab import current_lab
from people.models import ApiToken, Person, Site, Suspension
from people.models.token import scopes_of
from people.signed_in import signed_in
from printing.models import PrintJob
from reservations.lent import leaves_the_place
from reservations.models import Reservation, Status
from reservations.selectors import has_run_out, places_of

PAST_SHOWN = 10
COMING_SHOWN = 50
TOKEN_DAYS = 365


@login_required
def me(request: HttpRequest) -> HttpResponse:
    """Today, what comes, what was; prints, qualifications, measured hours of the last 30 days."""
    now, person = timezone.now(), signed_in(request)
    mine = Reservation.objects.filter(holder=person).with_places().select_related("team")
    sessions = UsageSession.objects.filter(person=person, start__gte=now - dt.timedelta(days=30))
    used = sum(((end or now) - start for start, end in sessions.values_list("start", "end")), dt.timedelta(0))
    site = Site.objects.first()
    rows = [row for row in _coming(person, now) if not has_run_out(row, now)]
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
            "past": list(mine.filter(end__lte=now).order_by("-start")[:PAST_SHOWN]),
            "jobs": list(PrintJob.objects.filter(person=person).select_related("file", "machine")[:PAST_SHOWN]),
            "grants": list(qualifications_of(person, now)),
            **my_standing(person, now),
            "suspension": Suspension.objects.filter(person=person).holding_at(now).first(),
            "used": used,
            "now": now,
            "zone": site.zone if site else dt.UTC,
        },
    )


def _is_out(reservation: Reservation) -> bool:
    return reservation.status == Status.IN_USE and leaves_the_place(reservation)


def _coming(person: Person, now: dt.datetime) -> list[Reservation]:
    """Their own and those of others in which they take part, soonest first; what is still lent after its time too. A
    union: one "or" would read them all."""
    still = Reservation.objects.open().filter(Q(end__gt=now) | Q(status=Status.IN_USE)).order_by()
    keys = still.filter(holder=person).values("pk").union(still.filter(participants__person=person).values("pk"))
    rows = Reservation.objects.filter(pk__in=keys).with_places().select_related("team")
    return list(rows.order_by("start", "pk")[:COMING_SHOWN])


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
        row.scopes = [scope for scope in row.scopes if scope in scopes]
    return render(request, "fablab/tokens.html", {"form": form, "tokens": rows, "fresh": fresh})


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_key: str) -> HttpResponse:
    ApiToken.objects.filter(user=request.user, token_key=token_key).delete()
    messages.success(request, _("The token is revoked."))
    return redirect("tokens")

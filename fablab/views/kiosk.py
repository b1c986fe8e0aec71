"""The screen at the entrance and the computers that many share: card and one-time code, four plain choices."""

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from fablab.kiosk_seats import taken_until
from fablab.kiosk_session import (
    COOKIE,
    COOKIE_SALT,
    WARNING,
    forget_language,
    kiosk_of,
    mark_session,
    remember_kiosk,
    sign_out,
)
from fablab.lib.queries import query_word
from fablab.machine_status import State, machine_statuses
from machines.models import Machine
from machines.opening import opening_on
from machines.selectors import timetable
from people.errors import NotAllowed
from people.kiosks import call_somebody, person_at_kiosk
from people.models import Kiosk, Person
from people.sign_in_backends import BY_PASSWORD
from people.signed_in import signed_in
from reservations.life import CHECK_IN_OPENS
from reservations.models import Participant, Reservation, Status
from reservations.selectors import held_names, public_events

DAY = dt.timedelta(days=1)
EVENTS_MOST = 40
View = Callable[..., HttpResponse]


def on_enrolled_screen(view: View) -> View:
    """Only on a screen that the team enrolled; elsewhere 403, with what a kiosk is."""

    @wraps(view)
    @never_cache
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kiosk = kiosk_of(request)
        if kiosk is None:
            return render(request, "fablab/kiosk/elsewhere.html", status=403)
        return view(request, kiosk, *args, **kwargs)

    return wrapper


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Four choices; for whoever is signed in here, their own page. On any other screen: what this is."""
    kiosk = kiosk_of(request)
    if kiosk is None:
        response = render(request, "fablab/kiosk/elsewhere.html")
        # Of a screen that was revoked: it need not be looked up at each page.
        response.delete_cookie(COOKIE, samesite="Strict")
        return response
    if request.user.is_authenticated:
        # A page that thought the time was over came here by itself: it asks, rather than to count as somebody.
        return redirect("kiosk-still-here" if "ended" in request.GET else "kiosk-mine")
    context = {"kiosk": kiosk, "ended": query_word(request.GET, "ended"), "is_first_page": True}
    response = render(request, "fablab/kiosk/home.html", context)
    token = request.get_signed_cookie(COOKIE, default="", salt=COOKIE_SALT)
    remember_kiosk(response, str(token))
    if "ended" in request.GET:
        forget_language(response)
    return response


@on_enrolled_screen
def sign_in(request: HttpRequest, kiosk: Kiosk) -> HttpResponse:
    """First the card, then the code: one question a page. A reader types the card like a keyboard."""
    if request.user.is_authenticated:
        return redirect("kiosk-mine")
    card = query_word(request.POST, "card").strip()[:64]
    context = {"kiosk": kiosk, "card": card}
    if request.method != "POST" or not card:
        is_missing = request.method == "POST"
        status = 400 if is_missing else 200
        return render(request, "fablab/kiosk/card.html", context | {"is_missing": is_missing}, status=status)
    if "code" not in request.POST:
        return render(request, "fablab/kiosk/code.html", context)
    try:
        person = _let_in(request, kiosk, card)
    except NotAllowed as refusal:
        return render(request, "fablab/kiosk/code.html", context | {"refusal": refusal}, status=409)
    response = redirect("kiosk-mine")
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, person.language, samesite="Lax",
        secure=settings.IS_HTTPS,
    )  # fmt: skip
    return response


def _let_in(request: HttpRequest, kiosk: Kiosk, card: str) -> Person:
    """The person, signed in.

    Raises:
        NotAllowed: the card and the code, the person's rights, or a seat that somebody else has.
    """
    now, refusal, until = timezone.now(), None, None
    with transaction.atomic():
        try:
            person = person_at_kiosk(kiosk=kiosk, card_code=card, code=query_word(request.POST, "code"), now=now)
            until = taken_until(kiosk=kiosk, person=person, now=now)
        except NotAllowed as error:
            # Kept until the block is left: a wrong try must stay written.
            refusal = error
        if until is not None:
            # Right, but at the wrong computer: the code shall open the next one.
            transaction.set_rollback(True)
    if refusal is not None:
        raise refusal
    if until is not None:
        sentence = _("Somebody has this computer until %(time)s. Choose a free one: your code still works.")
        raise NotAllowed("seat_taken", sentence % {"time": f"{until.astimezone(kiosk.site.zone):%H:%M}"})
    login(request, person, backend=BY_PASSWORD)
    mark_session(request, kiosk, by="code")
    return person


@on_enrolled_screen
@require_safe
def mine(request: HttpRequest, kiosk: Kiosk) -> HttpResponse:
    """What is reserved today, with what can be done about it now."""
    if not request.user.is_authenticated:
        return redirect("kiosk-sign-in")
    now, zone = timezone.now(), kiosk.site.zone
    today = dt.datetime.combine(now.astimezone(zone).date(), dt.time(0), zone)
    person = signed_in(request)
    # Their own, and those of others in which they take part: of one person few, and each half has its index.
    comes = Q(pk__in=Participant.objects.filter(person=person).values("reservation"))
    rows = (
        Reservation.objects.filter(Q(holder=person) | comes)
        .open()
        .overlapping(now, today + DAY)
        .with_places()
        .order_by("start")
    )
    lines = [
        {
            "reservation": r,
            "zone": r.site.zone,
            "may_check_in": r.status == Status.CONFIRMED and r.start - CHECK_IN_OPENS <= now < r.end,
            "may_finish": r.status == Status.IN_USE,
        }
        for r in rows[:20]
    ]
    context = {"kiosk": kiosk, "lines": lines, "is_not_here": "not_here" in request.GET}
    return render(request, "fablab/kiosk/mine.html", context)


@on_enrolled_screen
@require_safe
def free_now(request: HttpRequest, kiosk: Kiosk) -> HttpResponse:
    """The machines of this site that are free at this minute, by kind."""
    rows = Machine.objects.visible_to(request.user).with_places().filter(unit__site=kiosk.site)  # type: ignore[arg-type]
    free = [status for status in machine_statuses(rows, timezone.now()) if status.state == State.FREE]
    return render(request, "fablab/kiosk/free.html", {"kiosk": kiosk, "free": free})


@on_enrolled_screen
@require_safe
def today(request: HttpRequest, kiosk: Kiosk) -> HttpResponse:
    """Opening hours and what the team announced for today. Nobody's own reservations."""
    now, zone = timezone.now(), kiosk.site.zone
    day = now.astimezone(zone).date()
    start = dt.datetime.combine(day, dt.time(0), zone)
    events = public_events(sites=[kiosk.site], start=start, end=start + DAY)[:EVENTS_MOST]
    context = {
        "kiosk": kiosk,
        "zone": zone,
        "now": now,
        "opening": opening_on(day, timetable(kiosk.site, day, day + DAY)),
        "events": [{"event": event, "places": held_names(event)} for event in events],
    }
    return render(request, "fablab/kiosk/today.html", context)


@on_enrolled_screen
def call(request: HttpRequest, kiosk: Kiosk) -> HttpResponse:
    """For a first visit, or any question: the way to somebody of the team. A tap tells them that somebody waits."""
    now = timezone.now()
    if request.method == "POST":
        call_somebody(kiosk=kiosk, now=now)
        return redirect("kiosk-help")
    return render(request, "fablab/kiosk/help.html", {"kiosk": kiosk, "called_at": kiosk.waiting_since(now)})


@on_enrolled_screen
def still_here(request: HttpRequest, kiosk: Kiosk) -> HttpResponse:
    """“Are you still there?”, asked a minute before the end. A yes (POST) begins the idle time anew."""
    back = query_word(request.POST, "next") or query_word(request.GET, "next")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = ""
    if request.method == "POST":
        # The middleware has written that somebody is here.
        return redirect(back or "kiosk") if "next" in request.POST else HttpResponse(status=204)
    watch = request.kiosk_watch  # type: ignore[attr-defined]
    ends_s = watch.ends_s if watch.is_signed_in else int(WARNING.total_seconds())
    context = {"kiosk": kiosk, "next": back, "ends_s": ends_s, "is_for_seat": watch.seat_s == watch.ends_s}
    return render(request, "fablab/kiosk/still_here.html", context)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out and make the screen ready for the next one.

    Raises:
        PermissionDenied: no enrolled screen; other browsers sign out where everybody does.
    """
    if kiosk_of(request) is None:
        raise PermissionDenied
    reasons = ("idle", "seat") if request.user.is_authenticated else ("reset",)
    why = query_word(request.POST, "why")
    return sign_out(request, why if why in reasons else "left")

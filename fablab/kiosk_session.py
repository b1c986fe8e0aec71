"""Sign-ins on enrolled screens end by themselves: after idle minutes, with the seat, and with the enrolment.

Asked at each request, on the server: it holds without JavaScript, and for whoever signed in there by password too.
"""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from fablab.kiosk_seats import NO_SEAT, Seat, seat_of
from people.kiosks import enrolled_kiosk
from people.lab import current_lab
from people.models import Kiosk, Module

COOKIE = "fablab_kiosk"
COOKIE_SALT = "fablab.kiosk"
# The longest that browsers keep one; each visit of the first page begins it anew.
COOKIE_LASTS = dt.timedelta(days=400)
MARK = "kiosk"
WARNING = dt.timedelta(seconds=60)
# Not on a screen that many share, when six digits were all they needed: keys, passwords and addresses to sign in with,
# secret addresses that calendars read, and all that is kept about somebody, in one file.
KEPT_AWAY = ("/accounts/", "/admin/", "/me/tokens/", "/me/calendar/", "/me/second-key/", "/me/data/")
# What pages write into the addresses that they go to by themselves.
BY_ITSELF = frozenset({"ended", "again"})
ALLOWED_ANYWAY = ("/accounts/logout/", "/accounts/login/")

View = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True, slots=True)
class Watch:
    """What the frame of each page on an enrolled screen needs, to warn in time. Seconds count from this answer."""

    kiosk: Kiosk
    is_signed_in: bool
    idle_s: int
    seat_s: int | None = None

    @property
    def ends_s(self) -> int:
        return self.idle_s if self.seat_s is None else min(self.idle_s, self.seat_s)

    @property
    def warns_s(self) -> int:
        """When a page without JavaScript asks whether anybody is still there."""
        return max(self.ends_s - int(WARNING.total_seconds()), self.ends_s // 2, 1)


def kiosk_of(request: HttpRequest) -> Kiosk | None:
    """The enrolled screen that the request comes from, asked once; None for every other browser, without a query."""
    if not hasattr(request, "_kiosk"):
        token = request.get_signed_cookie(COOKIE, default="", salt=COOKIE_SALT)
        is_wanted = bool(token) and current_lab().has(Module.KIOSK)
        request._kiosk = enrolled_kiosk(str(token), now=timezone.now()) if is_wanted else None  # type: ignore[attr-defined]
    return request._kiosk  # type: ignore[attr-defined, no-any-return]


def remember_kiosk(response: HttpResponse, token: str) -> None:
    """Make the browser the screen that the token belongs to."""
    response.set_signed_cookie(
        COOKIE, token, salt=COOKIE_SALT, max_age=COOKIE_LASTS, secure=settings.IS_HTTPS, httponly=True,
        samesite="Strict",
    )  # fmt: skip


def mark_session(request: HttpRequest, kiosk: Kiosk, *, by: str) -> None:
    """Tie the session to the screen, until the browser is closed at the latest. `by` is “code” or “password”."""
    request.session[MARK] = {"id": kiosk.pk, "at": int(timezone.now().timestamp()), "seat": None, "by": by}
    request.session.set_expiry(0)


def watch_kiosk_sessions(get_response: View) -> View:
    """Middleware; behind the one that knows who is signed in."""

    def middleware(request: HttpRequest) -> HttpResponse:
        reason = _reason_to_end(request)
        if reason:
            return sign_out(request, reason)
        mark = request.session.get(MARK) if getattr(request, "kiosk_watch", None) else None
        if mark and mark["by"] == "code" and _is_kept_away(request.path):
            return redirect(f"{reverse('kiosk-mine')}?not_here=1")
        return get_response(request)

    return middleware


def sign_out(request: HttpRequest, reason: str) -> HttpResponse:
    """End the session and go to the screen's first page, which says why."""
    logout(request)
    to = f"{reverse('kiosk')}?{urlencode({'ended': reason})}"
    response = HttpResponse(headers={"HX-Redirect": to}) if request.headers.get("HX-Request") else redirect(to)
    forget_language(response)
    return response


def forget_language(response: HttpResponse) -> None:
    """The next one at this screen may speak another."""
    response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")


def _reason_to_end(request: HttpRequest) -> str:
    """Why whoever is signed in on this screen is not any more; "" while they are, and for every other browser.

    Sets `request.kiosk_watch` on enrolled screens.
    """
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    if COOKIE not in request.COOKIES and not has_session:
        return ""
    kiosk = kiosk_of(request)
    is_signed_in = has_session and SESSION_KEY in request.session
    mark = request.session.get(MARK) if is_signed_in else None
    if kiosk is None:
        return "revoked" if mark else ""
    if not is_signed_in:
        request.kiosk_watch = Watch(kiosk, False, kiosk.idle_min * 60)  # type: ignore[attr-defined]
        return ""
    if mark is None:
        mark_session(request, kiosk, by="password")
        mark = request.session[MARK]
    return _look_at(request, kiosk, mark)


def _look_at(request: HttpRequest, kiosk: Kiosk, mark: dict[str, Any]) -> str:
    now = timezone.now()
    idle_left = mark["at"] + kiosk.idle_min * 60 - now.timestamp()
    if mark["id"] != kiosk.pk:
        return "revoked"
    if idle_left <= 0:
        return "idle"
    person_id = int(request.session[SESSION_KEY])
    seat = seat_of(kiosk=kiosk, person_id=person_id, known_id=mark["seat"], now=now)
    if seat.is_over:
        return "seat"
    is_here = _is_activity(request)
    if is_here or seat.reservation_id != mark["seat"]:
        at = int(now.timestamp()) if is_here else mark["at"]
        request.session[MARK] = mark | {"at": at, "seat": seat.reservation_id}
    # Rounded up: a page that goes away when the time is over must find it over.
    idle_s = kiosk.idle_min * 60 if is_here else math.ceil(idle_left)
    request.kiosk_watch = Watch(kiosk, True, idle_s, _seconds_left(seat, now))  # type: ignore[attr-defined]
    return ""


def _seconds_left(seat: Seat, now: dt.datetime) -> int | None:
    return None if seat == NO_SEAT or seat.end is None else max(0, math.ceil((seat.end - now).total_seconds()))


def _is_activity(request: HttpRequest) -> bool:
    """Whether somebody did something: pages that ask again by themselves are nobody, and neither is the question
    whether anybody is there, until it is answered."""
    if request.method == "POST":
        return True
    is_by_itself = request.headers.get("HX-Request") or request.path.startswith("/api/")
    return not (is_by_itself or BY_ITSELF & request.GET.keys() or request.path == reverse("kiosk-still-here"))


def _is_kept_away(path: str) -> bool:
    return path.startswith(KEPT_AWAY) and not path.startswith(ALLOWED_ANYWAY)

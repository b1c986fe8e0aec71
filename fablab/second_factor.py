"""Whoever acts for others signs in with two keys: a password, and a passkey or a code. The admin included."""

import ipaddress
import time
from collections.abc import Callable
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from people.models import Person
from people.permissions import is_of_team

SEEN = "second_factor_seen_s"
ENROLLED = "second_factor_enrolled"
# The page that was asked for before the key was there: where to go on.
GOAL = "second_factor_goal"
# Asked again after this long: another browser may have taken the second key away.
SEEN_FOR_S = 600
KEYS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
OPEN_NAMES = frozenset(
    {"second-factor", "set_language", "healthz", "readyz", "home", "address", "address-ca", "first-run"}
)
OPEN_PREFIXES = ("account_", "mfa_", "privacy", "legal", "accessibility", "contact", "help", "first-run")


class StaffNeedsSecondFactor:
    """Until the second key is there, somebody of the team sees only the page that asks for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not settings.STAFF_NEEDS_SECOND_FACTOR:
            return None
        if is_open(request):
            return None
        person = request.user
        if not isinstance(person, Person) or not is_of_team(person):
            return None
        if has_second_key(request, person):
            request.session.pop(GOAL, None)
            return None
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": _("Add your second key first.")}, status=403)
        if request.method == "GET" and not request.headers.get("HX-Request"):
            request.session[GOAL] = request.get_full_path()
        return redirect("second-factor")


def is_open(request: HttpRequest) -> bool:
    """Whether the page is one of those that sign in, set a key up, or are everybody's."""
    match = request.resolver_match
    name = match.url_name or "" if match else ""
    # Names under /admin/ may be anything; theirs are never open.
    is_admin = bool(match and match.app_name == "admin")
    return not is_admin and (name in OPEN_NAMES or name.startswith(OPEN_PREFIXES))


def passkeys_work(request: HttpRequest) -> bool:
    """Whether a browser offers passkeys at this address: by name, and either secure or on this very computer."""
    host = split_domain_port(request.get_host())[0]
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return request.is_secure() and not _is_number(host)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def has_second_key(request: HttpRequest, person: Person) -> bool:
    """Whether they have one and this very sign-in used or made it; mostly no query.

    That there is one does not do: a session which a stolen password opened before would be trusted from then on.
    """
    if time.time() - request.session.get(SEEN, 0) < SEEN_FOR_S:
        return True
    if not has_used_second_key(request) or not Authenticator.objects.filter(user=person, type__in=KEYS).exists():
        return False
    request.session[SEEN] = int(time.time())
    return True


def has_used_second_key(request: HttpRequest) -> bool:
    """Whether this sign-in passed through the second key, or made it."""
    records = get_authentication_records(request, request.user)
    return bool(request.session.get(ENROLLED)) or any(record.get("method") == "mfa" for record in records)


@receiver(authenticator_added)
def note_enrolled(sender: object, request: HttpRequest, authenticator: Authenticator, **kwargs: Any) -> None:
    if authenticator.type in KEYS:
        request.session[ENROLLED] = True


@receiver(authenticator_removed)
def look_again(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    request.session.pop(SEEN, None)
    request.session.pop(ENROLLED, None)

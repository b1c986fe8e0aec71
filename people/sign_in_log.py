"""Sign-ins in the log: those that were right, those that were not, and tries that were refused unseen.

Whoever reads the log learns a person's number, or a mark that is the same for the same name tried, and the network
that it came from: never a name, an address or a card.
"""

import ipaddress
import logging
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.stagekit import get_pending_stage
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from people.models import Kiosk, Person

log = logging.getLogger(__name__)
NETWORK_BITS = {4: 24, 6: 48}
NAMES = ("email", "username", "login")


def note_locked_out(request: HttpRequest, tried: str) -> None:
    """Tries came too fast: this one was not looked at. `tried` is "" where a second key was asked for."""
    stage = None if tried else get_pending_stage(request)
    known = request.user if request.user.is_authenticated else stage.login.user if stage else None
    log.warning("sign-in locked out %s from=%s", _mark(tried) if tried else _number(known), network_of(request))


def note_passkey_refused(request: HttpRequest) -> None:
    """Somebody tried to sign in with a passkey that is not known, or not right: nobody knows whose it is."""
    log.warning("passkey refused from=%s", network_of(request))


def note_refused_at_screen(kiosk: Kiosk, card: str, code: str) -> None:
    """Card and one-time code did not let anybody in, for the reason `code`."""
    log.warning("sign-in refused %s screen=%s reason=%s", _mark(card), kiosk.pk, code)


def network_of(request: HttpRequest | None) -> str:
    """The network of the browser, too large to tell one connection from another (/24, /48); "unknown" without one."""
    try:
        address = ipaddress.ip_address(get_adapter().get_client_ip(request) if request else "")
    except (ValueError, PermissionDenied, ImproperlyConfigured):
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, NETWORK_BITS[address.version]), strict=False))


@receiver(user_logged_in, dispatch_uid="people.sign_in_log.right")
def _note_right(request: HttpRequest | None, user: Person, **_more: Any) -> None:
    log.info("signed in %s from=%s", _number(user), network_of(request))


@receiver(user_login_failed, dispatch_uid="people.sign_in_log.wrong")
def _note_wrong(credentials: dict[str, Any], request: HttpRequest | None = None, **_more: Any) -> None:
    log.warning("sign-in failed %s from=%s", _mark(name_in(credentials)), network_of(request))


@receiver(authentication_failed, dispatch_uid="people.sign_in_log.second_key")
def _note_second_key(request: HttpRequest, user: Person, **_more: Any) -> None:
    log.warning("second key failed %s from=%s", _number(user), network_of(request))


def name_in(credentials: dict[str, Any]) -> str:
    """What was typed as the name, by whichever way it is looked up."""
    return next((str(credentials[name]) for name in NAMES if credentials.get(name)), "")


def _number(person: Any) -> str:
    return f"person={getattr(person, 'pk', None) or '?'}"


def _mark(name: str) -> str:
    digest = salted_hmac("people.sign_in_log", name.strip().casefold(), algorithm="sha256").hexdigest()
    return f"name={digest[:16]}"

"""Who may claim a lab that has no administrator yet: whoever sits at its machine, or holds the setup key."""

import base64
import hmac
import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.crypto import salted_hmac

KEY_LETTERS = 20  # of 32: 100 bits
SESSION_NAME = "first_run_key_shown"
# Any of them says that somebody else's request is being passed on.
PASSED_ON = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


def setup_key() -> str:
    """The key that `manage.py up` prints; made of this installation's secret, so it is stored nowhere."""
    digest = salted_hmac("fablab.first_run.setup_key", "claim", algorithm="sha256").digest()
    return base64.b32encode(digest).decode()[:KEY_LETTERS].lower()


def is_setup_key(given: str) -> bool:
    """Compared in constant time; spaces, dashes and capitals from typing it off a screen do not matter."""
    typed = "".join(c for c in given if c.isalnum()).lower()
    return hmac.compare_digest(typed.encode(), setup_key().encode())


def is_at_the_machine(request: HttpRequest) -> bool:
    """Whether the browser runs on the server itself, by its address and by the name it asked for, and no proxy.

    A proxy that says nothing of itself looks just like that: only a lab whose own address is this machine's is
    claimed without the key.
    """
    if settings.IS_PRODUCTION or not _is_this_machine(urlsplit(settings.PUBLIC_URL).hostname or ""):
        return False
    if settings.SECURE_PROXY_SSL_HEADER or any(name in request.META for name in PASSED_ON):
        return False
    host, _port = split_domain_port(request.get_host())
    return _is_loopback(request.META.get("REMOTE_ADDR", "")) and _is_this_machine(host.strip("[]"))


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or _is_loopback(host)


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def may_claim(request: HttpRequest) -> bool:
    """Whether this browser may make the first administrator."""
    return is_at_the_machine(request) or bool(request.session.get(SESSION_NAME))


def note_key_shown(request: HttpRequest) -> None:
    request.session[SESSION_NAME] = True

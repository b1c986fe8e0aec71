"""Whose connection a request comes over, so that nobody counts as many by having many addresses."""

import ipaddress
from typing import Any

from django.conf import settings

# A connection is given so much of an IPv6 address.
OF_ONE_BITS = 64


def caller_of(scope: dict[str, Any]) -> str:
    """Of an ASGI request, as sign-in counts it: the one that our own proxy names last, where there is one.

    Empty where nobody knows.
    """
    caller = str((scope.get("client") or ("",))[0])
    if proxies := settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        named = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
        hops = [hop.strip() for hop in named.split(",") if hop.strip()]
        caller = hops[-min(proxies, len(hops))] if hops else caller
    return connection_of(caller)


def connection_of(address: str) -> str:
    """What all addresses of one connection share; what is no address stays as it is."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        return str(known.ipv4_mapped or ipaddress.ip_network((known, OF_ONE_BITS), strict=False))
    return str(known)

"""The address that others type, and whether it opens on this computer alone."""

from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.http import HttpRequest

from fablab.lib.hosts import is_this_machine_only


def is_here_only(address: str) -> bool:
    """Whether no other device can open it."""
    return is_this_machine_only(urlsplit(address).hostname or "")


def address_for_others(request: HttpRequest) -> str:
    """The one by which this page was opened; if only this computer can, the lab's own, where others reach that."""
    own, known = f"{request.scheme}://{request.get_host()}", str(settings.ADDRESSES[0])
    return known if is_here_only(own) and not is_here_only(known) else own


def own_authority() -> x509.Certificate | None:
    """The certificate of the lab's own authority, its public half only.

    None when browsers know the certificate's maker already, or nobody can read the file.
    """
    if not settings.TLS_AUTHORITY:
        return None
    try:
        return x509.load_pem_x509_certificate(Path(settings.TLS_AUTHORITY).read_bytes())
    except (OSError, ValueError):
        return None

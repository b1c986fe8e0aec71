"""The address that others type, and whether it opens on this computer alone."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from fablab.up.checks import is_this_machine_only


def is_here_only(address: str) -> bool:
    """Whether no other device can open it."""
    return is_this_machine_only(urlsplit(address).hostname or "")


def address_for_others(request: HttpRequest) -> str:
    """The one by which this page was opened; if only this computer can, the lab's own, where others reach that."""
    own, known = f"{request.scheme}://{request.get_host()}", str(settings.ADDRESSES[0])
    return known if is_here_only(own) and not is_here_only(known) else own

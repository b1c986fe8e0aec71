"""Where somebody came from, carried in `?next=`: only ever a page of ours."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from fablab.lib.queries import query_word

LONGEST = 600


def way_back(request: HttpRequest, otherwise: str = "") -> str:
    """The address to return to, as it was handed on; `otherwise` when there is none or it leads elsewhere."""
    wanted = query_word(request.POST, "next") or query_word(request.GET, "next")
    is_ours = len(wanted) <= LONGEST and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts=None, require_https=request.is_secure()
    )
    return wanted if wanted and is_ours else otherwise

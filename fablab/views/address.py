"""Where the lab is found on the network, and how a device learns to trust its certificate. Nothing personal."""

import segno
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from fablab.addresses import is_here_only, own_authority
from fablab.lib.certificates import certificate_pem, fingerprint

# Of the type by which phones offer to install it.
AUTHORITY_TYPE = "application/x-x509-ca-cert"


@require_safe
def address(request: HttpRequest) -> HttpResponse:
    """The address, large and as a code to scan; with a certificate of the lab's making, how to trust it."""
    first, *others = settings.ADDRESSES
    certificate = own_authority()
    return render(
        request,
        "fablab/address.html",
        {
            "address": first,
            "others": others,
            "is_here_only": is_here_only(first),
            "code": segno.make(first, error="m", micro=False).svg_data_uri(scale=8, dark="#000", light="#fff"),
            "fingerprint": _in_lines(fingerprint(certificate)) if certificate else [],
        },
    )


@require_safe
def authority(request: HttpRequest) -> HttpResponse:
    """The certificate authority's certificate, for devices to trust; 404 without one of the lab's own."""
    certificate = own_authority()
    if certificate is None:
        raise Http404
    return HttpResponse(certificate_pem(certificate), content_type=AUTHORITY_TYPE)


def _in_lines(mark: str) -> list[str]:
    """Eight pairs a line: what two people compare aloud must not break within a pair."""
    pairs = mark.split(":")
    return [":".join(pairs[start : start + 8]) for start in range(0, len(pairs), 8)]

"""The lab's own certificate authority: fetched from the lab itself, believed by its fingerprint alone."""

import hashlib
import re
import ssl
import urllib.request
from urllib.parse import urlsplit

PATH = "/address/ca.crt"
MOST_BYTES = 64 * 1024


class AuthorityRefused(Exception):
    """What the lab shows is not what was asked for; the text says what to do."""


def trusting(lab_url: str, fingerprint: str, *, within_s: float) -> ssl.SSLContext:
    """TLS that believes the authority with this SHA-256 fingerprint (hexadecimal, colons or not) and no other.

    Raises:
        AuthorityRefused: no fingerprint, no https, out of reach, or another authority.
    """
    wanted = re.sub(r"[:\s]", "", fingerprint).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise AuthorityRefused("--fingerprint is 64 hexadecimal digits, as the lab's page /address/ shows them.")
    if urlsplit(lab_url).scheme != "https":
        raise AuthorityRefused("--fingerprint goes with an https:// address.")
    pem = _fetched(f"{lab_url}{PATH}", within_s)
    try:
        der = ssl.PEM_cert_to_DER_cert(pem)
    except ValueError as error:
        raise AuthorityRefused("The lab shows no certificate authority of its own. Check the address.") from error
    if hashlib.sha256(der).hexdigest() != wanted:
        raise AuthorityRefused("Somebody shows another certificate than the lab's: do not go on, tell the team.")
    # What was held against the fingerprint, and nothing that may stand behind it in the same answer.
    return ssl.create_default_context(cadata=der)


def _fetched(url: str, within_s: float) -> str:
    # Whoever sends it proves nothing by that: the fingerprint does.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=within_s) as response:
            return str(response.read(MOST_BYTES).decode("ascii", errors="replace"))
    except OSError as error:
        raise AuthorityRefused(f"The lab's certificate authority cannot be fetched: {error}") from error

"""Enrolment: a one-time code, shown by the lab, becomes this device's own password."""

import ipaddress
import json
import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .authority import AuthorityRefused, trusting
from .config import ConfigError, state_file_to_enrol, write_config
from .state import State

WITHIN_S = 20
ANSWER_MOST_BYTES = 64 * 1024


class EnrolmentRefused(Exception):
    """The lab did not accept the code, or could not be asked; the text says what to do."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    # A redirect could carry the code, and bring a password, over an address nobody checked.
    def redirect_request(self, *_details: Any) -> None:
        return None


def enrol(lab_url: str, code: str, config_file: Path, *, is_http_allowed: bool = False, fingerprint: str = "") -> str:
    """Exchange the code, write the settings, the password and the roster's key, return the device's name.

    All three are readable by this account only. Plain http is refused except to this very machine: the answer
    carries the password. With the `fingerprint` (SHA-256, in hexadecimal) of the lab's own certificate authority, that
    one is believed and no other.

    Raises:
        EnrolmentRefused: with a sentence for the person at the keyboard.
        OSError: the settings cannot be written.
    """
    _check_address(lab_url, is_http_allowed)
    try:
        state_file = state_file_to_enrol(config_file)
    except ConfigError as error:
        raise EnrolmentRefused(f"Mend the settings first; the code was not used. {error}") from error
    lab = lab_url.rstrip("/")
    try:
        context = trusting(lab, fingerprint, within_s=WITHIN_S) if fingerprint else None
    except AuthorityRefused as error:
        raise EnrolmentRefused(str(error)) from error
    answer = _ask(f"{lab}/api/v1/devices/enrol", code, context)
    password = answer.get("password")
    if not isinstance(password, str) or not password:
        raise EnrolmentRefused("The lab's answer has no password. Is this the address of the lab?")
    try:
        write_config(config_file, answer, password)
    except ConfigError as error:
        raise EnrolmentRefused(f"The lab's answer cannot be used: {error}") from error
    state = State(state_file)
    state.enrolled(_roster_key(answer))
    state.close()
    return str(answer["device"])


def _roster_key(answer: dict[str, Any]) -> str:
    """In hexadecimal; empty when the lab gave none, or none that can be used: nobody is let in offline then."""
    key = answer.get("roster_key")
    return key if isinstance(key, str) and re.fullmatch(r"(?:[0-9a-fA-F]{2}){16,64}", key) else ""


def _check_address(lab_url: str, is_http_allowed: bool) -> None:
    parts = urlsplit(lab_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EnrolmentRefused(f"{lab_url!r} is not an address. Write https://lab.example.org.")
    if parts.scheme == "http" and not (is_http_allowed or _is_this_machine(parts.hostname)):
        raise EnrolmentRefused("The password would travel unencrypted. Use https://, or --allow-http.")


def _ask(url: str, code: str, context: ssl.SSLContext | None) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 (the scheme was checked)
        url, data=json.dumps({"code": code}).encode(), headers={"Content-Type": "application/json"}
    )
    try:
        opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))
        with opener.open(request, timeout=WITHIN_S) as response:
            answer = json.loads(response.read(ANSWER_MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            raise EnrolmentRefused(f"The lab refused the code ({error.code}). Ask for a new one.") from error
    except OSError as error:
        if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
            raise EnrolmentRefused(
                "This computer does not know who made the lab's certificate. Add --fingerprint with what the lab's "
                "page /address/ shows."
            ) from error
        raise EnrolmentRefused(f"The lab cannot be reached: {error}") from error
    except ValueError as error:
        raise EnrolmentRefused("The answer is not the lab's. Check the address.") from error
    if not isinstance(answer, dict):
        raise EnrolmentRefused("The answer is not the lab's. Check the address.")
    return answer


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

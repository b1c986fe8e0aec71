"""Whom an agent believes that was given a fingerprint: that one certificate, and nothing that is sent along with it."""

import hashlib
import ssl
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fablab.lib.certificates import certificate_pem, make_authority
from iot.agent import authority
from iot.agent.authority import AuthorityRefused, trusting

NOW = datetime(2026, 11, 23, tzinfo=UTC)
URL = "https://lab.local:8443"


def made(name: str) -> tuple[str, bytes]:
    certificate = make_authority(name=name, own_names=[], now=NOW).certificate
    return certificate_pem(certificate).decode(), certificate.public_bytes(Encoding.DER)


def fingerprint_of(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch):
    """What the lab's address answers."""
    return lambda text: monkeypatch.setattr(authority, "_fetched", lambda *_given, **_more: text)


def trusted(context: ssl.SSLContext) -> list[bytes]:
    return context.get_ca_certs(binary_form=True)


def test_lab_s_own_authority_is_believed(shows) -> None:
    pem, der = made("Lab")
    shows(pem)

    assert trusted(trusting(URL, fingerprint_of(der), within_s=1)) == [der]


# As long a name as makes each of the three lengths that base64 fills up differently.
@pytest.mark.parametrize("name", ["Lab", "Lab1", "Lab12"])
def test_another_authority_behind_it_is_not_believed_with_it(shows, name) -> None:
    pem, der = made(name)
    shows(pem + made("Somebody else")[0])

    try:
        believed = trusted(trusting(URL, fingerprint_of(der), within_s=1))
    except AuthorityRefused:
        believed = []

    assert believed in ([], [der])


def test_another_authority_is_refused(shows) -> None:
    shows(made("Somebody else")[0])

    with pytest.raises(AuthorityRefused, match="another certificate"):
        trusting(URL, fingerprint_of(made("Lab")[1]), within_s=1)

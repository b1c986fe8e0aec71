"""The lab's own certificate and one that was given: contents, renewal, refusals."""

import datetime as dt
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fablab.lib.certificates import (
    CertificateFacts,
    Renewal,
    certificate_pem,
    covers,
    fingerprint,
    key_pem,
    make_authority,
    make_server_certificate,
    may_vouch_for,
    names_of,
    renewal,
)
from fablab.up.errors import CannotStart
from fablab.up.lan import Wish, opened_lan
from fablab.up.tls import given_tls, own_tls

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
NAMES = ("192.168.1.20", "atelier", "atelier.local", "localhost", "127.0.0.1", "::1")


# --- certificates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "wanted", "expected"),
    [
        pytest.param({}, {"10.0.0.5", "localhost"}, None, id="the same names"),
        pytest.param({}, {"localhost"}, None, id="an address went away"),
        pytest.param({}, {"10.0.0.6", "localhost"}, Renewal.NAME_MISSING, id="an address came"),
        pytest.param({"valid_until": NOW + 200 * DAY}, {"localhost"}, None, id="a long summer left"),
        pytest.param({"valid_until": NOW + 200 * DAY - dt.timedelta(seconds=1)}, {"localhost"}, Renewal.ENDS_SOON,
                     id="just under it"),
        pytest.param({"valid_until": NOW - DAY}, {"localhost"}, Renewal.ENDS_SOON, id="expired"),
        pytest.param({"valid_from": NOW + DAY}, {"localhost"}, Renewal.NOT_YET_VALID, id="the clock was put back"),
        pytest.param({"is_ours": False}, {"localhost"}, Renewal.OTHER_AUTHORITY, id="another authority"),
    ],
)  # fmt: skip
def test_certificate_is_renewed_when_due(changes, wanted, expected):
    usual = {
        "names": frozenset({"10.0.0.5", "localhost"}), "valid_from": NOW - DAY, "valid_until": NOW + 300 * DAY
    }  # fmt: skip

    assert renewal(CertificateFacts(**usual | changes), wanted=wanted, now=NOW) == expected


def test_missing_certificate_is_due():
    assert renewal(None, wanted=[], now=NOW) == Renewal.MISSING


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


def test_authority_signs_for_the_local_network_and_for_nobody_else():
    authority = make_authority(name="Atelier", own_names=NAMES, now=NOW).certificate

    basic, limits = extension(authority, x509.BasicConstraints), extension(authority, x509.NameConstraints)

    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert limits.critical
    assert all(may_vouch_for(authority, name) for name in [*NAMES, "other.local", "10.9.8.7", "fd00::5"])
    assert not any(may_vouch_for(authority, name) for name in ["bank.example", "xlocal", "1.1.1.1", "2001:db8::1"])
    assert authority.not_valid_after_utc - NOW == 3650 * DAY


def test_server_certificate_names_the_lab_and_cannot_sign():
    authority = make_authority(name="Atelier", own_names=NAMES, now=NOW)

    pair = make_server_certificate(authority=authority, names=NAMES, now=NOW)

    assert set(names_of(pair.certificate)) == set(NAMES)
    assert not extension(pair.certificate, x509.BasicConstraints).value.ca
    assert pair.certificate.public_key() == pair.key.public_key()
    assert pair.certificate.not_valid_after_utc - pair.certificate.not_valid_before_utc <= 825 * DAY
    pair.certificate.verify_directly_issued_by(authority.certificate)


def test_server_certificate_does_not_outlive_its_authority():
    authority = make_authority(name="Atelier", own_names=NAMES, now=NOW)

    pair = make_server_certificate(authority=authority, names=NAMES, now=NOW + 3600 * DAY)

    assert pair.certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_fingerprint_is_written_as_phones_show_it():
    certificate = make_authority(name="Atelier", own_names=[], now=NOW).certificate

    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", fingerprint(certificate))


@pytest.mark.parametrize(
    ("host", "is_covered"),
    [("lab.example", True), ("LAB.example", True), ("a.lab.example", True), ("a.b.lab.example", False), ("x", False)],
)
def test_certificate_covers_host(host, is_covered):
    assert covers(["lab.example", "*.lab.example"], host) is is_covered


def test_own_certificate_is_kept_and_its_authority_stays(tmp_path):
    first, _ = own_tls(tmp_path, names=NAMES, lab_name="Atelier", now=NOW)
    authority, server = first.authority_file.read_bytes(), first.certificate_file.read_bytes()

    again, _ = own_tls(tmp_path, names=NAMES, lab_name="Atelier", now=NOW + DAY)
    assert (again.authority_file.read_bytes(), again.certificate_file.read_bytes()) == (authority, server)
    moved, said = own_tls(tmp_path, names=["192.168.1.77", *NAMES], lab_name="Atelier", now=NOW + DAY)

    assert moved.authority_file.read_bytes() == authority
    assert "192.168.1.77" in names_of(x509.load_pem_x509_certificate(moved.certificate_file.read_bytes()))
    assert said == []
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {0o600}
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == [
        "ca.crt",
        "ca.key",
        "server.crt",
        "server.key",
    ]


def test_name_that_the_authority_may_not_vouch_for_is_left_out_and_said(tmp_path):
    own_tls(tmp_path, names=NAMES, lab_name="Atelier", now=NOW)

    tls, said = own_tls(tmp_path, names=["lab.example.org", *NAMES], lab_name="Atelier", now=NOW)

    assert tls.names == NAMES
    assert [sentence.partition(":")[0] for sentence in said] == ["The certificate does not cover lab.example.org"]


def test_authority_at_its_end_is_made_anew_and_said(tmp_path):
    before, _ = own_tls(tmp_path, names=NAMES, lab_name="Atelier", now=NOW)
    former = before.authority_file.read_bytes()

    after, said = own_tls(tmp_path, names=NAMES, lab_name="Atelier", now=NOW + 3640 * DAY)

    assert after.authority_file.read_bytes() != former
    assert said == ["The lab's certificate authority came to its end: phones must trust the new one once."]


# --- a certificate that was given ---------------------------------------------------------------------------------


@pytest.fixture
def given(tmp_path) -> tuple[Path, Path]:
    """A certificate for lab.example with its key, as files."""
    authority = make_authority(name="A", own_names=["lab.example"], now=NOW)
    pair = make_server_certificate(authority=authority, names=["lab.example"], now=NOW)
    certificate_file, key_file = tmp_path / "lab.pem", tmp_path / "lab.key"
    certificate_file.write_bytes(certificate_pem(pair.certificate))
    key_file.write_bytes(key_pem(pair.key))
    return certificate_file, key_file


def test_given_certificate_is_taken_as_it_stands(given):
    tls = given_tls(*given, NOW)

    assert (tls.certificate_file, tls.key_file) == given
    assert (tls.names, tls.authority_file) == (("lab.example",), None)


def locked_key() -> bytes:
    best = serialization.BestAvailableEncryption(b"secret")
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, best
    )


@pytest.mark.parametrize(
    ("spoil", "now", "sentence"),
    [
        pytest.param(lambda c, k: c.unlink(), NOW, r"certificate \S+ cannot be read \(No such file", id="missing"),
        pytest.param(lambda c, k: k.unlink(), NOW, r"private key \S+ cannot be read \(No such file", id="no key"),
        pytest.param(lambda c, k: c.write_text("?"), NOW, r"holds no certificate in PEM form", id="not a certificate"),
        pytest.param(lambda c, k: k.write_text("?"), NOW, r"holds no private key in PEM form", id="not a key"),
        pytest.param(lambda c, k: k.write_bytes(locked_key()), NOW, r"is locked by a password", id="locked key"),
        pytest.param(lambda c, k: k.write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1()))), NOW,
                     r"does not belong to the certificate", id="another key"),
        pytest.param(lambda c, k: None, NOW + 900 * DAY, r"expired on 2028-08-09: renew it", id="expired"),
        pytest.param(lambda c, k: None, NOW - 9 * DAY, r"is valid from 2026-05-31 12:00 UTC only", id="not yet valid"),
    ],
)  # fmt: skip
def test_given_certificate_that_cannot_serve_is_refused(given, spoil, now, sentence):
    spoil(*given)

    with pytest.raises(CannotStart, match=sentence) as refusal:
        given_tls(*given, now)

    assert "\n" not in str(refusal.value)


def test_given_certificate_decides_the_address(given, tmp_path):
    wish = Wish("192.168.1.20", 8443, 8080, certificate_file=given[0], key_file=given[1])

    lan, _ = opened_lan(wish, tmp_path, NOW)

    assert lan.urls == ("https://lab.example:8443",)
    assert "lab.example" in lan.allowed_hosts


def test_given_certificate_for_no_address_of_ours_needs_a_public_url(tmp_path):
    authority = make_authority(name="A", own_names=["lab.example"], now=NOW)
    pair = make_server_certificate(authority=authority, names=["*.lab.example"], now=NOW)
    (tmp_path / "c").write_bytes(certificate_pem(pair.certificate))
    (tmp_path / "k").write_bytes(key_pem(pair.key))

    with pytest.raises(CannotStart, match=r"covers no address of this machine .192.168.1.20.: set PUBLIC_URL"):
        opened_lan(Wish("192.168.1.20", 1, 2, certificate_file=tmp_path / "c", key_file=tmp_path / "k"), tmp_path, NOW)

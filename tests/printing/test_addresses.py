"""Which addresses a printer may have, and that the checked one is the one that is dialled."""

import datetime as dt
import ipaddress
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from printing.backends import (
    AddressRefused,
    CheckedAddress,
    PrinterError,
    PrinterProtocolError,
    PrinterUnreachable,
    Timeouts,
    checked_address,
)
from printing.backends.octoprint import OctoPrintBackend
from tests.contract.fake_octoprint import FakeOctoPrint

PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"]
LOCAL = ipaddress.ip_address("127.0.0.1")


@pytest.mark.parametrize(
    ("url", "origin", "prefix"),
    [
        ("http://192.168.1.20", "http://192.168.1.20", ""),
        ("http://192.168.1.20/", "http://192.168.1.20", ""),
        ("http://192.168.1.20:80", "http://192.168.1.20", ""),
        ("https://10.0.0.7:5001", "https://10.0.0.7:5001", ""),
        ("http://[fd00::7]:5000", "http://[fd00::7]:5000", ""),
        (" http://192.168.1.20/printer1/ ", "http://192.168.1.20", "/printer1"),
    ],
)
def test_address_in_a_listed_network_is_accepted(url, origin, prefix):
    address = checked_address(url, PRIVATE)

    assert (address.origin, address.path_prefix) == (origin, prefix)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://192.168.1.20", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("192.168.1.20", "scheme"),
        ("", "scheme"),
        ("http://user:pw@192.168.1.20", "userinfo"),
        ("http://192.168.1.20@127.0.0.1", "userinfo"),
        ("http://192.168.1.20/?a=b", "query"),
        ("http://192.168.1.20/#x", "query"),
        ("http://192.168.1.20:99999", "port"),
        ("http://192.168.1.20:0", "port"),
        ("http://192.168.1.20/../x", "path"),
        ("http://192.168.1.20/a b", "path"),
        ("http://", "host"),
        ("http://[::1", "host"),
        ("http://[fd00::1%25eth0]", "host"),
        ("http://a..b", "host"),
        ("http://a b", "host"),
        ("http://8.8.8.8", "network"),
        ("http://[2001:4860:4860::8888]", "network"),
        ("http://127.0.0.1:5432", "loopback"),
        ("http://localhost", "loopback"),
        ("http://[::1]", "loopback"),
        ("http://2130706433", "loopback"),
        ("http://0x7f.1", "loopback"),
        ("http://[::ffff:127.0.0.1]", "loopback"),
        ("http://169.254.169.254/latest", "forbidden"),
        ("http://[fe80::1]", "forbidden"),
        ("http://[::ffff:169.254.169.254]", "forbidden"),
        ("http://[fd00:ec2::254]", "forbidden"),
        ("http://0.0.0.0", "forbidden"),
        ("http://[::]", "forbidden"),
        ("http://224.0.0.1", "forbidden"),
        ("http://255.255.255.255", "forbidden"),
    ],
)
def test_other_address_is_refused_with_its_reason(url, reason):
    with pytest.raises(AddressRefused) as caught:
        checked_address(url, PRIVATE)

    assert (caught.value.reason, caught.value.code) == (reason, "address_refused")
    assert isinstance(caught.value, PrinterError)


@pytest.mark.parametrize(
    ("networks", "is_accepted"),
    [(["127.0.0.0/8"], True), (["127.0.0.1/32"], True), (["0.0.0.0/0"], False), ([], False)],
    ids=["loopback", "one address", "everything", "nothing"],
)
def test_loopback_passes_only_when_it_is_listed(networks, is_accepted):
    if is_accepted:
        assert checked_address("http://127.0.0.1:5000", networks).ip == LOCAL
    else:
        with pytest.raises(AddressRefused):
            checked_address("http://127.0.0.1:5000", networks)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["192.168.1.20", "8.8.8.8"], "network"),
        (["192.168.1.20", "169.254.169.254"], "forbidden"),
        (["192.168.1.20", "127.0.0.1"], "loopback"),
    ],
)
def test_name_is_refused_if_any_of_its_addresses_is(monkeypatch, answers, expected):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, 80)) for answer in answers]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)

    with pytest.raises(AddressRefused) as caught:
        checked_address("http://printer.example", PRIVATE)

    assert caught.value.reason == expected


def test_name_that_nobody_knows_is_unreachable():
    with pytest.raises(PrinterUnreachable):
        checked_address("http://no-such-printer.invalid", PRIVATE)


def test_network_that_is_none_is_a_mistake_in_the_settings():
    with pytest.raises(ValueError, match="does not appear to be"):
        checked_address("http://192.168.1.20", ["the attic"])


def test_pinned_address_is_dialled_while_the_name_stays_in_the_request():
    fake = FakeOctoPrint()
    # This name has no address: only the pinned one can be reached.
    address = CheckedAddress("http", "printer.invalid", fake.port, LOCAL)

    status = OctoPrintBackend(address, fake.api_key, Timeouts()).status()
    fake.stop()

    assert status.connection == "offline"
    assert fake.requests[0][2]["Host"] == f"printer.invalid:{fake.port}"


def certificate_for(name, folder):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem))
    return path


@pytest.mark.parametrize(
    ("name", "is_trusted", "is_accepted"),
    [("printer.invalid", True, True), ("other.invalid", True, False), ("printer.invalid", False, False)],
    ids=["right name", "another name", "unknown authority"],
)
def test_certificate_is_checked_against_the_name(tmp_path, name, is_trusted, is_accepted):
    path = certificate_for(name, tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    fake = FakeOctoPrint(tls=tls)
    address = CheckedAddress("https", "printer.invalid", fake.port, LOCAL)
    backend = OctoPrintBackend(address, fake.api_key, Timeouts(), ca_bundle=str(path) if is_trusted else "")

    try:
        if is_accepted:
            assert backend.probe().is_octoprint
        else:
            with pytest.raises(PrinterProtocolError):
                backend.probe()
    finally:
        fake.stop()

    assert bool(fake.requests) is is_accepted

"""Certificates for a lab without a domain: an authority of its own, and one certificate for its web server."""

import datetime as dt
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIVES = dt.timedelta(days=3650)
# Apple's devices refuse a server's certificate of more than 825 days: support.apple.com/103769.
SERVER_LIVES = dt.timedelta(days=800)
# Looked at when the lab is opened, and a lab may stay open from one summer to the next holidays.
RENEWED_BEFORE_END = dt.timedelta(days=200)
# A phone's clock may be behind.
VALID_SINCE = dt.timedelta(days=1)
# Names that only a local network knows: RFC 6762, RFC 6761, RFC 8375.
LOCAL_SUFFIXES = ("local", "localhost", "home.arpa")
# Addresses of local networks: RFC 1918, RFC 1122, RFC 3927, RFC 4193, RFC 4291.
LOCAL_NETWORKS = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
    *("fc00::/7", "fe80::/10", "::1/128"),
)


class Renewal(enum.StrEnum):
    """Why a new certificate is due."""

    MISSING = "missing"
    OTHER_AUTHORITY = "made by another authority"
    NOT_YET_VALID = "not yet valid"
    ENDS_SOON = "ends soon"
    NAME_MISSING = "a name or address is missing"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What decides whether a certificate still serves; `names` are host names and addresses as text."""

    names: frozenset[str]
    valid_from: dt.datetime
    valid_until: dt.datetime
    is_ours: bool = True


def renewal(facts: CertificateFacts | None, *, wanted: Iterable[str], now: dt.datetime) -> Renewal | None:
    """Why the server needs a new certificate now; None while this one serves. Pure.

    An address that went away is no reason: only one that came.
    """
    if facts is None:
        return Renewal.MISSING
    if not facts.is_ours:
        return Renewal.OTHER_AUTHORITY
    if now < facts.valid_from:
        return Renewal.NOT_YET_VALID
    if facts.valid_until - now < RENEWED_BEFORE_END:
        return Renewal.ENDS_SOON
    return Renewal.NAME_MISSING if set(wanted) - facts.names else None


def facts_of(certificate: x509.Certificate, authority: x509.Certificate | None = None) -> CertificateFacts:
    """The facts of a certificate; with an `authority`, whether that one made it."""
    return CertificateFacts(
        names=frozenset(names_of(certificate)),
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        is_ours=authority is None or _is_made_by(certificate, authority),
    )


def _is_made_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    # By key, not by name: a second authority of ours is called as the first.
    signer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return signer == authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def names_of(certificate: x509.Certificate) -> list[str]:
    """The host names and addresses a certificate stands for; empty without any."""
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*listed.get_values_for_type(x509.DNSName), *map(str, listed.get_values_for_type(x509.IPAddress))]


def covers(names: Iterable[str], host: str) -> bool:
    """Whether one of a certificate's names stands for the host; `*.lab.example` stands for one level."""
    wildcard = f"*.{host.partition('.')[2]}"
    return any(name.lower() in (host.lower(), wildcard.lower()) for name in names)


def make_authority(*, name: str, own_names: Iterable[str], now: dt.datetime) -> KeyPair:
    """An authority that can vouch for local names and addresses and for `own_names`, and for no other site.

    Phones that trust it are thereby not at the mercy of whoever takes its key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    own_names = list(own_names)
    hosts = dict.fromkeys([*LOCAL_SUFFIXES, *(name for name in own_names if not _is_address(name))])
    networks = dict.fromkeys(map(ip_network, [*LOCAL_NETWORKS, *filter(_is_address, own_names)]))
    limits = [*map(x509.DNSName, hosts), *map(x509.IPAddress, networks)]
    builder = (
        _builder(subject, subject, key.public_key(), now, now + AUTHORITY_LIVES)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(x509.NameConstraints(limits, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return KeyPair(builder.sign(key, hashes.SHA256()), key)


def make_server_certificate(*, authority: KeyPair, names: Iterable[str], now: dt.datetime) -> KeyPair:
    """A certificate for these host names and addresses, for 800 days or as long as its authority lives."""
    key = ec.generate_private_key(ec.SECP256R1())
    maker = authority.certificate
    until = min(now + SERVER_LIVES, maker.not_valid_after_utc)
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Fablab")])
    identifier = maker.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(subject, maker.subject, key.public_key(), now, until)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return KeyPair(builder.sign(authority.key, hashes.SHA256()), key)


def may_vouch_for(authority: x509.Certificate, name: str) -> bool:
    """Whether the authority's own limits let it vouch for this host name or address."""
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    if _is_address(name):
        address = ip_address(name)
        networks = [entry.value for entry in permitted if isinstance(entry, x509.IPAddress)]
        return any(address in network for network in networks if not isinstance(network, IPv4Address | IPv6Address))
    hosts = [entry.value for entry in permitted if isinstance(entry, x509.DNSName)]
    return any(name == host or name.endswith(f".{host}") for host in hosts)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as phones show it: pairs of capitals with colons."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Unencrypted: whoever may read the file may be the server."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, until: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID_SINCE)
        .not_valid_after(until)
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if _is_address(name) else x509.DNSName(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

"""The web server's certificate: the one that was given, checked, or one of our own making, kept and renewed."""

import datetime as dt
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from fablab.lib.certificates import (
    RENEWED_BEFORE_END,
    KeyPair,
    certificate_pem,
    facts_of,
    key_pem,
    make_authority,
    make_server_certificate,
    may_vouch_for,
    names_of,
    renewal,
)
from fablab.up.errors import CannotStart
from fablab.up.locks import not_writable

FOLDER = "tls"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tls:
    """What the web server speaks HTTPS with. `names` are those the certificate covers, wildcards as they stand.

    `authority_file` is None for a certificate that was given: browsers know its maker.
    """

    certificate_file: Path
    key_file: Path
    names: tuple[str, ...]
    authority_file: Path | None = None


def given_tls(certificate_file: Path, key_file: Path, now: dt.datetime) -> Tls:
    """The files as they stand, once they are fit to serve.

    Raises:
        CannotStart: unreadable, expired or not yet valid, or key and certificate differ.
    """
    certificate = _read(certificate_file, "certificate", x509.load_pem_x509_certificate)
    key = _read(key_file, "private key", _unlocked_key)
    if now > certificate.not_valid_after_utc:
        raise CannotStart(
            f"The certificate {certificate_file} expired on {certificate.not_valid_after_utc:%Y-%m-%d}: "
            "renew it, or leave out --tls-cert and --tls-key and the lab makes its own."
        )
    if now < certificate.not_valid_before_utc:
        raise CannotStart(
            f"The certificate {certificate_file} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC "
            "only: set this machine's clock, or wait."
        )
    if certificate.public_key() != key.public_key():
        raise CannotStart(f"The key {key_file} does not belong to the certificate {certificate_file}: give its own.")
    return Tls(certificate_file, key_file, tuple(names_of(certificate)))


def _unlocked_key(pem: bytes) -> PrivateKeyTypes:
    return serialization.load_pem_private_key(pem, password=None)


def _read(file: Path, what: str, load: Callable[[bytes], T]) -> T:
    try:
        return load(file.read_bytes())
    except OSError as error:
        raise CannotStart(f"The {what} {file} cannot be read ({error.strerror}). Correct its path or rights.") from None
    except TypeError:  # cryptography's word for a key that wants a password
        raise CannotStart(f"The {what} {file} is locked by a password: give one without.") from None
    except ValueError:
        raise CannotStart(f"{file} holds no {what} in PEM form (-----BEGIN …): give the right file.") from None


def own_tls(data_dir: Path, *, names: Sequence[str], lab_name: str, now: dt.datetime) -> tuple[Tls, list[str]]:
    """The lab's own certificate for these names, and a sentence for each thing a person should know.

    Side effects in order: folder, authority when missing or at its end, server's certificate when due; 0600 all.

    Raises:
        CannotStart: the folder cannot be written, or a kept file is no longer readable.
    """
    folder, said = data_dir / FOLDER, list[str]()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = _kept(folder, "ca")
        if authority is None or authority.certificate.not_valid_after_utc - now < RENEWED_BEFORE_END:
            if authority is not None:
                said.append("The lab's certificate authority came to its end: phones must trust the new one once.")
            authority = make_authority(name=f"{lab_name} (local network)", own_names=names, now=now)
            _keep(folder, "ca", authority)
        covered = [name for name in names if may_vouch_for(authority.certificate, name)]
        said += [
            f"The certificate does not cover {name}: the lab was called otherwise when {folder} was made. "
            "Move that folder away to make a new one, which phones must trust anew."
            for name in names
            if name not in covered
        ]
        server = _kept(folder, "server")
        facts = facts_of(server.certificate, authority.certificate) if server else None
        if renewal(facts, wanted=covered, now=now):
            _keep(folder, "server", make_server_certificate(authority=authority, names=covered, now=now))
    except PermissionError as error:
        raise not_writable(folder, error) from error
    return Tls(folder / "server.crt", folder / "server.key", tuple(covered), folder / "ca.crt"), said


def _kept(folder: Path, name: str) -> KeyPair | None:
    """The pair as kept; None when one of its files is missing."""
    certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    if not certificate_file.exists() or not key_file.exists():
        return None
    certificate = _read(certificate_file, "certificate", x509.load_pem_x509_certificate)
    key = _read(key_file, "private key", _unlocked_key)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        # Killed between the two files.
        return None
    return KeyPair(certificate, key)


def _keep(folder: Path, name: str, pair: KeyPair) -> None:
    for file, content in (
        (folder / f"{name}.key", key_pem(pair.key)),
        (folder / f"{name}.crt", certificate_pem(pair.certificate)),
    ):
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        draft.replace(file)

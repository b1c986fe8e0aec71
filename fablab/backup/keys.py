"""The keys without which a restored lab could not read what it had encrypted.

They travel only in a sealed archive: whoever finds an open one must not also get the keys to the printers and be able
to forge sign-ins. Passwords of the machine itself (database, broker) never travel: the next machine has its own.
"""

import hashlib
import json
import os
from pathlib import Path

from django.conf import settings

NAME = "secrets.json"
# The lab's own certificate authority, which people's phones trust already.
TLS = "tls/"
OF_THE_MACHINE = {"database_password", "broker_password"}


def secrets_path() -> Path:
    return Path(settings.DATA_DIR) / NAME


def travelling_secrets() -> bytes:
    """What a sealed archive holds of `secrets.json`; empty when the keys come from the environment."""
    try:
        known: dict[str, str] = json.loads(secrets_path().read_text())
    except FileNotFoundError:
        return b""
    return json.dumps({name: value for name, value in known.items() if name not in OF_THE_MACHINE}).encode()


def travelling_tls() -> dict[str, bytes]:
    """What a sealed archive holds of the certificates that the lab made for itself, by name in the archive."""
    folder = Path(settings.DATA_DIR) / TLS
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    return {f"{TLS}{path.name}": path.read_bytes() for path in files}


def take_tls(name: str, text: bytes) -> None:
    """Put one of them back, unless this machine has its own of that name.

    Raises:
        OSError: it cannot be written.
    """
    file = Path(settings.DATA_DIR) / TLS / Path(name).name
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(file, text)


def take_secrets(text: bytes) -> bool:
    """Put the archive's keys into `secrets.json`; returns whether that changed something.

    The former file stays beside it as `secrets.json.before-restore`. This process goes on with the new keys.

    Raises:
        OSError: the file cannot be written.
    """
    file = secrets_path()
    former, merged = _kept(), merged_with(text)
    if merged != former:
        if former:
            write_private(file.with_name(f"{NAME}.before-restore"), json.dumps(former, indent=1).encode())
        write_private(file, json.dumps(merged, indent=1).encode())
    take_into_process(merged)
    return merged != former


def merged_with(text: bytes) -> dict[str, str]:
    """The archive's keys, beside those of this machine that no archive has."""
    return {**_kept(), **json.loads(text)}


def _kept() -> dict[str, str]:
    file = secrets_path()
    return json.loads(file.read_text()) if file.exists() else {}


def take_into_process(merged: dict[str, str]) -> None:
    """Go on with these keys; those that the environment gives stand."""
    if not os.environ.get("FABLAB_FIELD_KEYS", "").strip() and "field_key" in merged:
        settings.FIELD_KEYS = [merged["field_key"]]
    if not os.environ.get("SECRET_KEY", "").strip() and "secret_key" in merged:
        settings.SECRET_KEY = merged["secret_key"]


def write_private(file: Path, content: bytes) -> None:
    """Write the file at once, for its owner alone, and on the disk.

    Raises:
        OSError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def field_key_marks() -> list[str]:
    """What tells one key from another without giving it away: keys are random, so a hash cannot be guessed back."""
    return [hashlib.sha256(key.encode()).hexdigest()[:16] for key in settings.FIELD_KEYS if key]

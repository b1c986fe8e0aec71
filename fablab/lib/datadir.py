"""Where this installation keeps its data, and the secrets it made for itself.

The folder holds the embedded database, uploaded files, logs and `secrets.json`.
"""

import hashlib
import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet

from fablab.lib import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent


def data_dir() -> Path:
    """The data folder: FABLAB_DATA_DIR, else `var/` in the checkout, else (as root) /var/lib/fablab/….

    As root the embedded database runs as another user, who may not be able to
    enter a checkout under a private home; hence a folder of its own.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        fingerprint = hashlib.sha256(str(BASE_DIR).encode()).hexdigest()[:8]
        default = Path("/var/lib/fablab") / f"{BASE_DIR.name}-{fingerprint}"
    else:
        default = BASE_DIR / "var"
    return env.path("FABLAB_DATA_DIR", default)


def load_secrets(folder: Path) -> dict[str, str]:
    """The installation's own secrets; those that are missing are made and kept (file mode 0600).

    Raises:
        OSError: the folder cannot be written.
    """
    file = folder / "secrets.json"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    made = {
        "secret_key": lambda: secrets.token_urlsafe(50),
        "database_password": lambda: secrets.token_urlsafe(24),
        "broker_password": lambda: secrets.token_urlsafe(24),
        "field_key": lambda: Fernet.generate_key().decode(),
    }
    missing = {name: make() for name, make in made.items() if name not in known}
    if missing:
        known |= missing
        folder.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(known, stream, indent=1)
        if file.exists() and not _would_add(file, known):
            draft.unlink()
            return json.loads(file.read_text())
        draft.replace(file)
    return known


def _would_add(file: Path, known: dict[str, str]) -> bool:
    # Two processes may start at once: the first one's secrets stand.
    return bool(set(known) - set(json.loads(file.read_text())))


def socket_dir(folder: Path) -> Path:
    """The private folder of the database's Unix socket.

    A socket's path may have 107 bytes on Linux and 103 on macOS, so a deep data folder gets a short one.
    """
    inside = folder / "run"
    if len(str(inside)) < 80:
        return inside
    fingerprint = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path("/tmp") / f"fablab-{os.getuid()}-{fingerprint}"  # noqa: S108 (created with mode 0700, ownership checked)

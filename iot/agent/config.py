"""The agent's one settings file, in TOML, and the password beside it."""

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DEVICE = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


class ConfigError(Exception):
    """The settings cannot be used; the text says which one and what is accepted."""


@dataclass(frozen=True)
class Config:
    """Where to report, as whom, and where to keep what could not be sent."""

    device: str
    host: str
    port: int
    is_tls: bool
    password_file: Path
    outbox_file: Path

    def password(self) -> str:
        """Raises: ConfigError."""
        try:
            return self.password_file.read_text().strip()
        except OSError as error:
            raise ConfigError(f"password_file: {error}. Enrol this device again.") from error


def read_config(file: Path) -> Config:
    """Read the settings; relative paths are relative to the file.

    Raises:
        ConfigError: the file is missing, or a setting is missing or wrong.
    """
    try:
        found = tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"{file}: {error}. Write one, or enrol: python -m iot.agent enrol.") from error
    except ValueError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    address = checked_address(found)
    return Config(
        **address,
        password_file=file.parent / _text(found, "password_file", "password"),
        outbox_file=file.parent / _text(found, "outbox_file", "outbox.sqlite3"),
    )


def checked_address(found: dict[str, Any]) -> dict[str, Any]:
    """`device`, `host`, `port` and `is_tls`, each of the right shape.

    Raises:
        ConfigError: names the first one that is not.
    """
    device, host = _text(found, "device"), _text(found, "host")
    port, is_tls = found.get("port", 1883), found.get("is_tls", False)
    if not _DEVICE.fullmatch(device):
        raise ConfigError(f"device = {device!r}: small letters, digits and hyphens, at least two.")
    if type(port) is not int or not 0 < port < 65536:
        raise ConfigError(f"port = {port!r}: a whole number from 1 to 65535.")
    if type(is_tls) is not bool:
        raise ConfigError(f"is_tls = {is_tls!r}: true or false.")
    return {"device": device, "host": host, "port": port, "is_tls": is_tls}


def write_config(file: Path, address: dict[str, Any], password: str) -> None:
    """Write the settings and, readable by this account only, the password.

    Raises:
        ConfigError: the address is not usable.
        OSError: the folder cannot be written.
    """
    checked = checked_address(address) | {"password_file": "password", "outbox_file": "outbox.sqlite3"}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file.parent / "password", password + "\n")
    # A JSON string, number or truth value reads the same in TOML.
    write_private(file, "".join(f"{name} = {json.dumps(value)}\n" for name, value in checked.items()))


def write_private(file: Path, text: str) -> None:
    """Replace the file in one step; only this account may read it."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def _text(found: dict[str, Any], name: str, default: str | None = None) -> str:
    value = found.get(name, default)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{name} = {value!r}: a text is needed.")
    return value.strip()

"""The settings of the connector to Bambu printers: one TOML file, which holds passwords and is its owner's only."""

import os
import ssl
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .toml_table import ConfigError, Table

PRINTERS_MOST = 50
# SHA-256 in hexadecimal, with or without colons between the bytes.
FINGERPRINT = r"(?i)[0-9a-f]{2}(:?[0-9a-f]{2}){31}"


@dataclass(frozen=True)
class BambuPrinter:
    """A printer and who it is in the lab; `fingerprint` is the SHA-256 of the certificate that it must show."""

    device: str
    password: str
    serial: str
    host: str
    access_code: str
    fingerprint: str
    port: int = 8883


@dataclass(frozen=True)
class LabBroker:
    """The lab's broker; `ca_file` in place of the authorities that the system trusts."""

    host: str
    port: int
    is_tls: bool
    ca_file: Path | None = None


@dataclass(frozen=True)
class BambuSettings:
    """Everything the connector needs."""

    lab: LabBroker
    printers: tuple[BambuPrinter, ...]


def read_bambu_settings(file: Path) -> BambuSettings:
    """Read the settings; a relative `ca_file` is relative to the file.

    Raises:
        ConfigError: the file is missing or readable by others, or a setting is missing, unknown or wrong.
    """
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise ConfigError(f"{file} holds passwords and can be read by others: chmod 600 {file}")
        text = file.read_text(encoding="utf-8")
        table = Table(tomllib.loads(text), text=text, source=file.name)
    except OSError as error:
        raise ConfigError(f"{file}: {error}. See the README, “Bambu printers”.") from error
    except ValueError as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    lab = _lab(table, file.parent)
    printers = table.table("printer")
    found = tuple(_printer(device, printers.table(device)) for device in printers.keys())  # noqa: SIM118 (no dict)
    table.refuse_others()
    if not 0 < len(found) <= PRINTERS_MOST:
        raise table.error("printer", f"1 to {PRINTERS_MOST} tables, such as [printer.bambu-1],")
    if len({printer.serial for printer in found}) < len(found):
        raise ConfigError(f"{file.name}: the same serial stands there twice.")
    return BambuSettings(lab, found)


def _lab(table: Table, folder: Path) -> LabBroker:
    is_tls = table.truth("is_tls", True)
    ca_file = folder / table.text("ca_file") if table.has("ca_file") else None
    if ca_file is not None:
        if not is_tls:
            raise table.error("ca_file", "is_tls = true beside it")
        try:
            ssl.create_default_context(cafile=ca_file)
        except OSError:
            raise table.error("ca_file", "a file with the authority's certificate, in PEM form,") from None
    port = table.whole("port", 8883 if is_tls else 1883, least=1, most=65535)
    return LabBroker(table.text("host"), port, is_tls, ca_file)


def _printer(device: str, table: Table) -> BambuPrinter:
    shown = "the SHA-256 that fablab-agent bambu --certificate-of prints"
    found = BambuPrinter(
        device=device,
        password=table.text("password", expected="the password that the lab showed for this device", is_secret=True),
        serial=table.text("serial", pattern=r"[A-Za-z0-9]{6,30}", expected="the serial number, letters and digits"),
        host=table.text("host", expected="the printer's address, such as 192.168.1.40"),
        access_code=table.text(
            "access_code", pattern=r"\S{4,64}", expected="the printer's LAN access code", is_secret=True
        ),
        fingerprint=table.text("certificate_sha256", pattern=FINGERPRINT, expected=shown).replace(":", "").lower(),
        port=table.whole("port", 8883, least=1, most=65535),
    )
    table.refuse_others()
    return found

"""The agent's one settings file, in TOML, and the password beside it."""

import json
import os
import re
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .settings import Settings, read_settings
from .toml_table import ConfigError, Table

__all__ = [
    "Config",
    "ConfigError",
    "Keypad",
    "Machine",
    "Reader",
    "Seat",
    "checked_address",
    "read_config",
    "write_config",
]

_DEVICE = r"[a-z0-9][a-z0-9-]{1,62}"
_PIN_MOST = 27  # BCM numbers of the Raspberry Pi's 40-pin header
_BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
EMERGENCY_STOP = "emergency_stop"
AUTHORITY_FILE = "ca.crt"


@dataclass(frozen=True)
class Machine:
    """A machine that the agent lets power through to. Pins are BCM numbers; None is not wired."""

    hardware: str
    relay_pin: int | None
    is_relay_active_high: bool
    button_pin: int | None
    busy_pin: int | None
    is_cut_at_end: bool
    is_follower: bool
    safety_pins: dict[str, int]


@dataclass(frozen=True)
class Seat:
    """A laptop or public PC: programs that lock, unlock and warn, each with its arguments; empty is none."""

    lock_command: tuple[str, ...]
    unlock_command: tuple[str, ...]
    warn_command: tuple[str, ...]
    is_locked_when_free: bool


@dataclass(frozen=True)
class Reader:
    """Where badges are read, and in which form the reader writes their numbers. `has_keypad`: codes are typed there
    too."""

    kind: str
    path: Path | None
    baud: int
    uid: str
    has_keypad: bool = False


@dataclass(frozen=True)
class Keypad:
    """Where the codes of phones are typed, beside the reader or without one."""

    kind: str
    path: Path | None
    baud: int


@dataclass(frozen=True)
class Config:
    """Where to report, as whom, where to keep what must not be lost, and what stands beside this computer."""

    device: str
    host: str
    port: int
    is_tls: bool
    password_file: Path
    outbox_file: Path
    state_file: Path
    ca_file: Path | None = None
    outbox_most_mb: int = 64
    is_clock_trusted: bool = False
    reboot_command: tuple[str, ...] = ()
    machine: Machine | None = None
    seat: Seat | None = None
    reader: Reader | None = None
    keypad: Keypad | None = None
    display_file: Path | None = None
    settings: Settings = field(default_factory=Settings)

    def password(self) -> str:
        """Raises: ConfigError."""
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise ConfigError(f"password_file: {error}. Enrol this device again.") from error


def read_config(file: Path) -> Config:
    """Read the settings; relative paths are relative to the file.

    Raises:
        ConfigError: the file is missing, or a setting is missing, unknown or wrong: with its line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: {error}. Write one, or enrol: fablab-agent enrol.") from error
    except ValueError as error:
        raise ConfigError(f"{file} is not UTF-8: {error}") from error
    table = Table(_parsed(text, file), text=text, source=file.name)
    config = _config(table, file.parent)
    _check_authority(table, config)
    return config


def _check_authority(table: Table, config: Config) -> None:
    if config.ca_file is None:
        return
    if not config.is_tls:
        raise table.error("ca_file", "is_tls = true beside it")
    try:
        ssl.create_default_context(cafile=config.ca_file)
    except OSError:
        raise table.error("ca_file", "a file with the authority's certificate, in PEM form,") from None


def state_file_to_enrol(file: Path) -> Path:
    """Where an enrolment with this settings file keeps the roster's key; the file may lack the address, or be missing.

    Raises:
        ConfigError: something else in it is wrong. Asked before the one-time code is spent.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    found = _parsed(text, file) | {"device": "to-enrol", "host": "to-enrol", "port": 1, "is_tls": False}
    return _config(Table(found, text=text, source=file.name), file.parent).state_file


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _config(table: Table, folder: Path) -> Config:
    machine = _machine(table.table("machine")) if table.has("machine") else None
    seat = _seat(table.table("seat")) if table.has("seat") else None
    if machine and seat:
        raise table.error("seat", "either [machine] or [seat], not both,")
    display = table.table("display")
    config = Config(
        **_address(table),
        password_file=folder / table.text("password_file", "password"),
        outbox_file=folder / table.text("outbox_file", "outbox.sqlite3"),
        state_file=folder / table.text("state_file", "state.sqlite3"),
        ca_file=folder / table.text("ca_file") if table.has("ca_file") else None,
        outbox_most_mb=table.whole("outbox_most_mb", 64, least=1, most=10_000),
        is_clock_trusted=table.truth("is_clock_trusted", False),
        reboot_command=table.words("reboot_command"),
        machine=machine,
        seat=seat,
        reader=_reader(table.table("reader")) if table.has("reader") else None,
        keypad=_keypad(table.table("keypad")) if table.has("keypad") else None,
        display_file=Path(display.text("path")) if table.has("display") else None,
        settings=read_settings(table.table("settings")),
    )
    for name, part in (("reader", config.reader), ("keypad", config.keypad)):
        if part and not (machine or seat):
            raise table.error(name, "a [machine] or [seat] that it opens")
    if config.reader and config.keypad:
        _check_apart(table, config.reader, config.keypad)
    display.refuse_others()
    table.refuse_others()
    return config


def _machine(table: Table) -> Machine:
    pins = table.table("safety_pins")
    machine = Machine(
        hardware=table.one_of("hardware", ("gpio", "simulated"), "gpio"),
        relay_pin=_pin(table, "relay_pin"),
        is_relay_active_high=table.truth("is_relay_active_high", True),
        button_pin=_pin(table, "button_pin"),
        busy_pin=_pin(table, "busy_pin"),
        is_cut_at_end=table.truth("is_cut_at_end", False),
        is_follower=table.truth("is_follower", False),
        safety_pins={name: pins.whole(name, least=0, most=_PIN_MOST) for name in pins.keys()},  # noqa: SIM118
    )
    if machine.hardware == "gpio" and machine.relay_pin is None:
        raise table.error("relay_pin", f"the BCM number of the relay's pin, 0 to {_PIN_MOST},")
    for name in machine.safety_pins:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            raise pins.error(name, "a name of small letters, such as emergency_stop or lid,")
    wired = [machine.relay_pin, machine.button_pin, machine.busy_pin, *machine.safety_pins.values()]
    used = [pin for pin in wired if pin is not None]
    if len(used) != len(set(used)):
        raise ConfigError("[machine]: two things on one pin; each needs its own.")
    table.refuse_others()
    return machine


def _pin(table: Table, key: str) -> int | None:
    return table.whole(key, least=0, most=_PIN_MOST) if table.has(key) else None


def _seat(table: Table) -> Seat:
    seat = Seat(
        lock_command=table.words("lock_command"),
        unlock_command=table.words("unlock_command"),
        warn_command=table.words("warn_command"),
        is_locked_when_free=table.truth("is_locked_when_free", False),
    )
    if not seat.lock_command:
        raise table.error("lock_command", 'the program that locks, such as ["loginctl", "lock-session"],')
    table.refuse_others()
    return seat


def _reader(table: Table) -> Reader:
    uid = table.one_of("uid", ("hex", "decimal", "reversed"), "hex")
    has_keypad = table.truth("has_keypad", False)
    return Reader(**_lines(table), uid=uid, has_keypad=has_keypad)


def _keypad(table: Table) -> Keypad:
    return Keypad(**_lines(table))


def _lines(table: Table) -> dict[str, Any]:
    """Where lines come from; the last that is asked of the table."""
    kind = table.one_of("kind", ("keyboard", "serial", "stdin"))
    path = None if kind == "stdin" else Path(table.text("path", expected="the reader's file in /dev"))
    baud = table.whole("baud", 9600, least=_BAUDS[0], most=_BAUDS[-1])
    if baud not in _BAUDS:
        raise table.error("baud", f"one of {', '.join(map(str, _BAUDS))}")
    table.refuse_others()
    return {"kind": kind, "path": path, "baud": baud}


def _check_apart(table: Table, reader: Reader, keypad: Keypad) -> None:
    if (reader.kind, reader.path) == (keypad.kind, keypad.path):
        raise table.error("keypad", "another device than the [reader], or has_keypad = true there,")
    if reader.has_keypad:
        raise table.error("keypad", "no [keypad] beside a [reader] with has_keypad = true")


def checked_address(found: Mapping[str, Any]) -> dict[str, Any]:
    """`device`, `host`, `port` and `is_tls`, each of the right shape.

    Raises:
        ConfigError: names the first one that is not.
    """
    return _address(Table(found))


def _address(table: Table) -> dict[str, Any]:
    return {
        "device": table.text(
            "device", pattern=_DEVICE, expected="a name of small letters, digits and hyphens, at least two,"
        ),
        "host": table.text("host", expected="the broker's name or address"),
        "port": table.whole("port", 1883, least=1, most=65535),
        "is_tls": table.truth("is_tls", False),
    }


def write_config(file: Path, address: Mapping[str, Any], password: str) -> None:
    """Write the settings and, readable by this account only, the password; beside them `ca.crt`, the lab's own
    authority, where the address has one in `ca`.

    Tables of an earlier file ([machine], [reader], …) stay as they were written: only the address is new.

    Raises:
        ConfigError: the address is not usable.
        OSError: the folder cannot be written.
    """
    checked = checked_address(address)
    authority = _checked_authority(address) if checked["is_tls"] else ""
    replaced = set(checked)
    file.parent.mkdir(parents=True, exist_ok=True)
    earlier = file.read_text(encoding="utf-8") if file.exists() else ""
    write_private(file.parent / "password", password + "\n")
    if authority:
        write_private(file.parent / AUTHORITY_FILE, authority)
        checked["ca_file"] = AUTHORITY_FILE
    if authority or not checked["is_tls"]:
        # One that was named by hand is not the one of this broker.
        replaced.add("ca_file")
    # A JSON string, number or truth value reads the same in TOML.
    head = "".join(f"{name} = {json.dumps(value)}\n" for name, value in checked.items())
    write_private(file, head + _without_address(earlier, replaced))


def _checked_authority(address: Mapping[str, Any]) -> str:
    """Empty when the lab names none, as earlier ones do: the system's authorities count then."""
    text = address.get("ca") or ""
    if not text:
        return ""
    try:
        ssl.create_default_context(cadata=text)
    except (OSError, ValueError, TypeError):
        raise ConfigError("ca: a certificate in PEM form is expected.") from None
    return str(text)


def _without_address(text: str, names: set[str]) -> str:
    """An earlier file without its lines of the address, which stand before the first table."""
    kept, is_in_table = [], False
    for line in text.splitlines(keepends=True):
        is_in_table = is_in_table or line.lstrip().startswith("[")
        if is_in_table or line.partition("=")[0].strip() not in names:
            kept.append(line)
    return "".join(kept)


def write_private(file: Path, text: str) -> None:
    """Replace the file in one step; only this account may read it."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)

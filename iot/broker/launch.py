"""Which broker runs here, with which command and as which user."""

import os
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iot.broker import files
from iot.broker.access import BrokerUser
from iot.broker.doors import Doors

if os.name == "posix":
    import pwd

Program = Literal["mosquitto", "amqtt"]

# Debian installs Mosquitto in /usr/sbin, which is not on the PATH of an ordinary account.
_SYSTEM_PATH = os.pathsep.join(["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"])
_UNPRIVILEGED = ("fablab", "postgres", "nobody")
_PROJECT = Path(__file__).resolve().parent.parent.parent


class BrokerUnavailable(Exception):
    """The broker that FABLAB_BROKER asks for cannot be started here; the text says what to do."""


@dataclass(frozen=True)
class BrokerCommand:
    """How to start the broker.

    `user` is the account to become *before* exec (None: stay as one is); `env` is added to the environment;
    `reload_signal` makes it read its files again.
    """

    argv: tuple[str, ...]
    user: str | None
    env: dict[str, str]
    program: Program
    reload_signal: signal.Signals


def broker_folder(data_dir: Path) -> Path:
    """Where the broker's files are kept."""
    return data_dir / "broker"


def broker_command(
    data_dir: Path, port: int, *, users: Sequence[BrokerUser] | None = None, doors: Doors | None = None
) -> BrokerCommand:
    """Write the broker's files and return the command that starts it on 127.0.0.1:`port`, and on the `doors`.

    Without `users` they are read from the database. Mosquitto when installed, else amqtt;
    FABLAB_BROKER=mosquitto|amqtt forces one.

    Raises:
        BrokerUnavailable: the forced broker is unknown or not installed.
        OSError: the folder cannot be written, or the doors' certificate cannot be read.
    """
    program, executable = _chosen()
    folder, account = broker_folder(data_dir), _unprivileged_account()
    rows = users if users is not None else _current_users()
    files.write_broker_files(folder, rows, port, doors=doors, owner_uid_gid=_ids_of(account))
    argv: tuple[str, ...]
    if program == "mosquitto":
        argv = (executable, "-c", str(folder / files.SETTINGS))
        # Mosquitto's own `user` setting drops after start, which clears the parent-death signal.
        return BrokerCommand(argv, account, {}, program, signal.SIGHUP)
    argv = (executable, "-m", "iot.broker.amqtt_server", "--folder", str(folder), "--port", str(port))
    if doors:
        argv += ("--host", doors.host, "--tls-port", str(doors.tls_port))
    if doors and doors.plain_port is not None:
        argv += ("--plain-port", str(doors.plain_port))
    if account:
        # The interpreter may lie under root's home where that account cannot reach it: it drops later.
        argv += ("--user", account)
    path = os.pathsep.join(filter(None, [str(_PROJECT), os.environ.get("PYTHONPATH")]))
    return BrokerCommand(argv, None, {"PYTHONPATH": path}, program, signal.SIGHUP)


def write_current_accounts(data_dir: Path, *, users: Sequence[BrokerUser] | None = None) -> Path:
    """Write who may connect, for the account that the broker runs as, and return the folder.

    Raises:
        OSError: the folder cannot be written.
    """
    folder, owner = broker_folder(data_dir), _ids_of(_unprivileged_account())
    files.write_accounts(folder, users if users is not None else _current_users(), owner_uid_gid=owner)
    return folder


def _current_users() -> Sequence[BrokerUser]:
    from iot.selectors import broker_users  # the only part that needs Django

    return broker_users()


def _ids_of(account: str | None) -> tuple[int, int] | None:
    if account is None:
        return None
    entry = pwd.getpwnam(account)
    return entry.pw_uid, entry.pw_gid


def _chosen() -> tuple[Program, str]:
    wanted = os.environ.get("FABLAB_BROKER", "").strip().lower()
    if wanted not in ("", "mosquitto", "amqtt"):
        raise BrokerUnavailable(f"FABLAB_BROKER={wanted!r} is not a broker. Write mosquitto or amqtt.")
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SYSTEM_PATH)
    if mosquitto and wanted != "amqtt":
        return "mosquitto", mosquitto
    if wanted == "mosquitto":
        raise BrokerUnavailable("FABLAB_BROKER=mosquitto, but Mosquitto is not installed. Install it or unset it.")
    return "amqtt", sys.executable


def _unprivileged_account() -> str | None:
    if os.name != "posix" or os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in _UNPRIVILEGED if name in known), None)

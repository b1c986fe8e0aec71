"""The files a broker reads: passwords, rights and settings, always written whole and renamed into place."""

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from iot.broker.access import BrokerUser
from iot.broker.doors import Doors

PASSWORDS = "passwords"
RIGHTS = "acl"
USERS = "users.json"
SETTINGS = "mosquitto.conf"
PID = "broker.pid"
CERTIFICATE, KEY = "tls.crt", "tls.key"

# A hostile megabyte must reach the quarantine, where somebody sees it, rather than vanish at the broker.
MAX_PACKET_BYTES = 1_500_000

# `max_inflight_messages`: more than one consumer takes at once (QUEUE_MOST and BATCH_MOST in iot/ingest/consumer.py).
# With fewer it is never seen to be full, and nobody would be told that more comes than can be stored.
_SETTINGS = """\
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/{passwords}
acl_file {folder}/{rights}
pid_file {folder}/{pid}
persistence false
persistent_client_expiration 1d
max_inflight_messages 6000
max_queued_messages 100000
max_packet_size {max_packet_bytes}
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
connection_messages false
"""
# Who comes in by a door is known there by the account alone: under another's client id, one would throw the other out.
_TLS_DOOR = """\
listener {port} {host}
use_username_as_clientid true
certfile {folder}/{certificate}
keyfile {folder}/{key}
"""
_PLAIN_DOOR = "listener {port} {host}\nuse_username_as_clientid true\n"


def write_broker_files(
    folder: Path,
    users: Sequence[BrokerUser],
    port: int,
    *,
    doors: Doors | None = None,
    owner_uid_gid: tuple[int, int] | None = None,
) -> None:
    """Write every file of the broker anew, each readable only by the user that the broker runs as.

    The folder is made when missing. The certificate of the `doors` is copied: that user cannot read the web server's.

    Raises:
        ValueError: two users share a name, or the folder's path cannot stand in Mosquitto's settings.
        OSError: the folder cannot be written, or the certificate or its key cannot be read.
    """
    settings = _settings(folder, port, doors)
    write_accounts(folder, users, owner_uid_gid=owner_uid_gid)
    if doors:
        _replace(folder / CERTIFICATE, doors.certificate_file.read_text(), owner_uid_gid)
        _replace(folder / KEY, doors.key_file.read_text(), owner_uid_gid)
    _replace(folder / SETTINGS, settings, owner_uid_gid)


def write_accounts(folder: Path, users: Sequence[BrokerUser], *, owner_uid_gid: tuple[int, int] | None = None) -> None:
    """Write who may connect and what they may do. A running broker sees the change after `reload_broker`.

    Raises:
        ValueError: two users share a name; the files are left as they are.
        OSError: the folder cannot be written.
    """
    if len({user.username for user in users}) != len(users):
        raise ValueError("Two broker users share a name; the files were left as they are.")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if owner_uid_gid:
        os.chown(folder, *owner_uid_gid)
    texts = {
        PASSWORDS: "".join(f"{user.username}:{user.password_hash}\n" for user in users),
        RIGHTS: "".join(_rights(user) for user in users),
        USERS: json.dumps([asdict(user) for user in users]),
    }
    for name, text in texts.items():
        _replace(folder / name, text, owner_uid_gid)


def read_users(folder: Path) -> dict[str, BrokerUser]:
    """The users by name, as last written.

    Raises:
        OSError: the file is missing or cannot be read.
        ValueError: the file is not ours.
    """
    rows = json.loads((folder / USERS).read_text())
    return {
        row["username"]: BrokerUser(
            row["username"], row["password_hash"], writes=tuple(row["writes"]), reads=tuple(row["reads"])
        )
        for row in rows
    }


def reload_broker(folder: Path) -> bool:
    """Tell the broker of this folder to read its files again; False when none is running.

    Clients whose account is gone or changed are disconnected by the broker.
    """
    pid = running_pid(folder)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        return False
    return True


def running_pid(folder: Path) -> int | None:
    """The recorded process, if it is alive and really is the broker of this folder.

    A pid file outlives a killed broker, and the number may by now belong to anybody.
    """
    try:
        pid = int((folder / PID).read_text())
    except (FileNotFoundError, ValueError):
        return None
    words = _command_line(pid)
    is_broker = any("mosquitto" in word or "iot.broker.amqtt_server" in word for word in words)
    is_ours = any(word in (str(folder), str(folder / SETTINGS)) for word in words)
    return pid if is_broker and is_ours else None


def _rights(user: BrokerUser) -> str:
    lines = [f"user {user.username}"]
    lines += [f"topic write {pattern}" for pattern in user.writes]
    lines += [f"topic read {pattern}" for pattern in user.reads]
    return "\n".join(lines) + "\n\n"


def _settings(folder: Path, port: int, doors: Doors | None) -> str:
    path = str(folder)
    if path != path.strip() or "\n" in path:
        raise ValueError(f"Mosquitto cannot be given the folder {path!r}.")
    text = _SETTINGS.format(
        port=port, folder=path, passwords=PASSWORDS, rights=RIGHTS, pid=PID, max_packet_bytes=MAX_PACKET_BYTES
    )
    if doors is None:
        return text
    text += _TLS_DOOR.format(port=doors.tls_port, host=doors.host, folder=path, certificate=CERTIFICATE, key=KEY)
    return text if doors.plain_port is None else text + _PLAIN_DOOR.format(port=doors.plain_port, host=doors.host)


def _replace(file: Path, text: str, owner_uid_gid: tuple[int, int] | None) -> None:
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            if owner_uid_gid:
                os.fchown(stream.fileno(), *owner_uid_gid)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _command_line(pid: int) -> list[str]:
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return []
    # macOS has no /proc; a path with blanks is then not recognised, and nothing is signalled.
    listed = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return listed.stdout.split()

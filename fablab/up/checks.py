"""What must be true before anything starts; each refusal is one sentence that says what to do."""

import errno
import http.client
import socket
import ssl
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from fablab.lib.hosts import is_this_machine_only
from fablab.up.errors import CannotStart
from fablab.up.locks import not_writable

REACH_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 2.0


def require_writable(folder: Path) -> None:
    """Make the data folder when it is missing, and write into it.

    Raises:
        FolderNotUsable: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise not_writable(folder, error) from error


def require_loopback(host: str) -> None:
    """Refuse to show the demo, whose passwords stand on its first page, to other machines.

    Raises:
        CannotStart: the host is not this machine only.
    """
    if not is_this_machine_only(host):
        raise CannotStart(
            f"The demo's accounts are public, so it opens on this machine only, not on {host}: "
            "add --no-demo, or leave out --host."
        )


def listening_socket(host: str, port: int, advice: str) -> socket.socket:
    """A socket that listens, for several processes to inherit.

    Raises:
        CannotStart: the port is taken or the address is not this machine's; ends with `advice`.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise CannotStart(f"{host!r} is not an address of this machine. {advice}") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # uvicorn takes an inherited socket for a Unix one and leaves this out; connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        reason = (
            "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        )
        raise CannotStart(f"Port {port} of {host} {reason}. {advice}") from error
    return listener


def require_free_port(host: str, port: int, advice: str) -> None:
    """Refuse a port on which something listens.

    Raises:
        CannotStart: it is taken; ends with `advice`.
    """
    listening_socket(host, port, advice).close()


def require_database(url: str) -> None:
    """Refuse a DATABASE_URL that does not answer; its password is not shown.

    Raises:
        CannotStart: with the server's own reason.
    """
    where = urlsplit(url).netloc.rpartition("@")[2] + urlsplit(url).path
    try:
        psycopg.connect(url, connect_timeout=int(REACH_TIMEOUT_S)).close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise CannotStart(
            f"The database of DATABASE_URL does not answer at {where} ({reason}). "
            "Start it or correct the address; without DATABASE_URL the lab brings its own."
        ) from error


def require_broker(url: str) -> None:
    """Refuse an MQTT_URL at which nothing answers; its password is not shown.

    Raises:
        CannotStart: with the reason.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    try:
        socket.create_connection((host, port), timeout=REACH_TIMEOUT_S).close()
    except OSError as error:
        raise CannotStart(
            f"The broker of MQTT_URL does not answer at {host}:{port} ({error.strerror or error}). "
            "Start it or correct the address; without MQTT_URL the lab brings its own."
        ) from error


def accepts_connections(host: str, port: int) -> bool:
    """Whether something accepts a TCP connection there."""
    try:
        socket.create_connection((host, port), timeout=ANSWER_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def is_healthy(host: str, port: int, path: str = "/healthz", *, is_https: bool = False) -> bool:
    """Whether GET `path` answers 200 within two seconds."""
    return answered_status(host, port, path, is_https=is_https) == HTTPStatus.OK


def answered_status(host: str, port: int, path: str = "/", *, is_https: bool = False) -> int | None:
    """The status of GET `path`, or None without an answer within two seconds; the certificate is not looked at."""
    connection = (
        http.client.HTTPSConnection(host, port, timeout=ANSWER_TIMEOUT_S, context=_any_certificate())
        if is_https
        else http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
    )
    try:
        connection.request("GET", path, headers={"Host": "127.0.0.1"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _any_certificate() -> ssl.SSLContext:
    # We ask our own socket by its address; a certificate that was given names the lab otherwise.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

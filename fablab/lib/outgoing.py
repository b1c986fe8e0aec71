"""The one guard through which the server fetches what somebody typed: pinned, without redirects, within limits."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from fablab.lib.outgoing_addresses import (
    OutgoingError,
    PinnedAddress,
    Resolver,
    ask_name_server,
    pinned_address,
    split_address,
)

__all__ = ["Answer", "OutgoingError", "fetch"]

READ_BYTES = 64 * 1024
OK, NOT_MODIFIED = 200, 304


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said: 200 with its body, or 304 where our mark still holds."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    url: str,
    *,
    allowed: Sequence[str] = (),
    timeout_s: float,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    schemes: Sequence[str] = ("https",),
    ca_bundle: str = "",
    resolve: Resolver = ask_name_server,
) -> Answer:
    """GET what was typed: the name is asked for once, and the address found then is the one dialled.

    Public addresses and those inside the networks `allowed` (CIDR) are accepted. `timeout_s` is for the whole, from
    the first word to the last byte, however slowly they trickle; only the name server keeps its own time.
    `ca_bundle` is the path of certificates to trust besides the usual ones. No proxy and no cookie takes part.

    Raises:
        OutgoingError: with the code of what was wrong.
        ValueError: `allowed` holds something that is no network.
    """
    parts = split_address(url, schemes=schemes)
    address = pinned_address(parts, allowed=allowed, is_public_allowed=True, resolve=resolve)
    path = http_path(parts.path, parts.query)
    sent = {
        "Host": address.origin.partition("://")[2],
        "User-Agent": "fablab",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **(headers or {}),
    }
    with _typed_errors(), _dialled(address, timeout_s, ca_bundle) as connection:
        connection.request("GET", path, headers=sent)
        # It keeps a hold of the line that the connection has let go.
        with closing(connection.getresponse()) as answer:
            _refuse(answer)
            body = _body(answer, max_bytes)
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


def http_path(path: str, query: str) -> str:
    """What to ask the server for: path and query, nothing that could end the line.

    Raises:
        OutgoingError: host, where it holds blanks or letters that need writing otherwise.
    """
    wanted = f"{path or '/'}?{query}" if query else path or "/"
    if not wanted.isascii() or not wanted.isprintable() or " " in wanted:
        raise OutgoingError("host")
    return wanted


@contextmanager
def _typed_errors() -> Iterator[None]:
    """Let nothing but OutgoingError out: the originals may carry the address, which is often a secret."""
    try:
        yield
    except ssl.SSLCertVerificationError:
        raise OutgoingError("certificate") from None
    except TimeoutError:
        raise OutgoingError("too_slow") from None
    except http.client.HTTPException:
        raise OutgoingError("unintelligible") from None
    except OSError:
        raise OutgoingError("unreachable") from None


@contextmanager
def _dialled(address: PinnedAddress, timeout_s: float, ca_bundle: str) -> Iterator[http.client.HTTPConnection]:
    """A connection to the checked IP, cut when the time is over: a timeout of each read would be renewed by a byte."""
    deadline = time.monotonic() + timeout_s
    raw = socket.create_connection((str(address.ip), address.port), timeout=timeout_s)
    # TLS takes the first handle over; this one still cuts the line.
    handle = raw.dup()
    cut = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [handle])
    cut.daemon = True
    connection = http.client.HTTPConnection(address.host, address.port)
    connection.sock = raw
    try:
        cut.start()
        if address.scheme == "https":
            connection.sock = _trust(ca_bundle).wrap_socket(raw, server_hostname=address.host)
        yield connection
    except (OSError, http.client.HTTPException) as error:
        # Cut from here, it looks like the other side's doing.
        if time.monotonic() >= deadline:
            raise TimeoutError from error
        raise
    finally:
        cut.cancel()
        connection.close()
        raw.close()
        handle.close()
    if time.monotonic() >= deadline:
        raise TimeoutError


def _cut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was faster.
        return


def _trust(ca_bundle: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_bundle:
        context.load_verify_locations(ca_bundle)
    return context


def _refuse(answer: http.client.HTTPResponse) -> None:
    if answer.status in (OK, NOT_MODIFIED):
        # A few packed bytes may unpack to gigabytes; it was asked for as it is.
        if answer.getheader("Content-Encoding", "identity").strip().lower() != "identity":
            raise OutgoingError("encoding")
        return
    raise OutgoingError("redirect" if 300 <= answer.status < 400 else "status", status=answer.status)


def _body(answer: http.client.HTTPResponse, max_bytes: int) -> bytes:
    body = bytearray()
    while chunk := answer.read1(READ_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise OutgoingError("too_large")
    if answer.length:
        # It ended before the length that it had announced.
        raise OutgoingError("unreachable")
    return bytes(body)

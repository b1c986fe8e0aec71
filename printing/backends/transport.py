"""One prepared HTTP session per printer: pinned address, limits, typed errors, no redirects."""

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from printing.backends.addresses import CheckedAddress
from printing.backends.base import (
    PrinterAuthError,
    PrinterConflict,
    PrinterError,
    PrinterProtocolError,
    PrinterRejected,
    PrinterUnreachable,
    Timeouts,
)

LARGEST_ANSWER_BYTES = 2 * 1024 * 1024
READ_BYTES = 64 * 1024
# Created, accepted, no content: some servers send nothing with them, under any content type.
WITHOUT_BODY = frozenset({201, 202, 204})

_ERROR_OF_STATUS: Mapping[int, type[PrinterError]] = {
    401: PrinterAuthError,
    403: PrinterAuthError,
    409: PrinterConflict,
    # What a reverse proxy says when the printer's server behind it is off.
    502: PrinterUnreachable,
    503: PrinterUnreachable,
    504: PrinterUnreachable,
    # PrusaLink: its USB stick is missing or full.
    507: PrinterConflict,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The only answers that are read: of these content types, and no larger."""

    content_types: frozenset[str] = frozenset({"application/json"})
    largest_bytes: int = LARGEST_ANSWER_BYTES


JSON_ANSWERS = Wanted()


def printer_session(
    address: CheckedAddress,
    api_key: str,
    timeouts: Timeouts,
    ca_bundle: str = "",
    *,
    wanted: Wanted = JSON_ANSWERS,
) -> requests.Session:
    """A session that only ever talks to this address; every failing answer is raised as a PrinterError.

    `ca_bundle` is the path of the certificates to trust instead of the usual ones. An empty key is not sent.
    """
    session = requests.Session()
    session.trust_env = False  # no proxy and no .netrc of the server's own user
    session.max_redirects = 0
    session.verify = ca_bundle or True
    session.headers.update({"User-Agent": "fablab", "Accept": ", ".join(sorted(wanted.content_types))})
    if api_key:
        session.headers["X-Api-Key"] = api_key
    # With a single adapter any other host has none: the key cannot go elsewhere.
    session.adapters.clear()
    session.mount(f"{address.origin}/", _PinnedAdapter(address, timeouts, wanted))
    return session


@contextmanager
def typed_errors() -> Iterator[None]:
    """Let nothing but PrinterError out of a block of requests: the originals may carry the key and the body.

    Raises:
        PrinterUnreachable: no connection, too slow, or cut off.
        PrinterProtocolError: not JSON, a certificate not accepted, or not allowed by the session.
    """
    try:
        yield
    except requests.exceptions.SSLError:
        raise PrinterProtocolError("The printer's certificate is not accepted") from None
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise PrinterUnreachable(f"No answer from the printer ({type(error).__name__})") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, RuntimeError) as error:
        # octorest raises RuntimeError with the whole body in its text.
        raise PrinterProtocolError(f"The printer's answer makes no sense ({type(error).__name__})") from None


class _PinnedAdapter(HTTPAdapter):
    """Dials the checked IP while the request, the Host header and TLS keep the name."""

    def __init__(self, address: CheckedAddress, timeouts: Timeouts, wanted: Wanted) -> None:
        self._address = address
        self._timeouts = timeouts
        self._wanted = wanted
        super().__init__(max_retries=0)

    def build_connection_pool_key_attributes(  # type: ignore[override]
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        host_part, pool_part = super().build_connection_pool_key_attributes(request, verify, cert)
        host = {**host_part, "host": str(self._address.ip)}
        if self._address.scheme == "http":
            return host, dict(pool_part)
        name = self._address.host
        return host, {**pool_part, "server_hostname": name, "assert_hostname": name}

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        # octorest drops the path of a printer behind a reverse proxy; it is put back here.
        return self._address.path_prefix + super().request_url(request, proxies)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = options.get("timeout") or (self._timeouts.connect_s, self._timeouts.read_s)
        request.headers["Host"] = self._address.origin.partition("://")[2]
        response = super().send(request, **options)
        _raise_for_status(response)
        _read_within_limits(response, 2 * self._timeouts.read_s, self._wanted)
        return response


def _raise_for_status(response: requests.Response) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    response.close()
    if status in _ERROR_OF_STATUS:
        error: type[PrinterError] = _ERROR_OF_STATUS[status]
    elif 400 <= status < 500:
        error = PrinterRejected
    else:
        error = PrinterProtocolError
    raise error(f"The printer answered with HTTP status {status}", status=status)


def _read_within_limits(response: requests.Response, limit_s: float, wanted: Wanted) -> None:
    """Replace the body by what was read of it; refuse one that is endless, trickles or is of another type."""
    is_whole = False
    try:
        body = _body(response.raw, time.monotonic() + limit_s, wanted.largest_bytes)
        is_whole = True
    except urllib3.exceptions.DecodeError:
        raise PrinterProtocolError("The printer's answer cannot be unpacked") from None
    except urllib3.exceptions.HTTPError as error:
        raise PrinterUnreachable(f"The printer's answer broke off ({type(error).__name__})") from None
    finally:
        if not is_whole:
            response.raw.close()  # half an answer is left in the connection: never use it again
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_empty = not body and response.status_code in WITHOUT_BODY
    if not is_empty and kind not in wanted.content_types:
        raise PrinterProtocolError("The answer is of another content type", status=response.status_code)
    response.raw = io.BytesIO(body)


def _body(raw: urllib3.HTTPResponse, deadline: float, largest_bytes: int) -> bytes:
    body = bytearray()
    # read1 returns what is there: the read timeout alone would let a byte every few seconds through.
    while chunk := raw.read1(READ_BYTES, decode_content=True):
        body += chunk
        if len(body) > largest_bytes:
            raise PrinterProtocolError(f"The answer exceeds {largest_bytes} bytes")
        if time.monotonic() > deadline:
            raise PrinterUnreachable("The printer's answer takes too long")
    return bytes(body)

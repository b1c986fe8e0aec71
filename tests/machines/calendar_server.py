"""A calendar on this machine, over HTTPS with a certificate of its own making, as somebody else's server would be."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.printing.test_addresses import certificate_for


class OtherSide:
    """What the server answers next, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.url = f"https://localhost:{port}/secret-word/basic.ics"
        self.status, self.body, self.etag = 200, b"", ""
        self.asked: list[dict[str, str]] = []

    def say(self, *events: str, etag: str = "") -> None:
        """A calendar with these events, each from its lines with `|` between."""
        blocks = ["\r\n".join(["BEGIN:VEVENT", *event.split("|"), "END:VEVENT"]) for event in events]
        text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *blocks, "END:VCALENDAR", ""])
        self.status, self.body, self.etag = 200, text.encode(), etag


@contextmanager
def calendar_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherSide]:
    """The server, allowed and trusted by the environment as an operator would write it."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            side.asked.append(dict(self.headers))
            is_known = side.etag and self.headers.get("If-None-Match") == side.etag
            status, body = (304, b"") if is_known else (side.status, side.body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if side.etag:
                self.send_header("ETag", side.etag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Not on the screen."""

    certificate = certificate_for("localhost", folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    side = OtherSide(server.server_port)
    monkeypatch.setenv("FABLAB_CALENDAR_NETWORKS", "127.0.0.0/8,::1/128")
    monkeypatch.setenv("FABLAB_CALENDAR_CA", str(certificate))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield side
    finally:
        server.shutdown()
        server.server_close()

"""A server in this process for the fakes of printers: what it was asked, and faults that no real one has to order."""

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API_KEY = "fake-key-0123456789abcdefghijklmnopqrstuvwxy"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that go away are what these tests are about."""


class FakeServer:
    """The server; `fault` is one of "", hang, trickle, html, redirect, bad_gateway, reset, endless, list."""

    def __init__(self, handler, path_prefix="", tls=None):
        self.api_key = API_KEY
        self.path_prefix = path_prefix
        self.fault = ""
        self.redirect_to = ""
        self.requests = []
        self.released = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.owner = self
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}{path_prefix}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self):
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class FaultyHandler(BaseHTTPRequestHandler):
    """Answers each request by `respond(fake, body)`, unless a fault is ordered."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._handle()

    def do_POST(self):
        self._handle()

    def do_PUT(self):
        self._handle()

    def do_DELETE(self):
        self._handle()

    def _handle(self):
        fake = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fake.requests.append((self.command, self.path, dict(self.headers)))
        if fake.fault:
            getattr(self, f"_{fake.fault}")(fake)
        else:
            self.respond(fake, body)

    def is_authorised(self, fake):
        return self.headers.get("X-Api-Key") == fake.api_key

    def answer(self, status, answer=None, **headers):
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8" if answer is None else "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _hang(self, fake):
        fake.released.wait(10)
        self.close_connection = True

    def _trickle(self, fake):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "10000")
        self.end_headers()
        while not fake.released.wait(0.05):
            try:
                self.wfile.write(b" ")
            except OSError:
                break
        self.close_connection = True

    def _html(self, fake):
        body = b"<html><body>Please log in SECRET-BODY</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, fake):
        self.send_response(302)
        self.send_header("Location", fake.redirect_to + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _bad_gateway(self, fake):
        self.answer(502, {"error": "SECRET-BODY"})

    def _list(self, fake):
        self.answer(200, ["SECRET-BODY"])

    def _endless(self, fake):
        self.answer(200, {"text": "x" * 3_000_000})

    def _reset(self, fake):
        # Linger 0: the kernel answers with RST instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

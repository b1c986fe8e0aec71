"""A small OctoPrint in this process: the answers of the real one, and the faults that it cannot be asked for.

The contract tests run on it and on the real one alike, so it cannot drift away unnoticed.
"""

import json
import re
import socket
import struct
import threading
import time
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API_KEY = "fake-key-0123456789abcdefghijklmnopqrstuvwxy"
PERMISSIONS = ["STATUS", "CONNECTION", "FILES_UPLOAD", "FILES_SELECT", "FILES_DELETE", "PRINT"]
BUSY = {"Printing", "Paused"}


class FakePrinter:
    """The state machine: a print lasts as long as its G4 lines, at least a third of a second."""

    def __init__(self):
        self.is_connected = False
        self.files = {}
        self.last_prints = {}
        self.uploads = []
        self.selected = None
        self.completion = None
        self.is_paused = False
        self.duration_s = 0.0
        self.done_s = 0.0
        self.going_since = None

    def state(self):
        """The name of the present state, after ending a print whose time has come."""
        if self.going_since is not None and self._elapsed_s() >= self.duration_s:
            self._end(100.0, is_success=True)
        if not self.is_connected:
            return "Offline"
        if self.is_paused:
            return "Paused"
        return "Printing" if self.going_since is not None else "Operational"

    def start(self, path):
        self.selected = path
        dwells_s = [int(found) for found in re.findall(rb"^G4 S(\d+)", self.files[path], re.MULTILINE)]
        self.duration_s = max(0.3, float(sum(dwells_s)))
        self.done_s, self.going_since, self.is_paused = 0.0, time.monotonic(), False

    def pause(self, action):
        if action == "pause" and not self.is_paused:
            self.done_s, self.going_since, self.is_paused = self._elapsed_s(), None, True
        elif action == "resume" and self.is_paused:
            self.going_since, self.is_paused = time.monotonic(), False

    def cancel(self):
        self._end(None, is_success=False)

    def vanish(self):
        """What a power cut leaves: offline, nothing selected, nothing recorded."""
        self.is_connected, self.selected, self.completion = False, None, None
        self.going_since, self.is_paused = None, False

    def job(self):
        state = self.state()
        is_busy = state in BUSY
        elapsed_s = self._elapsed_s()
        completion = 100 * elapsed_s / self.duration_s if is_busy else self.completion
        size = len(self.files[self.selected]) if self.selected in self.files else None
        return {
            "job": {"file": {"path": self.selected, "size": size, "origin": "local"}, "user": "fablab"},
            "progress": {
                "completion": completion,
                "printTime": int(elapsed_s) if is_busy else None,
                "printTimeLeft": int(self.duration_s - elapsed_s) if is_busy else None,
            },
            "state": state,
        }

    def _elapsed_s(self):
        running_s = time.monotonic() - self.going_since if self.going_since is not None else 0.0
        return self.done_s + running_s

    def _end(self, completion, *, is_success):
        self.completion, self.going_since, self.is_paused = completion, None, False
        self.last_prints[self.selected] = {"success": is_success, "date": time.time()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that go away are what these tests are about."""


class FakeOctoPrint:
    """The server; `fault` is one of "", hang, trickle, html, redirect, bad_gateway, reset, endless, list."""

    def __init__(self, path_prefix="", tls=None):
        self.api_key = API_KEY
        self.printer = FakePrinter()
        self.path_prefix = path_prefix
        self.fault = ""
        self.redirect_to = ""
        self.requests = []
        self.released = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._handle()

    def do_POST(self):
        self._handle()

    def do_DELETE(self):
        self._handle()

    def _handle(self):
        fake = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fake.requests.append((self.command, self.path, dict(self.headers)))
        if fake.fault:
            getattr(self, f"_{fake.fault}")(fake)
        elif self.headers.get("X-Api-Key") != fake.api_key:
            # Without a valid key the real one finds the CSRF cookie missing before it looks at permissions.
            self._answer(
                403 if self.command == "GET" else 400,
                {"error": "You don't have the permission to access the requested resource."},
            )
        elif not self.path.startswith(f"{fake.path_prefix}/api/"):
            self._answer(404, {"error": "Not found"})
        else:
            with fake.lock:
                status, answer = self._route(fake.printer, self.path.partition("/api/")[2].partition("?")[0], body)
            self._answer(status, answer)

    def _route(self, printer, path, body):
        if path.startswith("files/local"):
            return self._route_files(printer, path.removeprefix("files/local").strip("/"), body)
        if self.command == "GET":
            return {
                "version": (200, {"api": "0.1", "server": "1.11.8", "text": "OctoPrint 1.11.8"}),
                "currentuser": (200, {"name": "fablab", "groups": ["users"], "permissions": PERMISSIONS}),
                "connection": (200, {"current": {"state": printer.state().replace("Offline", "Closed")}}),
                "job": (200, printer.job()),
            }.get(path, (404, None))
        command = json.loads(body)
        if path == "connection":
            printer.is_connected = True
            return 204, None
        if path == "job":
            return self._command_job(printer, command)
        return 404, None

    def _command_job(self, printer, command):
        if printer.state() not in BUSY:
            return 409, {"error": "Printer is not printing, no current job to control"}
        if command["command"] == "cancel":
            printer.cancel()
        else:
            printer.pause(command["action"])
        return 204, None

    def _route_files(self, printer, path, body):
        in_use = printer.state() in BUSY
        if self.command == "POST" and not path:
            return self._upload(printer, body)
        if path not in printer.files:
            return 404, {"error": "Not found"}
        if self.command == "GET":
            file = {"path": path, "size": len(printer.files[path]), "origin": "local"}
            last = printer.last_prints.get(path)
            return 200, file | ({"prints": {"last": last}} if last else {})
        if self.command == "DELETE":
            if in_use and printer.selected == path:
                return 409, {"error": "Trying to delete file that is currently in use"}
            del printer.files[path]
            return 204, None
        if in_use or not printer.is_connected:
            return 409, {"error": "Printer is already printing, cannot select a new file"}
        printer.start(path)
        return 204, None

    def _upload(self, printer, body):
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        fields = {name: part.get_payload(decode=True) for name, part in parts.items()}
        name = parts["file"].get_filename()
        path = f"{fields['path'].decode()}/{name}"
        if not name.endswith((".gcode", ".gco", ".g")):
            return 415, {"error": "Could not upload file, invalid type"}
        if path in printer.files and fields.get("noOverwrite") == b"true":
            return 409, {"error": "File already exists and overwriting is disabled"}
        printer.files[path] = fields["file"]
        printer.uploads.append({"path": path, "userdata": json.loads(fields["userdata"])})
        local = {"name": name, "path": path, "origin": "local"}
        return 201, {
            "done": True,
            "effectiveSelect": False,
            "effectivePrint": False,
            "files": {"local": local},
        }

    def _answer(self, status, answer):
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8" if answer is None else "application/json")
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
        self._answer(502, {"error": "SECRET-BODY"})

    def _list(self, fake):
        self._answer(200, ["SECRET-BODY"])

    def _endless(self, fake):
        self._answer(200, {"text": "x" * 3_000_000})

    def _reset(self, fake):
        # Linger 0: the kernel answers with RST instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

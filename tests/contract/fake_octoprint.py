"""A small OctoPrint in this process: the answers of the real one, and the faults that it cannot be asked for.

The contract tests run on it and on the real one alike, so it cannot drift away unnoticed.
"""

import json
import re
import time
from email.parser import BytesParser
from email.policy import HTTP

from tests.contract.fake_server import FakeServer, FaultyHandler

PERMISSIONS = ["STATUS", "CONNECTION", "FILES_UPLOAD", "FILES_SELECT", "FILES_DELETE", "PRINT"]
BUSY = {"Printing", "Paused"}
TEMPERATURES = {
    "tool0": {"actual": 214.88, "target": 215.0, "offset": 0},
    "bed": {"actual": 59.96, "target": 60.0, "offset": 0},
}


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
        if self.going_since is not None and self.elapsed_s() >= self.duration_s:
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
            self.done_s, self.going_since, self.is_paused = self.elapsed_s(), None, True
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
        elapsed_s = self.elapsed_s()
        completion = 100 * elapsed_s / self.duration_s if is_busy else self.completion
        size = len(self.files[self.selected]) if self.selected in self.files else None
        return {
            "job": {"file": {"path": self.selected, "size": size, "origin": "local"}, "user": "fablab"},
            "progress": {
                "completion": completion,
                "filepos": int(size * completion / 100) if size and completion is not None else None,
                "printTime": int(elapsed_s) if is_busy or completion == 100 else None,
                "printTimeLeft": int(self.duration_s - elapsed_s) if is_busy else None,
                "printTimeLeftOrigin": "linear" if is_busy else None,
            },
            "state": state,
        }

    def elapsed_s(self):
        running_s = time.monotonic() - self.going_since if self.going_since is not None else 0.0
        return self.done_s + running_s

    def _end(self, completion, *, is_success):
        self.done_s = min(self.elapsed_s(), self.duration_s)
        self.completion, self.going_since, self.is_paused = completion, None, False
        self.last_prints[self.selected] = {"success": is_success, "date": time.time(), "printTime": self.done_s}


class FakeOctoPrint(FakeServer):
    """The server. `app_keys` are the wishes of apps: each by its token, "waiting" until somebody has decided."""

    kind = "octoprint"

    def __init__(self, path_prefix="", tls=None):
        self.printer = FakePrinter()
        self.app_keys = {}
        self.has_app_keys = True
        super().__init__(_Handler, path_prefix, tls)


class _Handler(FaultyHandler):
    def respond(self, fake, body):
        path = self.path.removeprefix(fake.path_prefix).partition("?")[0]
        if path.startswith("/plugin/appkeys/"):
            self._app_keys(fake, path.removeprefix("/plugin/appkeys/"), body)
        elif not self.is_authorised(fake):
            # Without a valid key the real one finds the CSRF cookie missing before it looks at permissions.
            self.answer(
                403 if self.command == "GET" else 400,
                {"error": "You don't have the permission to access the requested resource."},
            )
        elif not self.path.startswith(f"{fake.path_prefix}/api/"):
            self.answer(404, {"error": "Not found"})
        else:
            with fake.lock:
                status, answer = self._route(fake.printer, path.removeprefix("/api/"), body)
            if path == "/api/plugin/appkeys":
                status, answer = 200, {"keys": [], "pending": {f"USER-{token}": {} for token in fake.app_keys}}
            self.answer(status, answer)

    def _app_keys(self, fake, path, body):
        if not fake.has_app_keys:
            self.answer(404, {"error": "Not found"})
        elif path == "probe":
            self.answer(204)
        elif path == "request":
            wish = json.loads(body)
            token = f"TOKEN-{wish['app']}-{wish['user']}"
            fake.app_keys[token] = "waiting"
            # An absolute address, made from what the server believes its own to be.
            place = f"http://octopi.invalid/plugin/appkeys/request/{token}"
            self.answer(201, {"app_token": token, "auth_dialog": "http://octopi.invalid/"}, Location=place)
        elif path.startswith("decision/") and self.is_authorised(fake):
            is_allowed = json.loads(body)["decision"]
            fake.app_keys[path.removeprefix("decision/USER-")] = fake.api_key if is_allowed else "denied"
            self.answer(204)
        else:
            decision = fake.app_keys.get(path.removeprefix("request/"), "denied")
            if decision == "waiting":
                self.answer(202, {"message": "Awaiting decision"})
            elif decision == "denied":
                self.answer(404, {"error": "Not found"})
            else:
                self.answer(200, {"api_key": decision})

    def _route(self, printer, path, body):
        if path.startswith("files/local"):
            return self._route_files(printer, path.removeprefix("files/local").strip("/"), body)
        if self.command == "GET":
            return {
                "version": (200, {"api": "0.1", "server": "1.11.8", "text": "OctoPrint 1.11.8"}),
                "currentuser": (200, {"name": "fablab", "groups": ["users"], "permissions": PERMISSIONS}),
                "connection": (200, {"current": {"state": printer.state().replace("Offline", "Closed")}}),
                "job": (200, printer.job()),
                "printer": (200, {"temperature": TEMPERATURES}) if printer.is_connected else (409, {"error": "no"}),
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

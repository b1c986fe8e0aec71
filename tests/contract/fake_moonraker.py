"""A small Moonraker in this process, by its documents: docs/external_api of Arksine/moonraker.

It has never been held against a real one. Where the documents are silent it does what the source does: a loaded
file is protected with 403, whatever Klipper refuses is 400, an upload overwrites, a PAUSE without a print is taken.
"""

import hashlib
import time
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs, urlsplit

from tests.contract.fake_octoprint import BUSY, FakePrinter
from tests.contract.fake_server import FakeServer, FaultyHandler

STATES = {"Printing": "printing", "Paused": "paused"}
MM_A_SECOND = 10
HEATERS = {
    "extruder": {"temperature": 214.93, "target": 215.0},
    "heater_bed": {"temperature": 59.88, "target": 60.0},
}


class FakeKlipper(FakePrinter):
    """Klipper: connected from the start; `shutdown` is the message of an emergency stop, `error` of a broken print."""

    def __init__(self):
        super().__init__()
        self.is_connected = True
        self.folders = set()
        self.shutdown = ""
        self.error = ""
        self.layers = None
        self.estimate_s = None
        self.commands = []
        self.history = []

    def start(self, path):
        super().start(path)
        self.error = ""
        self.history.insert(0, {"filename": path, "status": "in_progress", "start_time": time.time(), "end_time": None})

    def break_off(self, message):
        self._end(None, is_success=False)
        self.error, self.history[0]["status"] = message, "error"

    def _end(self, completion, *, is_success):
        super()._end(completion, is_success=is_success)
        self.history[0] |= {
            "status": "completed" if is_success else "cancelled",
            "end_time": time.time(),
            "print_duration": self.done_s,
            "filament_used": MM_A_SECOND * self.done_s,
        }

    def objects(self):
        state = self.state()
        if state not in BUSY:
            ended = "error" if self.error else "complete" if self.completion == 100 else "cancelled"
            stats_state = ended if self.selected else "standby"
        else:
            stats_state = STATES[state]
        progress = min(self.elapsed_s() / self.duration_s, 1.0) if state in BUSY else 0.0
        return {
            "webhooks": {
                "state": "shutdown" if self.shutdown else "ready",
                "state_message": self.shutdown or "Printer is ready",
            },
            "print_stats": {
                "filename": self.selected or "",
                "state": stats_state,
                "message": self.error,
                "print_duration": self.elapsed_s(),
                "total_duration": self.elapsed_s(),
                "filament_used": MM_A_SECOND * self.elapsed_s(),
                "info": {"current_layer": self.layers and 3, "total_layer": self.layers},
            },
            "virtual_sdcard": {"progress": progress, "is_active": state == "Printing"},
            "display_status": {"progress": progress, "message": None},
        } | HEATERS


class FakeMoonraker(FakeServer):
    """The server; with `is_klippy_hidden` something between us and it answers 503 for the printer."""

    kind = "moonraker"

    def __init__(self, path_prefix="", tls=None):
        self.printer = FakeKlipper()
        self.is_klippy_hidden = False
        super().__init__(_Handler, path_prefix, tls)


class _Handler(FaultyHandler):
    def respond(self, fake, body):
        parts = urlsplit(self.path.removeprefix(fake.path_prefix))
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if not self.is_authorised(fake):
            self.answer(401, {"error": {"code": 401, "message": "Unauthorized"}})
            return
        with fake.lock:
            status, answer = self._route(fake.printer, parts.path, query, body)
        if status >= 400:
            self.answer(status, {"error": {"code": status, "message": answer, "traceback": "SECRET-BODY"}})
        else:
            # The upload's answer is the one that is not wrapped.
            self.answer(status, answer if status == 201 else {"result": answer})

    def _route(self, printer, path, query, body):
        if path == "/server/info":
            state = ("shutdown" if printer.shutdown else "ready") if printer.is_connected else "disconnected"
            return 200, {
                "klippy_connected": printer.is_connected,
                "klippy_state": state,
                "moonraker_version": "v0.9.3-1-g4e00a07",
                "api_version_string": "1.5.0",
            }
        if path.startswith("/printer/"):
            if self.server.owner.is_klippy_hidden or not printer.is_connected:
                return 503, "Klippy Host not connected"
            return self._route_printer(printer, path.removeprefix("/printer/"), query)
        if path == "/server/history/list":
            printer.state()
            jobs = [job for job in printer.history if job["filename"]][: int(query.get("limit", 50))]
            return 200, {"count": len(jobs), "jobs": jobs}
        if path.startswith("/server/files/"):
            return self._route_files(printer, path.removeprefix("/server/files/"), query, body)
        return 404, "Not Found"

    def _route_printer(self, printer, path, query):
        if path == "objects/query" and self.command == "GET":
            objects = printer.objects()
            return 200, {"eventtime": 1.0, "status": {name: objects[name] for name in query if name in objects}}
        if self.command != "POST":
            return 405, "Method Not Allowed"
        if printer.shutdown:
            return 400, printer.shutdown
        is_busy = printer.state() in BUSY
        printer.commands.append(path)
        if path == "print/start":
            if is_busy:
                return 400, "SD busy"
            if query["filename"] not in printer.files:
                return 400, "Unable to open file"
            printer.start(query["filename"])
        elif path in ("print/pause", "print/resume"):
            printer.pause(path.removeprefix("print/"))
        elif path == "print/cancel" and is_busy:
            printer.cancel()
        return 200, "ok"

    def _route_files(self, printer, path, query, body):
        if path == "upload":
            return self._upload(printer, body)
        if path == "directory":
            folder = query["path"].removeprefix("gcodes").strip("/")
            return self._remove(printer, folder) if self.command == "DELETE" else self._directory(printer, folder)
        if path == "metadata":
            if printer.estimate_s is None or query["filename"] not in printer.files:
                return 404, "Metadata not available"
            return 200, {"size": len(printer.files[query["filename"]]), "estimated_time": printer.estimate_s}
        name = path.removeprefix("gcodes/")
        if self.command != "DELETE" or name not in printer.files:
            return 400, f"Invalid file path: {name}"
        if printer.state() in BUSY and printer.selected == name:
            return 403, "File currently in use"
        del printer.files[name]
        return 200, {"item": {"root": "gcodes", "path": name, "size": 0}, "action": "delete_file"}

    def _directory(self, printer, folder):
        start = f"{folder}/" if folder else ""
        inside = [name for name in printer.files if name.startswith(start)]
        if folder and folder not in printer.folders:
            return 400, f"Directory does not exist ({folder})"
        files = [
            {"filename": name.removeprefix(start), "size": len(printer.files[name]), "permissions": "rw"}
            for name in inside
            if "/" not in name.removeprefix(start)
        ]
        return 200, {"dirs": [], "files": files}

    def _remove(self, printer, folder):
        if any(name.startswith(f"{folder}/") for name in printer.files):
            return 400, "Directory not empty"
        printer.folders.discard(folder)
        return 200, {"item": {"root": "gcodes", "path": folder, "size": 0}, "action": "delete_dir"}

    def _upload(self, printer, body):
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        fields = {name: part.get_payload(decode=True) for name, part in parts.items()}
        path = f"{fields['path'].decode()}/{parts['file'].get_filename()}"
        if printer.state() in BUSY and printer.selected == path:
            return 403, "File is loaded, upload not permitted"
        if fields["checksum"].decode() != hashlib.sha256(fields["file"]).hexdigest():
            return 422, "Unprocessable Entity"
        assert (fields["root"], fields["print"]) == (b"gcodes", b"false")
        printer.files[path] = fields["file"]
        printer.folders.add(fields["path"].decode())
        item = {"root": "gcodes", "path": path, "size": len(fields["file"]), "permissions": "rw"}
        return 201, {"item": item, "print_started": False, "print_queued": False, "action": "create_file"}

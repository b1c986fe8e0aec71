"""A small PrusaLink in this process, by its document: spec/openapi.yaml of prusa3d/Prusa-Link-Web.

It has never been held against a real one. Where the document is silent it does what the firmware on the printer
does (lib/WUI of prusa3d/Prusa-Firmware-Buddy): no folders on upload, short names beside the long one, no job in the
answers once a print is over, and FINISHED or STOPPED until the next one starts.
"""

from tests.contract.fake_octoprint import BUSY, FakePrinter
from tests.contract.fake_server import FakeServer, FaultyHandler

STATES = {"Printing": "PRINTING", "Paused": "PAUSED"}
TEMPERATURES = {"temp_nozzle": 214.9, "target_nozzle": 215.0, "temp_bed": 59.5, "target_bed": 60.0}
USB = {"path": "/usb/", "name": "usb", "type": "USB", "read_only": False, "available": True}
ENDINGS = (".gcode", ".gco", ".g", ".bgcode", ".bgc")


class FakePrusa(FakePrinter):
    """The printer: connected from the start; `override` is a state that its screen forces, `how` the last end."""

    def __init__(self):
        super().__init__()
        self.is_connected = True
        self.job_id = 419
        self.how = "IDLE"
        self.override = ""
        self.storages = [USB]

    def start(self, path):
        super().start(path)
        self.job_id += 1

    def _end(self, completion, *, is_success):
        super()._end(completion, is_success=is_success)
        self.how = "FINISHED" if is_success else "STOPPED"

    def vanish(self):
        """A power cut: it comes back idle and remembers nothing."""
        super().vanish()
        self.is_connected, self.how = True, "IDLE"

    def has_job(self):
        return self.state() in BUSY

    def link_state(self):
        return self.override or STATES.get(self.state(), self.how)

    def progress(self):
        percent, left_s = 100 * self.elapsed_s() / self.duration_s, self.duration_s - self.elapsed_s()
        times = {"time_remaining": int(left_s), "time_printing": int(self.elapsed_s())}
        return {"id": self.job_id, "progress": round(percent, 2)} | times


class FakePrusaLink(FakeServer):
    """The server."""

    kind = "prusalink"

    def __init__(self, path_prefix="", tls=None):
        self.printer = FakePrusa()
        super().__init__(_Handler, path_prefix, tls)


class _Handler(FaultyHandler):
    def respond(self, fake, body):
        path = self.path.removeprefix(fake.path_prefix)
        if not self.is_authorised(fake):
            self.answer(401, {"title": "401: Unauthorized", "text": ""}, **{"WWW-Authenticate": "Digest"})
            return
        with fake.lock:
            status, answer = self._route(fake.printer, path, body)
        self.answer(status, {"title": answer, "text": "SECRET-BODY"} if isinstance(answer, str) else answer)

    def _route(self, printer, path, body):
        if path == "/api/version":
            text = {"api": "2.0.0", "server": "2.1.2", "text": "PrusaLink", "firmware": "6.2.4+8909"}
            return 200, text | {"capabilities": {"upload-by-put": True}}
        place = path.removeprefix("/api/v1/")
        if place == "status":
            job = {"job": printer.progress()} if printer.has_job() else {}
            return 200, job | {"storage": USB, "printer": {"state": printer.link_state()} | TEMPERATURES}
        if place == "storage":
            return 200, {"storage_list": printer.storages}
        if place == "job":
            return (200, self._job(printer)) if printer.has_job() else (204, None)
        if place.startswith("job/"):
            return self._command_job(printer, *place.removeprefix("job/").split("/"))
        if place.startswith("files/usb/"):
            return self._route_files(printer, place.removeprefix("files/usb/"), body)
        return 404, "404: Not Found"

    def _job(self, printer):
        short = {"name": "FABLAB~1.GCO", "path": "/usb", "size": 1, "m_timestamp": 1648042843}
        return printer.progress() | {
            "state": printer.link_state(),
            "file": short | {"display_name": printer.selected, "refs": {"download": "/usb/FABLAB~1.GCO"}},
        }

    def _command_job(self, printer, number, verb=""):
        if int(number) != printer.job_id:
            return 404, "404: Not Found"
        state = printer.link_state()
        if self.command == "DELETE" and state in ("PRINTING", "PAUSED", "ATTENTION"):
            printer.cancel()
        elif (self.command, verb, state) in (("PUT", "pause", "PRINTING"), ("PUT", "resume", "PAUSED")):
            printer.pause(verb)
        else:
            return 409, "409: Conflict"
        return 204, None

    def _route_files(self, printer, name, body):
        in_use = printer.state() in BUSY and printer.selected == name
        if self.command == "PUT":
            return self._upload(printer, name, body)
        if name not in printer.files:
            return 404, "404: Not Found"
        if self.command == "GET":
            return 200, {"name": "FABLAB~1.GCO", "display_name": name, "size": len(printer.files[name])}
        if self.command == "DELETE":
            if in_use:
                return 409, "409: Conflict"
            del printer.files[name]
            return 204, None
        if printer.state() in BUSY:
            return 409, "409: Conflict"
        printer.start(name)
        return 204, None

    def _upload(self, printer, name, body):
        assert self.headers["Print-After-Upload"] == "?0"
        if "/" in name:
            return 422, "Filename contains invalid characters"
        if not name.endswith(ENDINGS):
            return 415, "Not a GCODE"
        if name in printer.files and self.headers["Overwrite"] == "?0":
            return 409, "File already exists"
        printer.files[name] = body
        return 201, None

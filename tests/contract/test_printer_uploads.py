"""A large file goes to the printer in pieces: what is in memory at any moment does not grow with it."""

import tracemalloc

import pytest

from printing.backends import make_backend
from tests.contract.fake_server import FakeServer, FaultyHandler
from tests.contract.octoprint_fixture import LOOPBACK_NETWORKS

FILE_BYTES = 48 * 1024 * 1024
MEMORY_MOST_BYTES = 2 * 1024 * 1024
PIECE = b"G1 X10.000 Y10.000 E0.12345\n" * 37_450
OURS = "fablab/1/large.gcode"


class Sink(FakeServer):
    """Takes any upload and keeps nothing of it but its length."""

    def __init__(self):
        self.taken_bytes = 0
        super().__init__(_Handler)


class _Handler(FaultyHandler):
    def _handle(self):
        sink, left = self.server.owner, int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self.rfile.read(min(left, 65_536))
            left -= len(piece)
            sink.taken_bytes += len(piece)
        self._answer_as_all_three()

    def _answer_as_all_three(self):
        if self.command == "GET":
            storages = [{"path": "/usb/", "available": True}]
            self.answer(200, {"result": {"files": []}, "storage_list": storages})
            return
        octoprint = {"files": {"local": {"path": OURS}}}
        moonraker = {"item": {"path": OURS, "size": FILE_BYTES}}
        self.answer(201, octoprint | moonraker)


@pytest.fixture
def sink():
    server = Sink()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("upload") / "large.gcode"
    with path.open("wb") as stream:
        for _piece in range(FILE_BYTES // len(PIECE)):
            stream.write(PIECE)
        stream.truncate(FILE_BYTES)
    return path


@pytest.mark.parametrize("kind", ["octoprint", "moonraker", "prusalink"])
def test_upload_holds_a_few_megabytes_at_most(sink, large_file, kind):
    backend = make_backend(kind, url=sink.url, api_key="key-0123456789abcdef", networks=LOOPBACK_NETWORKS)

    tracemalloc.start()
    backend.upload(large_file, OURS, {"job": "42"})
    _now, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert FILE_BYTES <= sink.taken_bytes < FILE_BYTES + 2_000
    assert most_bytes < MEMORY_MOST_BYTES

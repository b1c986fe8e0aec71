"""Which link OctoPrint is asked to open: 2.0 knows others than the serial one, 1.11 that one only."""

import contextlib
import http.client
import json

import pytest

from printing.backends import PrinterConnection, make_backend
from tests.contract.fake_server import FakeServer, FaultyHandler
from tests.contract.octoprint_fixture import (
    EACH_OCTOPRINT,
    LOOPBACK_NETWORKS,
    next_octoprint_server,  # noqa: F401 (a fixture)
    octoprint_server,  # noqa: F401 (a fixture)
)
from tests.contract.test_printer_backends import wait_for

BAMBU = {"connector": "bambu", "parameters": {"host": "192.168.1.7", "serial": "01S"}}
# What options GET /api/connection answers in the new format, and what is sent then.
PREFERENCES = {
    "2.0 with a link of another kind": (
        {"connectors": [], "preferredConnector": BAMBU, "preferredProfile": "_default"},
        {"command": "connect", **BAMBU},
    ),
    "2.0 that prefers none": ({"connectors": [], "preferredConnector": None}, {"command": "connect"}),
    "1.11": ({"ports": ["VIRTUAL"], "portPreference": "VIRTUAL"}, {"command": "connect"}),
}


class Links(FakeServer):
    """An OctoPrint whose only answer is that about its links."""

    def __init__(self, options, state="Offline"):
        self.options, self.state, self.sent = options, state, []
        super().__init__(_Handler)


class _Handler(FaultyHandler):
    def respond(self, fake, body):
        if self.command == "POST":
            fake.sent.append(json.loads(body))
            self.answer(204)
        else:
            self.answer(200, {"current": {"state": fake.state}, "options": fake.options})


def backend_of(server):
    return make_backend("octoprint", url=server.url, api_key=server.api_key, networks=LOOPBACK_NETWORKS)


def close_link(server):
    """What a person does in OctoPrint, or a printer that asks for it."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as asking:
        headers = {"X-Api-Key": server.api_key, "Content-Type": "application/json"}
        asking.request("POST", "/api/connection", json.dumps({"command": "disconnect"}), headers)
        assert asking.getresponse().status == 204


@pytest.mark.parametrize(("options", "expected"), PREFERENCES.values(), ids=PREFERENCES)
def test_link_that_the_server_prefers_is_opened(options, expected):
    server = Links(options)

    backend_of(server).connect()
    server.stop()

    assert server.sent == [expected]


def test_open_link_is_left_alone():
    server = Links({"preferredConnector": BAMBU}, state="Printing")

    backend_of(server).connect()
    server.stop()

    assert server.sent == []


@pytest.mark.serial
@pytest.mark.parametrize("name", EACH_OCTOPRINT)
def test_closed_link_is_opened_and_what_broke_off_is_told_from_what_was_stopped(request, tmp_path, name):
    server = request.getfixturevalue(name)
    backend = backend_of(server)
    local = tmp_path / "long.gcode"
    local.write_bytes(b"G28\nG1 X10 F60000\n" + b"G4 P200\n" * 100)
    ends = {}

    for end in ("broken", "stopped"):
        path = f"fablab/{tmp_path.name}/{end}.gcode"
        backend.connect()
        wait_for(backend, PrinterConnection.OPERATIONAL)
        backend.upload(local, path, {})
        backend.select_and_start(path)
        wait_for(backend, PrinterConnection.PRINTING)
        if end == "broken":
            close_link(server)
            wait_for(backend, PrinterConnection.OFFLINE)
        else:
            backend.cancel()
            wait_for(backend, PrinterConnection.OPERATIONAL)
        ends[end] = backend.last_print(path)

    assert {end: (last.is_success, last.is_error) for end, last in ends.items()} == {
        "broken": (False, True),
        "stopped": (False, False),
    }

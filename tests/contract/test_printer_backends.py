"""What every printer back-end promises: the same tests on the fake and on a real OctoPrint."""

import re
import time
import uuid

import pytest

from printing.backends import (
    LastPrint,
    PrinterAuthError,
    PrinterConflict,
    PrinterConnection,
    PrinterRejected,
    RemoteFile,
    make_backend,
)
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.contract.octoprint_fixture import LOOPBACK_NETWORKS, octoprint_server  # noqa: F401 (a fixture)

FAST = b"G90\nG28\n" + b"".join(b"G1 X%d Y%d F60000\n" % (10 + i % 90, 20) for i in range(60)) + b"M84\n"
LONG = b"G90\nG28\nG1 X10 F60000\n" + b"G4 S1\n" * 25 + b"M84\n"
MOST_WAIT_S = 20


@pytest.fixture
def fake():
    server = FakeOctoPrint()
    yield server
    server.stop()


@pytest.fixture(params=["fake", pytest.param("octoprint", marks=pytest.mark.serial)])
def server(request):
    return request.getfixturevalue("fake" if request.param == "fake" else "octoprint_server")


@pytest.fixture
def printer(server):
    """A connected printer that is left idle."""
    backend = backend_of(server)
    backend.connect()
    wait_for(backend, PrinterConnection.OPERATIONAL)
    yield backend
    backend.cancel()
    wait_for(backend, PrinterConnection.OPERATIONAL)


def backend_of(server, **changes):
    options = {"url": server.url, "api_key": server.api_key, "networks": LOOPBACK_NETWORKS} | changes
    return make_backend("octoprint", **options)


def wait_for(backend, *connections):
    deadline = time.monotonic() + MOST_WAIT_S
    while (status := backend.status()).connection not in connections:
        assert time.monotonic() < deadline, f"still {status.connection}, not {connections}"
        time.sleep(0.1)
    return status


@pytest.fixture
def uploaded(printer, tmp_path):
    """Uploads these bytes into a folder of its own and returns the remote path."""

    def upload(content, name="part.gcode"):
        local = tmp_path / "local.gcode"
        local.write_bytes(content)
        return printer.upload(local, f"fablab/{uuid.uuid4()}/{name}", {"job": "42"}).path

    return upload


def test_probe_tells_who_answers_and_what_the_key_allows(server):
    probe = backend_of(server).probe()

    # Not a fixed version: OCTOPRINT_BIN may name another one.
    assert re.match(r"\d+\.\d+\.", probe.version)
    assert (probe.is_octoprint, probe.user_name) == (True, "fablab")
    assert {"PRINT", "FILES_UPLOAD", "FILES_SELECT", "CONNECTION", "STATUS"} <= probe.permissions


def test_connect_while_connected_changes_nothing(printer):
    printer.connect()

    assert printer.status().connection is PrinterConnection.OPERATIONAL


def test_upload_lands_in_the_folder_of_its_job(printer, tmp_path):
    local = tmp_path / "any.gcode"
    local.write_bytes(FAST)
    remote_path = f"fablab/{uuid.uuid4()}/cube.gcode"

    sent = printer.upload(local, remote_path, {"job": "42"})

    assert sent == RemoteFile(remote_path, len(FAST))


def test_upload_again_is_a_success_for_the_same_size_only(printer, tmp_path):
    local = tmp_path / "any.gcode"
    local.write_bytes(FAST)
    remote_path = f"fablab/{uuid.uuid4()}/cube.gcode"
    printer.upload(local, remote_path, {})

    again = printer.upload(local, remote_path, {})
    local.write_bytes(LONG)

    assert again == RemoteFile(remote_path, len(FAST))
    with pytest.raises(PrinterConflict):
        printer.upload(local, remote_path, {})


def test_upload_of_another_kind_of_file_is_rejected(uploaded):
    with pytest.raises(PrinterRejected):
        uploaded(FAST, "part.stl")


def test_print_ends_with_completion_100_and_a_recorded_success(printer, uploaded):
    before_s = time.time()
    path = uploaded(FAST)

    printer.select_and_start(path)
    time.sleep(0.3)
    done = wait_for(printer, PrinterConnection.OPERATIONAL)

    assert (done.remote_path, done.completion_pct) == (path, 100.0)
    assert done.last_print.is_success
    assert before_s - 2 < done.last_print.ended_at.timestamp() < time.time() + 2


def test_progress_is_seen_while_printing(printer, uploaded):
    path = uploaded(LONG)

    printer.select_and_start(path)
    time.sleep(1.2)
    status = wait_for(printer, PrinterConnection.PRINTING)

    assert status.remote_path == path
    assert 0 < status.completion_pct < 100
    assert status.print_time_s >= 0
    assert status.last_print is None


def test_pause_holds_the_print_until_resume(printer, uploaded):
    printer.select_and_start(uploaded(LONG))
    wait_for(printer, PrinterConnection.PRINTING)

    printer.pause()
    paused = wait_for(printer, PrinterConnection.PAUSED)
    printer.pause()
    printer.resume()
    resumed = wait_for(printer, PrinterConnection.PRINTING)

    assert paused.connection.is_busy
    assert resumed.remote_path == paused.remote_path


def test_cancel_twice_is_a_success_and_not_a_finished_print(printer, uploaded):
    path = uploaded(LONG)
    printer.select_and_start(path)
    wait_for(printer, PrinterConnection.PRINTING)

    printer.cancel()
    printer.cancel()
    status = wait_for(printer, PrinterConnection.OPERATIONAL)
    printer.cancel()

    assert status.completion_pct is None
    assert isinstance(status.last_print, LastPrint)
    assert not status.last_print.is_success


def test_start_while_printing_is_a_conflict(printer, uploaded):
    running, waiting = uploaded(LONG), uploaded(FAST)
    printer.select_and_start(running)
    wait_for(printer, PrinterConnection.PRINTING)

    with pytest.raises(PrinterConflict):
        printer.select_and_start(waiting)

    assert printer.status().remote_path == running


def test_pause_and_resume_without_a_print_are_conflicts(printer):
    with pytest.raises(PrinterConflict):
        printer.pause()
    with pytest.raises(PrinterConflict):
        printer.resume()


def test_start_of_a_file_that_is_not_there_is_rejected(printer):
    with pytest.raises(PrinterRejected):
        printer.select_and_start("fablab/nothing/here.gcode")


def test_delete_twice_is_a_success_but_not_while_in_use(printer, uploaded):
    running, other = uploaded(LONG), uploaded(FAST)
    printer.select_and_start(running)
    wait_for(printer, PrinterConnection.PRINTING)

    printer.delete(other)
    printer.delete(other)
    with pytest.raises(PrinterConflict):
        printer.delete(running)

    assert printer.last_print(other) is None


def test_wrong_key_is_an_auth_error_for_every_call(server, tmp_path):
    local = tmp_path / "any.gcode"
    local.write_bytes(FAST)
    backend = backend_of(server, api_key="wrong-key-0123456789")

    for call in (backend.probe, backend.status, backend.connect, backend.cancel):
        with pytest.raises(PrinterAuthError):
            call()
    with pytest.raises(PrinterAuthError):
        backend.upload(local, "fablab/x/any.gcode", {})

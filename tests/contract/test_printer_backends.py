"""What every printer back-end promises: the same tests on the three fakes and on two real OctoPrints.

So the fake OctoPrint cannot drift away from the real one. There is no real Moonraker or PrusaLink here: their fakes
follow the documents that they name.
"""

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
    capabilities,
    make_backend,
)
from tests.contract.fake_moonraker import FakeMoonraker
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.contract.fake_prusalink import FakePrusaLink
from tests.contract.octoprint_fixture import (
    EACH_OCTOPRINT,
    LOOPBACK_NETWORKS,
    next_octoprint_server,  # noqa: F401 (a fixture)
    octoprint_server,  # noqa: F401 (a fixture)
)

FAST = b"G90\nG28\n" + b"".join(b"G1 X%d Y%d F60000\n" % (10 + i % 90, 20) for i in range(60)) + b"M84\n"
LONG = b"G90\nG28\nG1 X10 F60000\n" + b"G4 S1\n" * 25 + b"M84\n"
MOST_WAIT_S = 20


FAKES = {"fake octoprint": FakeOctoPrint, "fake moonraker": FakeMoonraker, "fake prusalink": FakePrusaLink}


@pytest.fixture(params=[*FAKES, *EACH_OCTOPRINT])
def server(request):
    if request.param not in FAKES:
        yield request.getfixturevalue(request.param)
        return
    fake = FAKES[request.param]()
    yield fake
    fake.stop()


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
    return make_backend(kind_of(server), **options)


def kind_of(server):
    return getattr(server, "kind", "octoprint")


def until(look, is_right):
    deadline = time.monotonic() + MOST_WAIT_S
    while not is_right(found := look()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.1)
    return found


def wait_for(backend, *connections):
    return until(backend.status, lambda status: status.connection in connections)


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
    assert re.search(r"\d+\.\d+\.", probe.version)
    assert probe.software.lower() == kind_of(server)
    if probe.is_octoprint:
        assert probe.user_name == "fablab"
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


@pytest.mark.parametrize("name", ["part.bgcode", "part.gcode.3mf"])
def test_upload_takes_the_kinds_of_file_that_it_says(server, uploaded, name):
    is_taken = name.partition(".")[2].replace(".", "_") in capabilities(kind_of(server)).takes

    if is_taken:
        assert uploaded(b"GCDE" + bytes(40), name).endswith(name)
    else:
        with pytest.raises(PrinterRejected):
            uploaded(b"GCDE" + bytes(40), name)


def test_print_ends_with_completion_100_and_a_recorded_success(printer, uploaded):
    before_s = time.time()
    path = uploaded(FAST)

    printer.select_and_start(path)
    # Looked at now and then, as the worker does: not every server names the file afterwards.
    for _look in range(3):
        printer.status()
        time.sleep(0.1)
    done = wait_for(printer, PrinterConnection.OPERATIONAL)

    assert (done.remote_path, done.completion_pct) == (path, 100.0)
    assert done.last_print.is_success
    assert 0 <= done.last_print.print_time_s <= time.time() - before_s
    assert before_s - 2 < done.last_print.ended_at.timestamp() < time.time() + 2


def test_progress_is_seen_while_printing(server, printer, uploaded):
    path = uploaded(LONG)

    printer.select_and_start(path)
    time.sleep(1.2)
    status = wait_for(printer, PrinterConnection.PRINTING)

    assert status.remote_path == path
    assert 0 < status.completion_pct < 100
    assert status.print_time_s >= 0
    assert status.last_print is None
    if kind_of(server) == "octoprint":
        # What the layer is reckoned from.
        share = status.file_position_bytes / len(LONG)
        assert share == pytest.approx(status.completion_pct / 100, abs=0.01)


def test_temperatures_are_told_when_asked(server, printer):
    status = until(lambda: printer.status(with_temperatures=True), lambda status: status.nozzle_c is not None)

    told = (status.nozzle_c, status.nozzle_target_c, status.bed_c, status.bed_target_c)
    assert capabilities(kind_of(server)).reports_temperatures
    assert all(0 <= found_c < 300 for found_c in told)


def test_time_left_has_an_origin(printer, uploaded):
    printer.select_and_start(uploaded(LONG))

    status = until(printer.status, lambda status: status.time_left_s is not None)

    assert status.time_left_origin in ("analysis", "earlier", "file", "printer", "slicer")


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

"""What is Moonraker's own: commands that Klipper would take without a print, 403 for a loaded file, checksums."""

import pytest

from printing.backends import (
    PrinterAuthError,
    PrinterConflict,
    PrinterConnection,
    PrinterProtocolError,
    PrinterRejected,
    PrinterUnreachable,
    make_backend,
)
from tests.contract.fake_moonraker import FakeMoonraker

GCODE = b"G28\nG1 X10 F60000\nG4 S20\n"
OURS = "fablab/1/cube.gcode"


@pytest.fixture
def fake():
    server = FakeMoonraker()
    yield server
    server.stop()


@pytest.fixture
def backend(fake):
    return make_backend("moonraker", url=fake.url, api_key=fake.api_key, networks=("127.0.0.0/8",))


@pytest.fixture
def printing(fake, backend, tmp_path):
    """The remote path of a print that runs for 20 s."""
    local = tmp_path / "any.gcode"
    local.write_bytes(GCODE)
    backend.upload(local, OURS, {})
    backend.select_and_start(OURS)
    return OURS


def commands(fake):
    return [command for command in fake.printer.commands if command != "print/start"]


def test_commands_without_a_print_never_reach_klipper(fake, backend):
    with pytest.raises(PrinterConflict):
        backend.pause()
    with pytest.raises(PrinterConflict):
        backend.resume()
    backend.cancel()

    assert commands(fake) == []


@pytest.mark.usefixtures("printing")
def test_command_that_is_obeyed_already_is_not_sent_again(fake, backend):
    for command in (backend.resume, backend.pause, backend.pause, backend.resume, backend.cancel, backend.cancel):
        command()

    assert commands(fake) == ["print/pause", "print/resume", "print/cancel"]


def test_status_takes_one_request_while_printing(fake, backend, printing):
    fake.requests.clear()

    status = backend.status()

    assert (status.remote_path, len(fake.requests)) == (printing, 1)


def test_layers_and_filament_are_told(fake, backend, printing):
    fake.printer.layers = 90

    status = backend.status()

    assert (status.layer, status.layers) == (3, 90)
    assert status.filament_used_mm >= 0


def test_slicers_estimate_is_asked_for_with_the_temperatures(fake, backend, printing):
    fake.printer.estimate_s = 500

    status = backend.status(with_temperatures=True)

    assert status.time_left_origin == "slicer"
    assert 490 <= status.time_left_s <= 500


def test_file_without_estimate_falls_back_to_its_place(backend, printing):
    assert backend.status(with_temperatures=True).time_left_origin in ("file", "")


def test_broken_print_leaves_a_ready_printer_and_says_why(fake, backend, printing):
    fake.printer.break_off("Move out of range: 300.000")

    status = backend.status()

    assert (status.connection, status.remote_path) == (PrinterConnection.OPERATIONAL, printing)
    assert status.error_text == "Move out of range: 300.000"
    assert (status.last_print.is_success, status.last_print.is_error) == (False, True)


def test_emergency_stop_is_an_error_and_nothing_starts(fake, backend, printing):
    fake.printer.cancel()
    fake.printer.shutdown = "Shutdown due to webhooks request"

    status = backend.status()

    assert (status.connection, status.error_text) == (PrinterConnection.ERROR, "Shutdown due to webhooks request")
    with pytest.raises(PrinterConflict):
        backend.select_and_start(printing)


def test_klipper_away_is_offline_and_a_start_a_clear_no(fake, backend, printing):
    fake.printer.vanish()

    assert backend.status().connection is PrinterConnection.OFFLINE
    assert backend.status().remote_path is None
    with pytest.raises(PrinterConflict):
        backend.select_and_start(printing)
    backend.cancel()


def test_503_while_klipper_is_ready_is_a_proxy_and_unreachable(fake, backend):
    fake.is_klippy_hidden = True

    with pytest.raises(PrinterUnreachable):
        backend.status()


def test_delete_of_the_loaded_file_is_a_conflict_not_a_wrong_key(fake, backend, printing):
    with pytest.raises(PrinterConflict):
        backend.delete(printing)

    fake.api_key = "another-key-0123456789"
    with pytest.raises(PrinterAuthError):
        backend.delete(printing)


def test_delete_leaves_no_empty_folder(fake, backend, printing, tmp_path):
    local = tmp_path / "any.gcode"
    for remote_path in ("fablab/2/a.gcode", "fablab/2/b.gcode"):
        backend.upload(local, remote_path, {})

    backend.delete("fablab/2/a.gcode")
    kept = set(fake.printer.folders)
    backend.delete("fablab/2/b.gcode")

    assert (kept, fake.printer.folders) == ({"fablab/1", "fablab/2"}, {"fablab/1"})


def test_upload_never_overwrites(fake, backend, printing, tmp_path):
    other = tmp_path / "other.gcode"
    other.write_bytes(GCODE + b"M84\n")

    with pytest.raises(PrinterConflict):
        backend.upload(other, printing, {})

    assert fake.printer.files[printing] == GCODE


@pytest.mark.parametrize("name", ["part.stl", "part.bgcode", "part.gcode.3mf", "gcode"])
def test_file_that_klipper_cannot_read_is_rejected_before_any_request(fake, backend, tmp_path, name):
    local = tmp_path / "any"
    local.write_bytes(GCODE)

    with pytest.raises(PrinterRejected):
        backend.upload(local, f"fablab/1/{name}", {})

    assert fake.requests == []


def test_file_that_was_damaged_on_its_way_may_be_sent_again(fake, backend, tmp_path, monkeypatch):
    local = tmp_path / "any.gcode"
    local.write_bytes(GCODE)
    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", lambda stream, name: Damaged())
        with pytest.raises(PrinterProtocolError):
            backend.upload(local, OURS, {})

    assert fake.printer.files == {}
    assert backend.upload(local, OURS, {}).path == OURS


class Damaged:
    """The digest of other bytes."""

    def hexdigest(self):
        return "0" * 64


def test_history_shorter_than_the_past_tells_nothing(fake, backend, printing):
    fake.printer.cancel()
    fake.printer.history[:0] = [{"filename": f"{n}.gcode", "status": "completed", "end_time": 1.0} for n in range(30)]

    assert backend.last_print(printing) is None

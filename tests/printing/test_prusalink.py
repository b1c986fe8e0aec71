"""What is PrusaLink's own: no history, no file named once a print is over, one job number for each print."""

import pytest

from printing.backends import (
    PrinterConflict,
    PrinterConnection,
    PrinterRejected,
    make_backend,
    prusalink,
)
from tests.contract.fake_prusalink import USB, FakePrusaLink

GCODE = b"G28\nG1 X10 F60000\nG4 S20\n"
OURS = "fablab/1/cube.gcode"


@pytest.fixture
def fake():
    server = FakePrusaLink()
    yield server
    server.stop()


@pytest.fixture
def backend(fake):
    return backend_of(fake)


def backend_of(fake):
    return make_backend("prusalink", url=fake.url, api_key=fake.api_key, networks=("127.0.0.0/8",))


@pytest.fixture
def printing(fake, backend, tmp_path):
    """The remote path of a print that runs for 20 s, and was seen to."""
    local = tmp_path / "any.gcode"
    local.write_bytes(GCODE)
    backend.upload(local, OURS, {})
    backend.select_and_start(OURS)
    assert backend.status().remote_path == OURS
    return OURS


def end(fake, *, is_success):
    fake.printer._end(100.0 if is_success else None, is_success=is_success)


def test_file_lies_in_no_folder(fake, printing):
    assert list(fake.printer.files) == ["fablab@1@cube.gcode"]


@pytest.mark.parametrize(("is_success", "completion_pct"), [(True, 100.0), (False, None)], ids=["finished", "stopped"])
def test_end_is_that_of_the_file_that_was_seen_running(fake, printing, is_success, completion_pct):
    end(fake, is_success=is_success)

    # A new one for each visit, as the worker makes them.
    status = backend_of(fake).status()

    assert (status.connection, status.remote_path) == (PrinterConnection.OPERATIONAL, printing)
    assert (status.completion_pct, status.last_print.is_success) == (completion_pct, is_success)


def test_end_is_remembered_after_it_was_taken_note_of_at_the_printer(fake, backend, printing):
    end(fake, is_success=True)
    backend.status()
    fake.printer.how = "IDLE"

    status = backend.status()

    assert (status.remote_path, status.completion_pct) == (printing, 100.0)
    assert backend.last_print(printing).is_success
    assert status.last_print == backend.last_print(printing)


def test_end_that_nobody_saw_the_beginning_of_is_no_evidence(fake, backend, printing):
    end(fake, is_success=True)
    prusalink._seen.clear()  # as a restart would

    status = backend.status()

    assert (status.connection, status.remote_path, status.completion_pct) == (PrinterConnection.OPERATIONAL, None, None)
    assert backend.last_print(printing) is None


def test_end_of_another_print_is_not_taken_for_ours(fake, backend, printing):
    fake.printer.vanish()
    backend.status()
    fake.printer.files["benchy.gcode"] = GCODE
    fake.printer.start("benchy.gcode")
    end(fake, is_success=True)

    assert backend.status().remote_path is None
    assert backend.last_print(printing) is None


def test_new_print_replaces_what_was_remembered(fake, backend, printing):
    end(fake, is_success=True)
    backend.status()
    fake.printer.files["benchy.gcode"] = GCODE
    fake.printer.start("benchy.gcode")

    status = backend.status()

    assert (status.remote_path, status.connection) == ("benchy.gcode", PrinterConnection.PRINTING)
    assert backend.last_print(printing) is None


def test_last_end_is_not_that_of_a_print_that_has_not_begun(fake, backend, printing, tmp_path):
    end(fake, is_success=True)
    backend.status()
    local = tmp_path / "next.gcode"
    local.write_bytes(GCODE)

    backend.upload(local, "fablab/2/next.gcode", {})

    assert backend.status().remote_path == printing
    assert backend.last_print("fablab/2/next.gcode") is None


def test_attention_in_a_print_is_a_pause_and_not_an_end(fake, backend, printing):
    fake.printer.override = "ATTENTION"

    status = backend.status()

    assert (status.connection, status.remote_path) == (PrinterConnection.PAUSED, printing)


def test_attention_without_a_print_is_not_ready(fake, backend):
    fake.printer.override = "ATTENTION"

    assert backend.status().connection is PrinterConnection.UNKNOWN


def test_version_that_shows_the_job_to_its_end_is_understood(fake, backend, printing, monkeypatch):
    prusalink._seen.clear()
    end(fake, is_success=True)
    monkeypatch.setattr(fake.printer, "has_job", lambda: True)

    status = backend.status()

    assert (status.connection, status.remote_path, status.completion_pct) == (
        PrinterConnection.OPERATIONAL,
        printing,
        100.0,
    )


@pytest.mark.usefixtures("printing")
def test_command_goes_to_the_running_job_and_is_not_sent_twice(fake, backend):
    for command in (backend.resume, backend.pause, backend.pause, backend.resume, backend.cancel, backend.cancel):
        command()

    sent = [(method, path) for method, path, _headers in fake.requests if "/job/" in path]
    assert sent == [
        ("PUT", "/api/v1/job/420/pause"),
        ("PUT", "/api/v1/job/420/resume"),
        ("DELETE", "/api/v1/job/420"),
    ]


def test_stop_that_comes_too_late_is_a_success(fake, backend, printing, monkeypatch):
    end(fake, is_success=True)
    answers = iter([True])
    monkeypatch.setattr(fake.printer, "has_job", lambda: next(answers, False))

    backend.cancel()

    assert ("DELETE", "/api/v1/job/420") in [(method, path) for method, path, _headers in fake.requests]
    assert backend.status().completion_pct == 100.0


def test_printer_without_a_stick_takes_no_file(fake, backend, tmp_path):
    fake.printer.storages = [USB | {"available": False}]
    local = tmp_path / "any.gcode"
    local.write_bytes(GCODE)

    with pytest.raises(PrinterConflict):
        backend.upload(local, OURS, {})


def test_binary_gcode_is_taken_and_other_kinds_are_not(fake, backend, tmp_path):
    local = tmp_path / "any"
    local.write_bytes(b"GCDE" + bytes(40))

    sent = backend.upload(local, "fablab/1/part.bgcode", {})

    assert fake.printer.files["fablab@1@part.bgcode"] == local.read_bytes()
    assert sent.path == "fablab/1/part.bgcode"
    with pytest.raises(PrinterRejected):
        backend.upload(local, "fablab/1/part.gcode.3mf", {})


def test_upload_never_starts_or_overwrites(fake, backend, printing):
    [headers] = [headers for method, path, headers in fake.requests if method == "PUT" and "/files/" in path]

    assert (headers["Print-After-Upload"], headers["Overwrite"]) == ("?0", "?0")
    assert headers["Content-Length"] == str(len(GCODE))

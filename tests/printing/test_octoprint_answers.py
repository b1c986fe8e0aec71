"""OctoPrint's states and numbers as ours, whatever version wrote them."""

from datetime import UTC, datetime

import pytest

from printing.backends import LastPrint, PrinterConnection, PrinterProtocolError, PrinterStatus
from printing.backends.octoprint_answers import (
    add_temperatures,
    connection_from_flags,
    connection_from_text,
    last_print_of,
    status_from_job,
)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Offline", PrinterConnection.OFFLINE),
        ("Closed", PrinterConnection.OFFLINE),
        ("Offline after error", PrinterConnection.ERROR),
        ("Offline (Error: Too many timeouts)", PrinterConnection.ERROR),
        ("Error", PrinterConnection.ERROR),
        ("Opening serial connection", PrinterConnection.CONNECTING),
        ("Detecting serial connection", PrinterConnection.CONNECTING),
        ("Connecting", PrinterConnection.CONNECTING),
        ("Operational", PrinterConnection.OPERATIONAL),
        ("Starting", PrinterConnection.STARTING),
        ("Printing", PrinterConnection.PRINTING),
        ("Printing from SD", PrinterConnection.PRINTING),
        ("Pausing", PrinterConnection.PAUSING),
        ("Paused", PrinterConnection.PAUSED),
        ("Resuming", PrinterConnection.RESUMING),
        ("Cancelling", PrinterConnection.CANCELLING),
        ("Finishing", PrinterConnection.FINISHING),
        ("Dreaming", PrinterConnection.UNKNOWN),
    ],
)
def test_state_text_is_understood(state, expected):
    assert connection_from_text(state) is expected


def test_every_state_can_be_read():
    readable = {connection_from_text(name) for name in PrinterConnection}

    assert readable == set(PrinterConnection)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"operational": True, "printing": False, "ready": True}, PrinterConnection.OPERATIONAL),
        ({"operational": True, "printing": True}, PrinterConnection.PRINTING),
        ({"operational": True, "printing": True, "cancelling": True}, PrinterConnection.CANCELLING),
        ({"closedOrError": True, "error": True}, PrinterConnection.ERROR),
        ({"closedOrError": True}, PrinterConnection.OFFLINE),
        ({}, PrinterConnection.UNKNOWN),
    ],
    ids=["idle", "printing", "cancelling", "error", "closed", "nothing"],
)
def test_flags_stand_in_for_a_state_text_we_do_not_know(flags, expected):
    assert connection_from_flags(flags) is expected


def test_job_with_nothing_but_nulls_is_a_status_without_values():
    job = {"job": {"file": {"path": None}}, "progress": None, "state": "Offline after error", "error": None}

    status = status_from_job(job, PrinterConnection.ERROR)

    assert status == PrinterStatus(connection=PrinterConnection.ERROR)


def test_seconds_of_no_print_are_unknown():
    progress = {"printTime": 1e12, "printTimeLeft": 999_999_999_999_999, "printTimeLeftOrigin": "analysis"}

    status = status_from_job({"progress": progress, "state": "Printing"}, PrinterConnection.PRINTING)

    assert (status.print_time_s, status.time_left_s, status.time_left_origin) == (None, None, "")


def test_error_text_is_one_that_can_be_written_down():
    job = {"state": "Offline after error", "error": "MCU\x00 shut down \ud800"}

    assert status_from_job(job, PrinterConnection.ERROR).error_text == "MCU shut down ?"


def test_job_while_printing_is_read():
    job = {
        "job": {"file": {"path": "fablab/1/cube.gcode", "size": 10445}},
        "progress": {"completion": 39.07, "printTime": 1, "printTimeLeft": 3, "printTimeLeftOrigin": "average"},
        "state": "Printing",
    }

    status = status_from_job(job, PrinterConnection.PRINTING)

    assert status == PrinterStatus(
        PrinterConnection.PRINTING, "fablab/1/cube.gcode", 39.07, 1, 3, time_left_origin="earlier"
    )


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("linear", "file"),
        ("estimate", "file"),
        ("analysis", "analysis"),
        ("mixed-average", "earlier"),
        ("genius", "analysis"),
        ("oracle", ""),
        (None, ""),
        ([], ""),
    ],
    ids=str,
)
def test_origin_of_the_time_left_is_one_of_ours(origin, expected):
    job = {"state": "Printing", "progress": {"printTimeLeft": 60, "printTimeLeftOrigin": origin}}

    assert status_from_job(job, PrinterConnection.PRINTING).time_left_origin == expected


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        ({"tool0": {"actual": 214.88, "target": 215}, "bed": {"actual": -3, "target": 0}}, (214.9, 215.0, -3.0, 0.0)),
        ({"tool0": {"actual": None, "target": "hot"}, "bed": {"actual": 1e9, "target": True}}, (None,) * 4),
        ({"tool0": {"actual": float("nan")}, "bed": None}, (None,) * 4),
        (None, (None,) * 4),
    ],
    ids=["first nozzle and bed", "no numbers", "not a number", "nothing"],
)
def test_temperatures_are_those_a_printer_can_have(temperature, expected):
    status = add_temperatures(PrinterStatus(PrinterConnection.OPERATIONAL), {"temperature": temperature})

    assert (status.nozzle_c, status.nozzle_target_c, status.bed_c, status.bed_target_c) == expected


@pytest.mark.parametrize(
    "job", [{}, {"state": None}, {"state": "Printing", "job": []}], ids=["empty", "no state", "list for a job"]
)
def test_job_of_another_shape_is_a_protocol_error(job):
    with pytest.raises(PrinterProtocolError):
        status_from_job(job, PrinterConnection.PRINTING)


@pytest.mark.parametrize("value", [True, "12", -1, 1e300, float("nan"), [], {}], ids=repr)
def test_number_that_is_none_is_left_out(value):
    status = status_from_job({"state": "Printing", "progress": {"completion": value}}, PrinterConnection.PRINTING)

    assert status.completion_pct is None


def test_last_print_has_its_instant():
    file = {"prints": {"success": 1, "last": {"date": 1_795_301_867.5, "success": True, "printTime": 4.1}}}

    expected = LastPrint(is_success=True, ended_at=datetime.fromtimestamp(1_795_301_867.5, UTC), print_time_s=4)
    assert last_print_of(file) == expected
    assert last_print_of({}) is None

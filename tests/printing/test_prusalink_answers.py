"""PrusaLink's states and names as ours, by the shapes that its document gives."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printing.backends import PrinterConnection, PrinterProtocolError, PrinterStatus
from printing.backends.prusalink_answers import (
    name_on_printer,
    path_of_job,
    remote_path_of,
    software_of,
    status_from,
    storage_name,
)

OURS = "fablab/abcd2345ef/cube.gcode"


@pytest.mark.parametrize(
    ("state", "without_job", "with_job"),
    [
        ("IDLE", PrinterConnection.OPERATIONAL, PrinterConnection.OPERATIONAL),
        ("READY", PrinterConnection.OPERATIONAL, PrinterConnection.OPERATIONAL),
        ("FINISHED", PrinterConnection.OPERATIONAL, PrinterConnection.OPERATIONAL),
        ("STOPPED", PrinterConnection.OPERATIONAL, PrinterConnection.OPERATIONAL),
        ("PRINTING", PrinterConnection.PRINTING, PrinterConnection.PRINTING),
        ("PAUSED", PrinterConnection.PAUSED, PrinterConnection.PAUSED),
        ("BUSY", PrinterConnection.UNKNOWN, PrinterConnection.PRINTING),
        ("ATTENTION", PrinterConnection.UNKNOWN, PrinterConnection.PAUSED),
        ("ATTTENTION", PrinterConnection.UNKNOWN, PrinterConnection.PAUSED),
        ("ERROR", PrinterConnection.ERROR, PrinterConnection.ERROR),
        ("DREAMING", PrinterConnection.UNKNOWN, PrinterConnection.UNKNOWN),
    ],
)
def test_state_is_understood(state, without_job, with_job):
    printer = {"printer": {"state": state}}

    assert status_from(printer).connection is without_job
    assert status_from(printer | {"job": {"id": 420}}).connection is with_job


def test_seconds_of_no_print_are_unknown():
    job = {"id": 420, "progress": 42.0, "time_remaining": 1e12, "time_printing": 1e12}

    status = status_from({"job": job, "printer": {"state": "PRINTING"}})

    assert (status.time_left_s, status.print_time_s, status.time_left_origin) == (None, None, "")


def test_running_print_is_read():
    status = status_from(
        {
            "job": {"id": 420, "progress": 42.0, "time_remaining": 520, "time_printing": 526},
            "printer": {
                "state": "PRINTING",
                "temp_nozzle": 214.9,
                "target_nozzle": 215.0,
                "temp_bed": 59.5,
                "target_bed": 60.0,
            },
        }
    )

    assert status == PrinterStatus(
        PrinterConnection.PRINTING,
        completion_pct=42.0,
        print_time_s=526,
        time_left_s=520,
        nozzle_c=214.9,
        nozzle_target_c=215.0,
        bed_c=59.5,
        bed_target_c=60.0,
        time_left_origin="printer",
    )


def test_everything_but_the_state_may_be_missing():
    status = status_from({"printer": {"state": "PRINTING"}, "job": {"id": 1}})

    assert status == PrinterStatus(PrinterConnection.PRINTING)


@pytest.mark.parametrize(
    "answer",
    [{}, {"printer": None}, {"printer": []}, {"printer": {"state": 3}}, {"printer": {"state": "IDLE"}, "job": 1}],
)
def test_status_of_another_shape_is_a_protocol_error(answer):
    with pytest.raises(PrinterProtocolError):
        status_from(answer)


def test_path_becomes_one_name_and_back():
    name = name_on_printer(OURS)

    assert "/" not in name
    assert remote_path_of(name) == OURS


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ({"name": "FABLAB~1.GCO", "display_name": name_on_printer(OURS), "path": "/usb"}, OURS),
        ({"name": name_on_printer(OURS), "path": "/PrusaLink gcodes"}, OURS),
        ({"name": "BENCHY~1.GCO", "display_name": "benchy.gcode"}, "benchy.gcode"),
        ({}, None),
        (None, None),
    ],
    ids=["firmware", "daemon without a long name", "foreign", "nothing", "null"],
)
def test_job_names_our_path_by_the_long_name(file, expected):
    assert path_of_job({"id": 1, "file": file}) == expected


@pytest.mark.parametrize(
    ("storages", "expected"),
    [
        ([{"path": "/usb/", "available": True}], "usb"),
        ([{"path": "/local", "available": True, "read_only": False}], "local"),
        ([{"path": "/sdcard", "available": True, "read_only": True}, {"path": "/local", "available": True}], "local"),
        ([{"path": "/usb/", "available": False}], None),
        ([{"path": "/../api", "available": True}], None),
        ([None, 3], None),
        (None, None),
    ],
    ids=["stick", "local", "card is read-only", "no stick", "no name", "nonsense", "null"],
)
def test_storage_is_the_first_that_can_be_written_to(storages, expected):
    assert storage_name({"storage_list": storages}) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ({"text": "PrusaLink"}, "PrusaLink"),
        ({"text": "PrusaLink 0.8.1"}, "PrusaLink"),
        ({"text": "OctoPrint 1.11.8"}, ""),
        ({"text": "OctoPrint", "original": "PrusaLink I3MK3S"}, "PrusaLink"),
        ({}, ""),
    ],
)
def test_software_is_known_by_its_version(version, expected):
    assert software_of(version) == expected


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.none(), max_size=2)
PARTS = VALUES | st.dictionaries(
    st.sampled_from(["state", "id", "progress", "time_remaining", "temp_bed", "file", "display_name"]),
    VALUES | st.sampled_from(["PRINTING", "BUSY"]),
)


@given(st.dictionaries(st.sampled_from(["job", "printer", "storage_list", "file"]), PARTS))
def test_whatever_stands_in_an_answer_is_read_or_a_protocol_error(answer):
    kinds = {status_from: PrinterStatus, path_of_job: str | None, storage_name: str | None, software_of: str}
    for read, kind in kinds.items():
        with contextlib.suppress(PrinterProtocolError):
            assert isinstance(read(answer), kind)

"""Klipper's objects and Moonraker's history as ours, by the shapes that their documents give."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printing.backends import LastPrint, PrinterConnection, PrinterProtocolError, PrinterStatus
from printing.backends.moonraker_answers import (
    klippy_connection,
    last_print_in,
    left_by_analysis,
    result,
    size_in,
    status_from_objects,
)

OURS = "fablab/1/cube.gcode"
ENDED_S = 1_795_301_867.5
ENDED_AT = datetime.fromtimestamp(ENDED_S, UTC)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def objects(state="printing", klippy="ready", **changes):
    stats = {"filename": OURS, "state": state, "message": "", "print_duration": 100.0, "filament_used": 12.5}
    return {
        "webhooks": {"state": klippy, "state_message": "Printer is ready"},
        "print_stats": stats,
        "virtual_sdcard": {"progress": 0.25},
        "display_status": {"progress": None},
    } | changes


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("standby", PrinterConnection.OPERATIONAL),
        ("printing", PrinterConnection.PRINTING),
        ("paused", PrinterConnection.PAUSED),
        ("complete", PrinterConnection.OPERATIONAL),
        ("cancelled", PrinterConnection.OPERATIONAL),
        ("error", PrinterConnection.OPERATIONAL),
        ("dreaming", PrinterConnection.UNKNOWN),
    ],
)
def test_state_of_the_print_is_understood(state, expected):
    assert status_from_objects(objects(state)).connection is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("ready", PrinterConnection.OPERATIONAL),
        ("startup", PrinterConnection.CONNECTING),
        ("shutdown", PrinterConnection.ERROR),
        ("error", PrinterConnection.ERROR),
        ("disconnected", PrinterConnection.OFFLINE),
        ("dreaming", PrinterConnection.UNKNOWN),
    ],
)
def test_state_of_klippy_comes_before_that_of_the_print(state, expected):
    assert klippy_connection(state) is expected
    if state != "ready":
        assert status_from_objects(objects(klippy=state)).connection is expected


def test_running_print_is_read():
    warm = {
        "extruder": {"temperature": 214.93, "target": 215.0},
        "heater_bed": {"temperature": 59.88, "target": 60.0},
    }
    found = objects(**warm)
    found["print_stats"]["info"] = {"current_layer": 3, "total_layer": 90}

    status = status_from_objects(found)

    assert (status.remote_path, status.completion_pct, status.print_time_s) == (OURS, 25.0, 100)
    assert (status.time_left_s, status.time_left_origin) == (300, "file")
    assert (status.layer, status.layers, status.filament_used_mm) == (3, 90, 12.5)
    assert (status.nozzle_c, status.nozzle_target_c, status.bed_c, status.bed_target_c) == (214.9, 215.0, 59.9, 60.0)


def test_progress_that_the_commands_tell_comes_before_the_place_in_the_file():
    status = status_from_objects(objects(display_status={"progress": 0.5}))

    assert (status.completion_pct, status.time_left_s) == (50.0, 100)


def test_time_left_is_not_foretold_in_the_first_moments():
    status = status_from_objects(objects(virtual_sdcard={"progress": 0.01}))

    assert (status.completion_pct, status.time_left_s, status.time_left_origin) == (1.0, None, "")


@pytest.mark.parametrize(("state", "expected"), [("complete", 100.0), ("cancelled", None), ("error", None)])
def test_completion_is_100_only_for_a_finished_print(state, expected):
    assert status_from_objects(objects(state)).completion_pct == expected


def test_why_a_print_broke_off_is_told():
    found = objects("error")
    found["print_stats"]["message"] = "Move out of range: 300.000"

    assert status_from_objects(found).error_text == "Move out of range: 300.000"


def test_why_klipper_shut_down_is_told_in_one_line():
    message = "MCU 'mcu' shutdown: Timer too close\nThis often indicates the host computer is overloaded."

    status = status_from_objects(objects(webhooks={"state": "shutdown", "state_message": message}))

    assert status.error_text == "MCU 'mcu' shutdown: Timer too close"


def test_print_stats_of_nulls_are_a_status_without_values():
    nothing = {"webhooks": {"state": "ready"}, "print_stats": {"state": "standby", "filename": ""}}

    status = status_from_objects(nothing | {"extruder": None, "heater_bed": None, "virtual_sdcard": None})

    assert (status.connection, status.remote_path) == (PrinterConnection.OPERATIONAL, None)
    assert (status.completion_pct, status.nozzle_c, status.layer) == (None, None, None)


@pytest.mark.parametrize(
    "found",
    [{}, {"webhooks": None}, {"webhooks": []}, {"webhooks": {"state": 7}}, objects(print_stats=[])],
    ids=["empty", "null", "list", "number", "list for the print"],
)
def test_objects_of_another_shape_are_a_protocol_error(found):
    with pytest.raises(PrinterProtocolError):
        status_from_objects(found)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", LastPrint(True, ENDED_AT)),
        ("cancelled", LastPrint(False, ENDED_AT)),
        ("error", LastPrint(False, ENDED_AT, is_error=True)),
        ("klippy_shutdown", LastPrint(False, ENDED_AT, is_error=True)),
        ("klippy_disconnect", LastPrint(False, ENDED_AT, is_error=True)),
        ("interrupted", LastPrint(False, ENDED_AT, is_error=True)),
        ("in_progress", None),
    ],
)
def test_history_tells_how_a_print_ended(status, expected):
    job = {"filename": OURS, "status": status, "end_time": ENDED_S, "start_time": ENDED_S - 60}

    assert last_print_in([{"filename": "other.gcode", "status": "completed", "end_time": 1.0}, job], OURS) == expected


def test_history_tells_what_a_print_took():
    job = {"filename": OURS, "status": "cancelled", "end_time": ENDED_S, "print_duration": 61.7, "filament_used": 812.5}

    found = last_print_in([job], OURS)

    assert (found.print_time_s, found.filament_used_mm) == (61, 812.5)


def test_newest_end_in_the_history_counts():
    jobs = [
        {"filename": OURS, "status": "cancelled", "end_time": ENDED_S},
        {"filename": OURS, "status": "completed", "end_time": ENDED_S - 1000},
    ]

    assert last_print_in(jobs, OURS) == LastPrint(False, ENDED_AT)


def test_print_that_was_cut_off_ended_when_it_was_last_seen():
    job = {"filename": OURS, "status": "interrupted", "end_time": None, "start_time": ENDED_S - 60}

    found = last_print_in([job | {"total_duration": 60.0}], OURS)

    assert found == LastPrint(False, ENDED_AT, is_error=True)


@pytest.mark.parametrize("jobs", [None, [], [None, 3, "x"], [{"filename": OURS}]], ids=str)
def test_history_without_our_file_tells_nothing(jobs):
    assert last_print_in(jobs, OURS) is None


@pytest.mark.parametrize(
    ("estimate_s", "passed_s", "expected"),
    [(5947, 100, 5847), (50, 100, 0), (None, 100, None), (0, 100, None), (5947, None, None), ("x", 1, None)],
)
def test_time_left_by_the_slicers_estimate(estimate_s, passed_s, expected):
    assert left_by_analysis({"estimated_time": estimate_s}, passed_s) == expected


@pytest.mark.parametrize("absurd", [99_999_999_999, 1e15])
def test_layers_and_seconds_of_no_print_are_unknown(absurd):
    info = {"current_layer": absurd, "total_layer": absurd}
    stats = {"filename": OURS, "state": "printing", "print_duration": absurd, "info": info}

    ended = {"filename": OURS, "status": "cancelled", "end_time": ENDED_S}

    status = status_from_objects(objects(print_stats=stats))

    assert (status.layer, status.layers, status.print_time_s, status.time_left_s) == (None, None, None, None)
    assert left_by_analysis({"estimated_time": absurd}, 10) is None
    assert last_print_in([ended | {"print_duration": absurd}], OURS).print_time_s is None


@pytest.mark.parametrize(
    "answer", [{"result": {"item": {"size": 5}}}, {"item": {"size": 5}}], ids=["wrapped", "as an upload has it"]
)
def test_answer_is_unwrapped_where_it_is_wrapped(answer):
    assert result(answer) == {"item": {"size": 5}}


def test_size_is_that_of_the_file_of_this_name():
    files = [{"filename": "other.gcode", "size": 1}, {"filename": "cube.gcode", "size": 10445}, None]

    assert size_in(files, "cube.gcode") == 10445
    assert size_in(files, "ball.gcode") is None


@given(
    stats=ANYTHING
    | st.fixed_dictionaries({"state": st.just("printing"), "print_duration": ANYTHING, "info": ANYTHING}),
    others=st.dictionaries(st.sampled_from(["virtual_sdcard", "display_status", "extruder", "heater_bed"]), ANYTHING),
)
def test_whatever_stands_in_the_objects_is_a_status_or_a_protocol_error(stats, others):
    with contextlib.suppress(PrinterProtocolError):
        assert isinstance(status_from_objects(objects(print_stats=stats, **others)), PrinterStatus)


@given(ANYTHING)
def test_whatever_stands_in_the_history_is_an_end_or_a_protocol_error(jobs):
    with contextlib.suppress(PrinterProtocolError):
        assert last_print_in(jobs, OURS) is None

"""What one pass over a G-code file finds."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from printing.gcode_policy import scan_gcode
from printing.scan.head import Head
from printing.scan.lines import BLOCK_BYTES, blocks_of
from printing.scan.reading import HOTTEST_C, MOST_HOST_COMMANDS, Reading

SAMPLES = Path(__file__).parent / "samples"
MOVE = b"G1 X10 Y10 F3000\n"


def scan(*lines):
    return scan_gcode(io.BytesIO(b"\n".join(lines) + b"\n"))


def reached(*lines):
    """(least, most) of each axis named, and whether that is all."""
    found = scan(*lines)
    spans = {axis: getattr(found.reach, axis) for axis in "xyz"} if found.reach else {}
    return {axis: (round(span.least, 3), round(span.most, 3)) for axis, span in spans.items() if span}, (
        found.is_reach_known
    )


def read(program, *, is_exact):
    reading = Reading(Head(is_exact=is_exact))
    for lines in blocks_of(io.BytesIO(program)):
        reading.take(lines)
    return reading.result()


# --- lines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("last", [b"", b"end"], ids=["ended", "open"])
def test_every_line_is_counted(end, last):
    found = scan_gcode(io.BytesIO((b"G28" + end) * 70_000 + MOVE.strip() + end + (last and b"; " + last)))

    assert found.line_count == 70_001 + bool(last)


def test_open_line_longer_than_a_block_is_counted():
    found = scan_gcode(io.BytesIO(MOVE + b"; " + b"x" * 3 * BLOCK_BYTES))

    assert (found.line_count, found.long_line) == (2, 2)


def test_stream_that_gives_little_at_once_is_read_to_its_end():
    class Drop(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 7))

    found = scan_gcode(Drop(MOVE * 50 + b"M112\n"))

    assert (found.line_count, found.forbidden) == (51, {"M112": 51})


@pytest.mark.parametrize("content", [b"", b"\n", b"\0", b"\r", b"(", b"N", b"\xff\xfe", b"G", b"X1", b"@", b"M104 S"])
def test_nothing_much_is_still_answered(content):
    assert not scan_gcode(io.BytesIO(content)).has_moves


@pytest.mark.parametrize(
    ("name", "nozzle_c", "bed_c"),
    [
        ("prusaslicer25", 200, None),
        ("superslicer", None, None),
        ("orcaslicer", None, None),
        ("bambustudio", None, None),
        ("cura", None, None),
        ("slic3r", None, None),
        ("cube20_fast", 0, 0),
    ],
)
def test_file_of_a_slicer_is_wholly_understood(name, nozzle_c, bed_c):
    with (SAMPLES / f"{name}.gcode").open("rb") as stream:
        found = scan_gcode(stream)

    assert found.is_reach_known
    assert (found.most_nozzle_c, found.most_bed_c) == (nozzle_c, bed_c)


# --- temperatures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "nozzle", "bed", "chamber"),
    [
        ([b"M104 S200"], (200, 1), None, None),
        ([b"M109 R215.5 ; cool too"], (215.5, 1), None, None),
        ([b"M104 S200", b"M109 S240", b"M104 T1 S240", b"M104 S0"], (240, 2), None, None),
        ([b"M140 S60", b"M190 R70"], None, (70, 2), None),
        ([b"M141 S40", b"M191 S45"], None, None, (45, 2)),
        ([b"n7 m 0109 s 999*12"], (999, 1), None, None),
        ([b"M109S300"], (300, 1), None, None),
        ([b"M104 S200 R250"], (250, 1), None, None),
        ([b"M1040 S500", b"M117 M104 S500", b"; M104 S500", b"M104 ; S500", b"(M104 S500)"], None, None, None),
        ([b"(warm up) M104 S230"], (230, 1), None, None),
        ([b"SET_HEATER_TEMPERATURE HEATER=extruder1 TARGET=290"], (290, 1), None, None),
        ([b"set_heater_temperature heater=heater_bed target=120"], None, (120, 1), None),
        ([b"SET_HEATER_TEMPERATURE HEATER=chamber TARGET=50"], None, None, (50, 1)),
        ([b"M104 S" + b"9" * 400], (HOTTEST_C, 1), None, None),
    ],
    ids=[
        "S", "R", "first line of the highest", "bed", "chamber", "lower case, blanks, number, checksum", "no blank",
        "both", "elsewhere", "behind brackets", "Klipper's nozzle", "Klipper's bed", "Klipper's chamber", "endless",
    ],
)  # fmt: skip
def test_highest_temperature_is_found_with_its_line(lines, nozzle, bed, chamber):
    found = scan(*lines)

    peaks = [peak and (peak.c, peak.line) for peak in (found.nozzle, found.bed, found.chamber)]
    assert peaks == [nozzle, bed, chamber]
    assert found.most_nozzle_c == (nozzle and nozzle[0])
    assert found.most_bed_c == (bed and bed[0])
    assert found.most_chamber_c == (chamber and chamber[0])


# --- where it goes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        ([b"G1 X1 Y2 Z3"], {"x": (1, 1), "y": (2, 2), "z": (3, 3)}),
        ([b"G1 X1", b"G0 X-4.5", b"G1 X.5", b"G1 X+3."], {"x": (-4.5, 3)}),
        ([b"g1x7y8"], {"x": (7, 7), "y": (8, 8)}),
        ([b"G 01 X 7", b"N4 G1 Y8*71"], {"x": (7, 7), "y": (8, 8)}),
        ([b"G1 F9000 E1", b"M203 X500 Y500", b"M117 G1 X900", b"; G1 X900", b"G10 S1", b"G17"], {}),
        ([b"G1 X1 ; X900", b"(lift) G1 X3"], {"x": (1, 3)}),
        ([b"G20", b"G1 X1", b"G21", b"G1 X1"], {"x": (1, 25.4)}),
        ([b"G1 X10", b"G91", b"G1 X5", b"G1 X-8", b"G90", b"G1 X9"], {"x": (7, 15)}),
        ([b"G1 Z1", b"G91", b"G20", b"G1 Z1", b"G1 Z-2"], {"z": (-24.4, 26.4)}),
        ([b"G91", b"G1 Z5", b"G90", b"G28", b"G1 Z.3"], {"z": (0.3, 0.3)}),
        ([b"G1 X10", b"G92 X0", b"G1 X20"], {"x": (10, 30)}),
        ([b"G1 X10", b"G92 X0", b"G28 X", b"G1 X20"], {"x": (10, 20)}),
        ([b"G1 X10", b"G91", b"G1 X5", b"G92 X0", b"G1 X1", b"G90", b"G1 X1"], {"x": (10, 16)}),
        ([b"G1 X1", b"G92 E0", b"G92 E0 ; X9", b"g92 e1.5", b"G92 E0*12", b"G1 X2"], {"x": (1, 2)}),
        ([b"G28 Y", b"G1 X10", b"G91", b"G1 X5"], {"x": (10, 15)}),
    ],
    ids=[
        "end points", "numbers", "lower case, no blanks", "blanks, line number and checksum", "not moves",
        "comments", "inches", "relative", "relative inches", "lift before home", "new zero", "home forgets it",
        "new zero while relative", "new zero of the filament", "home of another axis",
    ],
)  # fmt: skip
def test_reach_is_of_all_moves(lines, spans):
    assert reached(*lines) == (spans, True)


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        ([b"G2 X10 Y0 I5 J0"], {"x": (0, 10), "y": (0, 5)}),
        ([b"G3 X10 Y0 I5 J0"], {"x": (0, 10), "y": (-5, 0)}),
        ([b"G2 I50"], {"x": (0, 100), "y": (-50, 50)}),
        ([b"G3 X1 Y1 I0 J1"], {"x": (0, 1), "y": (0, 1)}),
        ([b"G2 X1 Y1 I0 J1"], {"x": (-1, 1), "y": (0, 2)}),
        ([b"G2 X1 Y0 I0.5 J-9000"], {"x": (0, 1), "y": (0, 0)}),
        ([b"G91", b"g2 x10 i5", b"G2 X10 I5"], {"x": (0, 20), "y": (0, 5)}),
        ([b"G20", b"G3 X1 I.5"], {"x": (0, 25.4), "y": (-12.7, 0)}),
    ],
    ids=["over", "under", "full circle", "a quarter", "three quarters", "nearly straight", "relative", "inches"],
)
def test_arc_reaches_as_far_as_it_bulges(lines, spans):
    assert reached(b"G1 X0 Y0", *lines) == (spans, True)


@pytest.mark.parametrize(
    "lines",
    [
        [b"G91", b"G1 X5"],
        [b"G1 X5", b"G28", b"G91", b"G1 X5"],
        [b"G91", b"G1 Z15", b"G1 Z15"],
        [b"G91", b"G1 Z5", b"G1 Z-6"],
        [b"G92 X50", b"G1 X5"],
        [b"G1 X5", b"G92"],
        [b"G1 X5", b"G92 X"],
        [b"G1 X5", b"G92.1"],
        [b"G1 X5", b"G29", b"G91", b"G1 X5"],
        [b"G1 X5", b"G54"],
        [b"G1 X5", b"M206 X-30"],
        [b"G1 X5", b"M428"],
        [b"G1 X5", b"M92 X800"],
        [b"G1 X5", b"SET_GCODE_OFFSET X=100"],
        [b"G1 X5", b"G10 L2 P1 X50"],
        [b"G1 X5", b"G5 X9 I1 J900 P1 Q900"],
        [b"G1 X5", b"G18"],
        [b"G1 X5", b"G91 G1 X900"],
        [b"G1 X5", b"G1 X{move.axes[0].max}"],
        [b"G1 X0 Y0", b"G2 X5 Y5 R9"],
        [b"G2 X5 Y5 I9"],
    ],
    ids=[
        "relative before home", "relative after home", "high lift before home", "down before home",
        "new zero before any move", "new zero of nothing", "new zero without number", "old zero",
        "relative after probing", "work zero", "home offset", "offset from here", "steps", "Klipper's offset",
        "tool offset", "spline", "other plane", "two commands", "expression", "arc by radius", "arc from nowhere",
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_said(lines):
    assert scan(*lines).is_reach_known is False


@pytest.mark.parametrize(
    "line",
    [b"M92 E420", b"M206", b"G10", b"G10 P0 R180 S210", b"G29", b"G1 X1 (go up)", b"G17", b"M83", b"G4 P1", b"T1"],
)
def test_what_moves_no_zero_does_no_harm(line):
    assert reached(b"G1 X1 Z1", line, b"G1 X2") == ({"x": (1, 2), "z": (1, 1)}, True)


def test_nothing_is_believed_after_the_zero_was_moved():
    assert reached(b"G1 X5", b"G54", b"G1 X900") == ({"x": (5, 5)}, False)


def test_furthest_moves_have_their_lines():
    reach = scan(b"G28", b"G1 X5 Y5", b"", b"G1 X90", b"G1 X1", b"G1 X90", b"G3 X1 Y5 I-44.5", b"G1 Y-2 Z.2").reach

    assert (reach.x.least_line, reach.x.most_line) == (5, 4)
    assert (reach.y.least_line, reach.y.most_line) == (8, 7)
    assert (reach.z.least_line, reach.z.most_line) == (8, 8)


def test_lines_of_the_furthest_are_counted_over_all_blocks():
    count = 3 * BLOCK_BYTES // len(MOVE)

    reach = scan_gcode(io.BytesIO(MOVE * count + b"G1 Y-1\nG1 X99\n" + MOVE * count)).reach

    assert (reach.x.most, reach.x.most_line, reach.x.least_line) == (99, count + 2, 1)
    assert (reach.y.least, reach.y.least_line) == (-1, count + 1)


def test_numbers_beyond_any_printer_stay_finite():
    spans, is_known = reached(b"G1 X" + b"9" * 400, b"G91", b"G1 X" + b"9" * 400, b"G1 X-" + b"9" * 400)

    assert spans == {"x": (1e7, 2e7)}
    assert is_known


def test_program_of_mode_changes_alone_is_given_up(monkeypatch):
    monkeypatch.setattr("printing.scan.head.MOST_CHANGES", 3)
    head = Head()
    head.follow(b"\nG1 X5", 0, 6, 0)

    for _ in range(4):
        head.obey(90, b"")
    head.follow(b"\nG1 X900", 0, 8, 0)

    assert (head.is_known, head.reach.x.most) == (False, 5)


NUMBERS = st.integers(-30_000, 30_000).map(lambda number: f"{number / 100:g}")
AXES = st.lists(st.sampled_from("XYZEF"), unique=True, max_size=4)
MOVES = st.builds(
    lambda code, words, axes: f"{code} " + " ".join(a + n for a, n in zip(axes, words, strict=False)),
    st.sampled_from(["G0", "G1", "g1", "N3 G01", " G1"]),
    st.lists(NUMBERS, min_size=4, max_size=4),
    AXES,
)
OTHERS = st.sampled_from(
    [
        "G20", "G21", "G90", "G91", "G28", "G28 X", "G28 Z0", "G29", "G92 X0", "G92 Z5 E1", "G92 E0", "; G1 X999",
        "", "M104 S200", "T1", "M117 G1 X999", "G4 P1", "G1 X5 (up) Y3", "@pause", "G10", "M83", "G2 X5 Y5 I2 J1",
    ]
)  # fmt: skip


@given(st.lists(st.one_of(MOVES, MOVES, MOVES, OTHERS), max_size=60), st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_moves_taken_at_once_and_one_by_one_reach_as_far(lines, end):
    program = end.join(lines).encode()

    assert read(program, is_exact=False) == read(program, is_exact=True)


@given(st.lists(st.one_of(MOVES, OTHERS), max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_blocks_make_no_difference(lines):
    program, reading = "".join(f"{line}\n" for line in lines).encode(), Reading(Head())

    for line in program.splitlines(keepends=True):
        reading.take(line)

    assert reading.result() == read(program, is_exact=False)


@given(
    st.binary(max_size=400), st.lists(st.sampled_from([b"G1 X", b"\nG2 ", b"\nM104 S", b"(", b"\n@", b"N1 ", b"G92 "]))
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_content_is_answered(noise, words):
    content = MOVE + noise.join([b"", *words, b""]).replace(b"\0", b"0")

    found = scan_gcode(io.BytesIO(content))

    assert found.has_moves


# --- commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"FIRMWARE_RESTART", {"FIRMWARE_RESTART": 2}),
        (b" save_config ; keep", {"SAVE_CONFIG": 2}),
        (b"N7 RUN_SHELL_COMMAND CMD=x", {"RUN_SHELL_COMMAND": 2}),
        (b"SDCARD_PRINT_FILE FILENAME=b.gcode", {"SDCARD_PRINT_FILE": 2}),
        (b"PID_CALIBRATE HEATER=extruder TARGET=200", {"PID_CALIBRATE": 2}),
        (b"RESTART", {"RESTART": 2}),
        (b"RESTART_COUNTER VALUE=1", {}),
        (b"M117 RESTART", {}),
        (b"PRINT_START BED=60", {}),
    ],
)
def test_klipper_s_own_commands_are_known(line, expected):
    assert scan(MOVE.strip(), line).forbidden == expected


@pytest.mark.parametrize(
    "line",
    [
        b"M112",
        b" \tm 0112",
        b"N12 M112*33",
        b"M112;comment",
        b"(stop) M112",
        b"N1 (stop)M112",
        b"\xc2\xa0M112",
        b"(M112",
    ],
)
def test_hidden_command_is_found_unless_in_brackets(line):
    expected = {} if line == b"(M112" else {"M112": 2}

    assert scan(MOVE.strip(), line).forbidden == expected


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"@pause", {}),
        (b"@cancel now", {}),
        (b" @resume", {}),
        (b"@resume; go on", {}),
        (b"@TIMELAPSE TAKE", {"@TIMELAPSE": 2}),
        (b"@Pause", {"@Pause": 2}),
        (b"@", {"@": 2}),
        (b"  @run rm", {"@run": 2}),
        (b"; @run rm", {}),
        (b"M117 mail me@run", {}),
        (b"@" + b"x" * 500, {"@" + "x" * 40: 2}),
        ("@é".encode(), {"@\ufffd\ufffd": 2}),
    ],
    ids=lambda value: value[:20].decode("ascii", "replace") if isinstance(value, bytes) else "",
)
def test_host_command_is_found_unless_harmless(line, found):
    assert scan(MOVE.strip(), line).host_commands == found


def test_only_so_many_host_commands_are_kept():
    assert len(scan(*(b"@a%d" % number for number in range(1000))).host_commands) == MOST_HOST_COMMANDS


def test_tools_are_those_that_are_chosen():
    found = scan(b"T0", b"t 1", b"N5 T3*7", b"Tx", b"M104 T7 S1", b"; T9", b"TIMELAPSE", b"T12345", b"T0")

    assert found.tools == {0, 1, 3}

"""Which files may go to a printer, and under which name."""

import io
import re
from pathlib import Path

import pytest

from fablab.lib.denials import Denial
from printing.gcode_policy import (
    BLOCK_BYTES,
    FORBIDDEN,
    LONGEST_COMMENT_BYTES,
    PrinterLimits,
    check_gcode,
    policy_denials,
    safe_name,
    scan_gcode,
)

SAMPLES = Path(__file__).parent / "samples"
MOVE = b"G1 X10 Y10 F3000\n"
LONG = 1024
PRUSA = PrinterLimits(most_nozzle_c=260, most_bed_c=100, bed_mm=(250, 210, 200))


def forbidden(command, line):
    return Denial("forbidden_command", {"command": command, "line": line})


def too_long(line):
    return Denial("line_too_long", {"line": line, "limit_bytes": LONG})


@pytest.fixture
def check(tmp_path):
    """What is said about a file of these bytes."""

    def run(content):
        path = tmp_path / "file.gcode"
        path.write_bytes(content)
        return check_gcode(path)

    return run


@pytest.mark.parametrize(
    "name", ["prusaslicer25", "superslicer", "orcaslicer", "bambustudio", "cura", "slic3r", "cube20_fast"]
)
def test_file_of_a_slicer_is_allowed(name):
    assert check_gcode(SAMPLES / f"{name}.gcode") == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"GCDE\x01\x00\x00\x00" + MOVE, "bgcode"),
        (b"PK\x03\x04" + MOVE, "zip"),
        (b"\x1f\x8b\x08" + MOVE, "gzip"),
        (MOVE + b"M117 \0\n", "nul_bytes"),
        (MOVE.decode().encode("utf-16"), "nul_bytes"),
        (b"solid cube\nfacet normal 0 0 1\n", "no_moves"),
        (b"; G1 X10\nG28\nG4 S1\n", "no_moves"),
        (b"G10\nG17\n", "no_moves"),
        (b"\n\n\n", "no_moves"),
    ],
    ids=["bgcode", "zip", "gzip", "NUL", "UTF-16", "STL", "only in a comment", "G10 and G17", "blank lines"],
)
def test_file_that_is_no_gcode_is_refused(check, content, reason):
    assert check(content) == [Denial("not_gcode", {"reason": reason})]


def test_empty_file_is_refused(check):
    assert check(b"") == [Denial("empty_file")]


@pytest.mark.parametrize("command", FORBIDDEN)
def test_forbidden_command_is_refused_with_its_line(check, command):
    assert check(MOVE * 2 + command.encode() + b" S1\n" + MOVE) == [forbidden(command, 3)]


@pytest.mark.parametrize(
    "line",
    [
        b"M112",
        b"  \tM112",
        b"m112",
        b"M 112",
        b"M0112",
        b"N12 M112*33",
        b"N12M112",
        b"M112;comment",
        b"\x0bM112",
        "\u00a0M112".encode(),
        b"M112.0",
    ],
)
def test_forbidden_command_is_found_however_it_is_written(check, line):
    assert check(MOVE + line + b"\n") == [forbidden("M112", 2)]


@pytest.mark.parametrize(
    "line",
    [b"; M112", b"M1120", b"M117 M112", b"M300 S440", b"M280 P0", b"M3030", b"G1 X1 ; M500", b"M104 S200"],
)
def test_harmless_line_is_allowed(check, line):
    assert check(MOVE + line + b"\n" + MOVE) == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_lines_are_counted_for_every_line_end(check, end):
    lines = [b"G28", b"G1 X1", b"", b"M502", b"M502", b"M500"]

    assert check(end.join(lines)) == [forbidden("M502", 4), forbidden("M500", 6)]


def test_first_line_may_start_with_a_byte_order_mark(check):
    assert check(b"\xef\xbb\xbfM997\n" + MOVE) == [forbidden("M997", 1)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("offset", range(-8, 3))
def test_command_across_two_blocks_is_found(check, end, offset):
    line = MOVE.strip() + end
    filler = line * (BLOCK_BYTES // len(line) + 1)
    start = filler[: BLOCK_BYTES + offset - len(end)].rpartition(end)[0] + end
    padding = b";" * (BLOCK_BYTES + offset - len(start) - len(end)) + end
    content = start + padding + b"M303" + end + MOVE

    assert check(content) == [forbidden("M303", content[: content.index(b"M303")].count(b"\n") + 1)]


@pytest.mark.parametrize(
    ("line", "denials"),
    [
        (b"G1 " + b"X" * (LONG - 3), []),
        (b"G1 " + b"X" * (LONG - 2), [too_long(2)]),
        (b"; " + b"QUJD" * 5000, []),
        (b"; start_gcode = " + b"G1 X1\\n" * 2000, []),
        (b"G1 X1 ; " + b"x" * 5000, []),
        (b"G1" + b" " * 5000 + b"; x", [too_long(2)]),
        (b";" + b"x" * (LONGEST_COMMENT_BYTES + 1), [too_long(2)]),
    ],
    ids=["at the limit", "over it", "thumbnail", "configuration", "comment behind", "blanks", "huge comment"],
)
def test_command_line_is_at_most_one_kilobyte(check, line, denials):
    assert check(MOVE + line + b"\n" + MOVE) == denials


def test_every_reason_is_given(check):
    content = MOVE + b"M112\n" + b"G1 " + b"9" * 2000 + b"\nM28 x\n"

    assert check(content) == [forbidden("M112", 2), forbidden("M28", 4), too_long(3)]


def test_file_of_one_endless_line_is_refused(check):
    assert check(MOVE + b"G1 " + b"1" * (3 * BLOCK_BYTES)) == [too_long(2)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cube.gcode", "cube.gcode"),
        ("Support étagère n°2.GCODE", "Support_etagere_n2.gcode"),
        ("Straße œuvre.gco", "Strasse_oeuvre.gco"),
        ("a.g", "a.g"),
        ("../../etc/passwd", "passwd.gcode"),
        ("C:\\Users\\me\\cube.gcode", "cube.gcode"),
        (".hidden.gcode", "hidden.gcode"),
        ("-rf.gcode", "rf.gcode"),
        (".gcode", "print.gcode"),
        ("", "print.gcode"),
        ("日本.gcode", "print.gcode"),
        ("part.stl", "part.stl.gcode"),
        ("a\r\nX-Key: b.gcode", "a_X-Key_b.gcode"),
        ("x" * 200 + ".gcode", "x" * 54 + ".gcode"),
        ("..", "print.gcode"),
    ],
)
def test_safe_name_is_accepted_everywhere(name, expected):
    made = safe_name(name)

    assert made == expected
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,59}", made)
    assert safe_name(made) == made


# --- limits -------------------------------------------------------------------------------------------------------


def scan(content):
    return scan_gcode(io.BytesIO(content))


def too_hot(part, asked_c, most_c, line):
    return Denial("too_hot", {"part": part, "asked_c": asked_c, "most_c": most_c, "line": line})


def outside(axis, mm, least_mm, most_mm, line):
    facts = {"axis": axis, "mm": mm, "least_mm": least_mm, "most_mm": most_mm, "line": line}
    return Denial("outside_bed", facts)


@pytest.mark.parametrize(
    ("lines", "denials"),
    [
        ([b"M104 S260", b"M140 S100"], []),
        ([b"M104 S261", b"M140 S101"], [too_hot("nozzle", 261, 260, 2), too_hot("bed", 101, 100, 3)]),
        ([b"M141 S300"], []),
        ([b"G1 X255 Y215 Z205", b"G1 X-5 Y-5 Z-.5"], []),
        ([b"G1 X255.1"], [outside("x", 255.1, -5, 255, 2)]),
        ([b"G1 X1", b"G1 Y-5.1"], [outside("y", -5.1, -5, 215, 3)]),
        ([b"G1 Z206", b"G1 Z-1"], [outside("z", -1, -0.5, 205, 3), outside("z", 206, -0.5, 205, 2)]),
        ([b"G28", b"G91", b"G1 X5"], [Denial("unknown_reach")]),
        ([b"M500"], [forbidden("M500", 2)]),
        ([b"@shout"], [Denial("host_command", {"command": "@shout", "line": 2})]),
        ([b"M117 " + b"x" * 2000], [too_long(2), Denial("unknown_reach")]),
        ([b"\0"], [Denial("not_gcode", {"reason": "nul_bytes"})]),
    ],
    ids=[
        "as hot as it bears", "too hot", "chamber", "in the margin", "right of the bed", "in front of the bed",
        "into the bed and too high", "unknown", "forbidden", "host", "long line", "NUL",
    ],
)  # fmt: skip
def test_file_is_held_against_the_limits(lines, denials):
    assert policy_denials(scan(MOVE + b"\n".join(lines)), PRUSA) == denials


def test_limit_that_is_not_known_is_not_checked():
    found = scan(b"M104 S900\nM140 S900\nG1 X9000\nG91\nG28\nG1 X5")

    assert policy_denials(found, PrinterLimits()) == []


def test_margin_can_be_wider():
    found = scan(b"G1 X-14 Y20\n")

    assert policy_denials(found, PrinterLimits(bed_mm=(256, 256, 256), margin_mm=15)) == []


@pytest.mark.parametrize(
    ("content", "denial"),
    [
        (b"", Denial("empty_file")),
        (b"\n\n", Denial("not_gcode", {"reason": "no_moves"})),
        (b"GCDE\1\0\0\0", Denial("not_gcode", {"reason": "bgcode"})),
        (b"PK\3\4" + MOVE, Denial("not_gcode", {"reason": "zip"})),
        (b"M104 S999\nG28\n", Denial("not_gcode", {"reason": "no_moves"})),
    ],
    ids=["empty", "blank", "bgcode", "zip", "no moves"],
)
def test_nothing_else_is_said_of_what_is_no_gcode(content, denial):
    assert policy_denials(scan(content), PRUSA) == [denial]


@pytest.mark.parametrize(
    "name", ["prusaslicer25", "superslicer", "orcaslicer", "bambustudio", "cura", "slic3r", "cube20_fast"]
)
def test_file_of_a_slicer_keeps_within_the_limits(name):
    assert policy_denials(scan((SAMPLES / f"{name}.gcode").read_bytes()), PRUSA) == []


def test_host_command_is_no_reason_to_refuse_the_file_for_all_printers(check):
    assert check(MOVE + b"@shout\n") == []

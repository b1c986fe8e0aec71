"""Which files may go to a printer, and under which name."""

import re
from pathlib import Path

import pytest

from fablab.lib.denials import Denial
from printing.gcode_policy import BLOCK_BYTES, FORBIDDEN, LONGEST_COMMENT_BYTES, check_gcode, safe_name

SAMPLES = Path(__file__).parent / "samples"
MOVE = b"G1 X10 Y10 F3000\n"
LONG = 1024


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

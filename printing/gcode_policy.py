"""What may be sent to a printer at all: G-code that keeps away from commands which harm the machine."""

import functools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fablab.lib.denials import Denial

# M112 emergency stop; M500/M502 write or reset the EEPROM; M303 heats by itself for minutes; M997 replaces
# the firmware; M28 writes and M30 deletes on the SD card (marlinfw.org/meta/gcode).
FORBIDDEN = ("M112", "M502", "M500", "M303", "M997", "M28", "M30")
LONGEST_COMMAND_BYTES = 1024
# Comments are never sent to the printer; PrusaSlicer writes whole start scripts and pictures into them.
LONGEST_COMMENT_BYTES = 1024 * 1024
BLOCK_BYTES = 1024 * 1024
NAME_LIMIT = 60
EXTENSIONS = (".gcode", ".gco", ".g")

_BINARY_STARTS = {b"GCDE": "bgcode", b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip"}
# What may stand before a command: OctoPrint strips every kind of blank, then a line number may follow.
# Possessive (`*+`): a megabyte of blanks must not be tried again from each of its ends.
_LINE_START = rb"\n[^0-9A-Za-z;@(\n]*+(?:[Nn][ \t]*+\d++[^0-9A-Za-z;\n]*+)?+"
_MOVE_LINE = re.compile(_LINE_START + rb"[Gg][ \t]*+0*[01](?![0-9])")
_LETTERS = str.maketrans(
    {"ß": "ss", "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)


def check_gcode(path: Path) -> list[Denial]:
    """Every reason not to send this file to a printer; an empty list allows it.

    Codes: `empty_file`; `not_gcode` (params: reason); `forbidden_command` (params: command, line; the first
    of each command); `line_too_long` (params: line, limit_bytes; the first). Lines count from 1. Reads 1 MB
    at once.

    Raises:
        OSError: the file cannot be read.
    """
    if path.stat().st_size == 0:
        return [Denial("empty_file")]
    reading = _Reading()
    for lines in _blocks(path):
        reading.take(lines)
        if reading.not_gcode:
            return [Denial("not_gcode", {"reason": reading.not_gcode})]
    if not reading.has_move:
        return [Denial("not_gcode", {"reason": "no_moves"})]
    denials = [
        Denial("forbidden_command", {"command": command, "line": line}) for command, line in reading.forbidden.items()
    ]
    if reading.long_line:
        denials.append(Denial("line_too_long", {"line": reading.long_line, "limit_bytes": LONGEST_COMMAND_BYTES}))
    return denials


def _blocks(path: Path) -> Iterator[bytes]:
    """Whole lines in blocks, all ended by `\\n`, whatever ended them in the file; huge lines are split."""
    with path.open("rb") as stream:
        rest = b""
        while block := stream.read(BLOCK_BYTES):
            data = rest + block
            # A \r at the very end may be half of \r\n.
            keep = len(data) - 1 if data.endswith(b"\r") else len(data)
            # OctoPrint ends a line at a lone \r as well: a command must not hide behind one.
            text = data[:keep].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + data[keep:]
            end = text.rfind(b"\n") + 1
            if end == 0 and len(text) <= LONGEST_COMMENT_BYTES:
                rest = text
                continue
            yield text[: end or len(text)]
            rest = text[end:] if end else b""
        if rest:
            yield rest.replace(b"\r", b"") + b"\n"


@functools.cache
def _line_with(commands: tuple[str, ...]) -> re.Pattern[bytes]:
    codes = "|".join(command.removeprefix("M") for command in commands).encode()
    # Firmware reads "m 0112" as M112.
    return re.compile(_LINE_START + rb"[Mm][ \t]*+0*(" + codes + rb")(?![0-9])")


class _Reading:
    """What was seen so far; memory does not grow with the file."""

    def __init__(self) -> None:
        self.not_gcode = ""
        self.has_move = False
        self.forbidden: dict[str, int] = {}
        self.long_line = 0
        self._lines_before = 0
        self._is_first = True

    def take(self, lines: bytes) -> None:
        if self._is_first:
            self._is_first = False
            self.not_gcode = next((kind for start, kind in _BINARY_STARTS.items() if lines.startswith(start)), "")
        if b"\0" in lines:
            self.not_gcode = self.not_gcode or "nul_bytes"
        if self.not_gcode:
            return
        # Each pattern starts at the end of the line before; so does the first line of the block.
        text = b"\n" + lines
        self.has_move = self.has_move or _MOVE_LINE.search(text) is not None
        self._look_for_forbidden(text)
        self.long_line = self.long_line or self._first_long_line(lines)
        self._lines_before += lines.count(b"\n")

    def _look_for_forbidden(self, text: bytes) -> None:
        position = 0
        # A command already found is not looked for again: a file may hold it in every line.
        while wanted := [command for command in FORBIDDEN if command not in self.forbidden]:
            found = _line_with(tuple(wanted)).search(text, position)
            if not found:
                return
            position = found.end()
            self.forbidden[f"M{found[1].decode()}"] = self._lines_before + text.count(b"\n", 0, found.start()) + 1

    def _first_long_line(self, lines: bytes) -> int:
        start = 0
        while len(lines) - start > LONGEST_COMMAND_BYTES:
            # Jumps to the last line end within reach, so that short lines cost nothing.
            end = lines.rfind(b"\n", start, start + LONGEST_COMMAND_BYTES + 1)
            if end < 0:
                end = lines.find(b"\n", start)
                end = len(lines) if end < 0 else end
                command_bytes = len(lines[start:end].partition(b";")[0])
                if command_bytes > LONGEST_COMMAND_BYTES or end - start > LONGEST_COMMENT_BYTES:
                    return self._lines_before + lines.count(b"\n", 0, start) + 1
            start = end + 1
        return 0


def safe_name(name: str) -> str:
    """A file name that every printer, SD card and shell accepts: at most 60 ASCII letters, digits, `.`, `_`, `-`.

    Folders are dropped, accents are transliterated, and one of .gcode, .gco, .g stays or .gcode is added.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = unicodedata.normalize("NFKD", last.translate(_LETTERS)).encode("ascii", "ignore").decode()
    stem, dot, extension = plain.rpartition(".")
    ending = f".{extension.strip().lower()}"
    if not dot or ending not in EXTENSIONS:
        stem, ending = plain, ".gcode"
    # A leading dot hides the file from OctoPrint; a leading dash looks like an option.
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")
    return f"{stem[: NAME_LIMIT - len(ending)].rstrip('._-') or 'print'}{ending}"

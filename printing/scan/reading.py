"""What one pass over a G-code file finds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from printing.scan.head import SHIFTING, WANDERING, Box, Head
from printing.scan.lines import LINE_START, NUMBER, blocks_of, first_long_line

# M112 emergency stop; M500/M502 write or reset the EEPROM; M303 heats by itself for minutes; M997 replaces
# the firmware; M28 writes and M30 deletes on the SD card (marlinfw.org/meta/gcode).
FORBIDDEN = ("M112", "M502", "M500", "M303", "M997", "M28", "M30")
# Klipper's: start its software again, keep settings, heat by itself, run what is on its computer, print another file.
FORBIDDEN_WORDS = (
    "FIRMWARE_RESTART", "RESTART", "SAVE_CONFIG", "PID_CALIBRATE", "RUN_SHELL_COMMAND", "SDCARD_PRINT_FILE",
)  # fmt: skip
# OctoPrint's own; any other starts a plug-in or a script of the server.
HARMLESS_HOST_COMMANDS = frozenset({"cancel", "pause", "resume"})
# More names than this tell nobody more, and would fill the memory.
MOST_HOST_COMMANDS = 20
MOST_HOST_NAME = 40

_BINARY_STARTS = {b"GCDE": "bgcode", b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip"}
_STRAIGHT_MOVE = re.compile(LINE_START + rb"[Gg][ \t]*+0*[01](?![0-9])")
_PARTS = {"104": "nozzle", "109": "nozzle", "140": "bed", "190": "bed", "141": "chamber", "191": "chamber"}
_HEAT = re.compile(rb"[SsRr][ \t]*+(%b)" % NUMBER)
_HEATER = re.compile(rb"HEATER[ \t]*=[ \t]*([A-Z0-9_]+)")
_HEATER_TARGET = re.compile(rb"TARGET[ \t]*=[ \t]*(%b)" % NUMBER)
_AXIS_LETTER = re.compile(rb"[XYZxyz]")

# Firmware reads "m 0112" as M112.
_NOTED = rb"""[Mm][ \t]*+0*(?:(?P<forbidden>%b)|(?P<heat>%b))(?![0-9])
    |[Tt][ \t]*+(?P<tool>[0-9]{1,4})(?![0-9])
    |@(?P<host>[^\s;]*+)
    |(?P<heater>(?i:SET_HEATER_TEMPERATURE))(?![A-Za-z0-9_])
    |(?P<word>(?i:%b))(?![A-Za-z0-9_])
    """ % (
    "|".join(command.removeprefix("M") for command in FORBIDDEN).encode(),
    "|".join(_PARTS).encode(),
    "|".join(FORBIDDEN_WORDS).encode(),
)
# What changes the meaning of moves. G92 with nothing but E, in each layer of most files, does not; M92, M206, M428,
# M579 and G10 with axes do.
_STEERING = rb"""
    |[Gg][ \t]*+0*(?:(?P<mode>%b|92(?![ \t]*+[Ee][-+0-9.\ \t]*+[;\n]))|(?P<offset>10))(?![0-9])
    |[Mm][ \t]*+0*(?P<setting>92|206|428|579)(?![0-9])
    |(?P<shift>(?i:SET_GCODE_OFFSET|SET_KINEMATIC_POSITION|FORCE_MOVE|RESTORE_GCODE_STATE))(?![A-Za-z0-9_])
    """ % b"|".join(b"%d" % number for number in sorted({20, 21, 28, 90, 91} | SHIFTING | WANDERING))


def _line_with(commands: bytes) -> re.Pattern[bytes]:
    # The plainest moves are passed over at once: they are most of the file.
    start = rb"\n(?!G[01][ ])" + LINE_START.removeprefix(rb"\n")
    return re.compile(start + rb"(?:" + commands + rb")", re.VERBOSE)


# Every line but moves and settings, by one search a block.
_EVENT = _line_with(_NOTED + _STEERING)
_EVENT_WHEN_LOST = _line_with(_NOTED)


HOTTEST_C = 100_000.0


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest temperature asked for, in °C, and the first line (from 1) that asks for it."""

    c: float
    line: int


@dataclass(frozen=True, slots=True)
class GcodeScan:
    """What a file does. Lines count from 1; 0 stands for none.

    A file with `binary` (`bgcode`, `zip`, `gzip`) or `has_nul` was read no further than there. `reach` is of
    moves whose place is known; with `is_reach_known` false there were others.
    """

    line_count: int = 0
    nozzle: Peak | None = None
    bed: Peak | None = None
    chamber: Peak | None = None
    reach: Box | None = None
    is_reach_known: bool = True
    forbidden: Mapping[str, int] = field(default_factory=dict)
    host_commands: Mapping[str, int] = field(default_factory=dict)
    tools: frozenset[int] = frozenset()
    long_line: int = 0
    binary: str = ""
    has_nul: bool = False
    has_moves: bool = False

    @property
    def most_nozzle_c(self) -> float | None:
        return self.nozzle.c if self.nozzle else None

    @property
    def most_bed_c(self) -> float | None:
        return self.bed.c if self.bed else None

    @property
    def most_chamber_c(self) -> float | None:
        return self.chamber.c if self.chamber else None


def scan_gcode(stream: BinaryIO) -> GcodeScan:
    """Read every line of a G-code file, from where the stream stands, 1 MB at once; any content is answered.

    Raises:
        OSError: the stream cannot be read.
    """
    reading = Reading(Head())
    for lines in blocks_of(stream):
        if not reading.take(lines):
            break
    return reading.result()


class Reading:
    """What was seen so far; memory does not grow with the file."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._lines_before = 0
        self._is_first = True
        self._is_open = False
        self._binary = ""
        self._has_nul = False
        self._has_moves = False
        self._long_line = 0
        self._forbidden: dict[str, int] = {}
        self._host_commands: dict[str, int] = {}
        self._peaks: dict[str, Peak] = {}
        self._tools: set[int] = set()

    def take(self, lines: bytes) -> bool:
        """Read a block; False when it shows that this is not G-code."""
        if self._is_first:
            self._is_first = False
            self._binary = next((kind for start, kind in _BINARY_STARTS.items() if lines.startswith(start)), "")
        self._has_nul = b"\0" in lines
        if self._binary or self._has_nul:
            return False
        # Each pattern starts at the end of the line before; so does the first line of the block.
        text = b"\n" + lines
        self._has_moves = self._has_moves or _STRAIGHT_MOVE.search(text) is not None
        if not self._long_line and (line := first_long_line(lines)):
            self._long_line = self._lines_before + line
            # Refused anyhow: a megabyte of numbers in one line is not worth its memory.
            self._head.lose()
        self._take_events(text)
        self._lines_before += lines.count(b"\n")
        self._is_open = not lines.endswith(b"\n")
        return True

    def result(self) -> GcodeScan:
        return GcodeScan(
            line_count=self._lines_before + self._is_open,
            nozzle=self._peaks.get("nozzle"),
            bed=self._peaks.get("bed"),
            chamber=self._peaks.get("chamber"),
            reach=self._head.reach,
            is_reach_known=self._head.is_known,
            forbidden=self._forbidden,
            host_commands=self._host_commands,
            tools=frozenset(self._tools),
            long_line=self._long_line,
            binary=self._binary,
            has_nul=self._has_nul,
            has_moves=self._has_moves,
        )

    def _take_events(self, text: bytes) -> None:
        line, counted, followed = self._lines_before, 0, 0
        for event in (_EVENT_WHEN_LOST if self._head.is_lost else _EVENT).finditer(text):
            kind, at = event.lastgroup or "", event.start()
            if kind in ("mode", "offset", "setting", "shift"):
                self._head.follow(text, followed, at, self._lines_before)
                followed = at
                self._steer(kind, event[kind], _parameters(text, event))
            elif kind == "tool":
                self._tools.add(int(event["tool"]))
            else:
                line += text.count(b"\n", counted, at + 1)
                counted = at + 1
                self._note(kind, event[kind].decode("ascii", "replace"), line, text, event)
        self._head.follow(text, followed, len(text), self._lines_before)

    def _steer(self, kind: str, word: bytes, parameters: bytes) -> None:
        if kind == "mode":
            self._head.obey(int(word), parameters)
        elif kind == "shift" or word == b"428" or _AXIS_LETTER.search(parameters):
            self._head.lose()

    def _note(self, kind: str, word: str, line: int, text: bytes, event: re.Match[bytes]) -> None:
        if kind == "forbidden":
            self._forbidden.setdefault(f"M{word}", line)
        elif kind == "word":
            self._forbidden.setdefault(word.upper(), line)
        elif kind == "heat":
            self._heat(_PARTS[word], _HEAT.findall(_parameters(text, event)), line)
        elif kind == "heater":
            self._heat_named(_parameters(text, event).upper(), line)
        elif word not in HARMLESS_HOST_COMMANDS and len(self._host_commands) < MOST_HOST_COMMANDS:
            self._host_commands.setdefault(f"@{word[:MOST_HOST_NAME]}", line)

    def _heat(self, part: str, numbers: list[bytes], line: int) -> None:
        for number in numbers:
            # Four hundred digits are no number that is kept anywhere.
            known, asked_c = self._peaks.get(part), min(float(number), HOTTEST_C)
            if known is None or asked_c > known.c:
                self._peaks[part] = Peak(asked_c, line)

    def _heat_named(self, parameters: bytes, line: int) -> None:
        # Klipper calls them extruder, extruder1, heater_bed; what else has a name warms the chamber.
        heater = _HEATER.search(parameters)
        name = heater[1] if heater else b""
        part = "nozzle" if name.startswith(b"EXTRUDER") else "bed" if name == b"HEATER_BED" else "chamber"
        self._heat(part, _HEATER_TARGET.findall(parameters), line)


def _parameters(text: bytes, event: re.Match[bytes]) -> bytes:
    """What stands behind a command in its line, without the comment."""
    end = text.find(b"\n", event.end())
    return text[event.end() : end if end >= 0 else len(text)].partition(b";")[0]

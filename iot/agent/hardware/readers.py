"""Badge readers and keypads that write each number as a line: over a serial line, as a keyboard, or typed by hand."""

import contextlib
import logging
import re
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from . import nobody_types

log = logging.getLogger("fablab-agent")

RETRY_S = 2.0
LINE_MOST = 128
_BETWEEN = re.compile(r"[\s:.\-]+")

# linux/input-event-codes.h
KEY_DOWN, EV_KEY = 1, 1
_KEYS = dict(zip(range(2, 12), "1234567890", strict=True)) | {
    30: "A", 48: "B", 46: "C", 32: "D", 18: "E", 33: "F", 12: "-", 52: ".", 57: " ",
    79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9", 82: "0",
}  # fmt: skip
_ENTER = (28, 96)
_BACKSPACE = 14
# What somebody began to type and left is not part of the next badge's number.
LEFT_AFTER_S = 8.0
# The lab's codes have so many digits, shown in two groups.
_CODE = re.compile(r"([0-9]{3}) ?([0-9]{3})")
# struct input_event: two native longs of time, type, code, value.
_EVENT = struct.Struct("llHHi")
_EVIOCGRAB = 0x40044590


def uid_of(line: str, form: str) -> str:
    """The badge's number in upper-case hexadecimal; empty for a line that is no number.

    `hex` as it stands; `decimal` as many USB readers type it, 4 bytes; `reversed` hexadecimal, last byte first.
    """
    plain = _BETWEEN.sub("", line).upper()
    if form == "decimal":
        return f"{int(plain):08X}" if re.fullmatch(r"[0-9]{1,20}", plain) else ""
    if not re.fullmatch(r"(?:[0-9A-F]{2}){3,16}", plain):
        return ""
    return bytes.fromhex(plain)[::-1].hex().upper() if form == "reversed" else plain


def code_of(line: str) -> str:
    """The code of a phone: exactly six decimal digits; empty for anything else."""
    found = _CODE.fullmatch(line.strip())
    return found[1] + found[2] if found else ""


def lines_of(stream: BinaryIO) -> Iterator[str]:
    """Each line of text, ended by a carriage return or a line feed; what is too long is thrown away."""
    line = b""
    while byte := stream.read(1):
        if byte in b"\r\n":
            if 0 < len(line) <= LINE_MOST:
                yield line.decode(errors="replace")
            line = b""
        elif len(line) <= LINE_MOST:
            line += byte


def typed_lines(stream: BinaryIO) -> Iterator[str]:
    """What a reader types as a keyboard (/dev/input/event…), line by line, whatever layout the console has."""
    line, typed_s = "", 0.0
    while len(record := stream.read(_EVENT.size)) == _EVENT.size:
        whole_s, micros, kind, code, value = _EVENT.unpack(record)
        if kind != EV_KEY or value != KEY_DOWN:
            continue
        before_s, typed_s = typed_s, whole_s + micros / 1e6
        if abs(typed_s - before_s) > LEFT_AFTER_S:
            line = ""
        if code in _ENTER:
            if line:
                yield line
            line = ""
        elif code == _BACKSPACE:
            line = line[:-1]
        elif len(line) <= LINE_MOST:
            line += _KEYS.get(code, "")


class LineReader:
    """Reads badges in a thread of its own; a reader that was pulled out is looked for every 2 s.

    With `has_keypad` six decimal digits are a code and never a badge: whoever types a code must not be given a badge
    of that number. Readers that write decimal numbers fill them up to eight or ten digits, and the shortest numbers in
    hexadecimal have eight but for the three bytes of some old cards. `form` empty: a keypad alone.
    """

    def __init__(
        self,
        opened: Callable[[], BinaryIO],
        lines: Callable[[BinaryIO], Iterator[str]],
        *,
        form: str,
        name: str,
        has_keypad: bool = False,
    ) -> None:
        self._opened = opened
        self._lines = lines
        self._form = form
        self._name = name
        self._has_keypad = has_keypad
        self._stopping = threading.Event()
        self._on_badge: Callable[[str], None] = nobody_types
        self._on_code: Callable[[str], None] = nobody_types

    def start(self, on_badge: Callable[[str], None], on_code: Callable[[str], None] = nobody_types) -> None:
        self._on_badge, self._on_code = on_badge, on_code
        # A daemon: a read that waits for the next badge cannot be ended.
        threading.Thread(target=self._run, name=f"reader-{self._name}", daemon=True).start()

    def close(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        is_loss_logged = False
        while not self._stopping.is_set():
            try:
                with self._opened() as stream:
                    if is_loss_logged:
                        log.info("The badge reader %s is back.", self._name)
                    is_loss_logged = False
                    self._read(stream)
            except OSError as error:
                if not is_loss_logged:
                    log.error("The badge reader %s cannot be read: %s", self._name, error)
                is_loss_logged = True
            self._stopping.wait(RETRY_S)

    def _read(self, stream: BinaryIO) -> None:
        for line in self._lines(stream):
            if self._stopping.is_set():
                return
            self._told(line)

    def _told(self, line: str) -> None:
        if self._has_keypad and (code := code_of(line)):
            self._on_code(code)
        elif self._form and (badge := uid_of(line, self._form)):
            self._on_badge(badge)
        else:
            # Not the line itself: it may be most of a badge's number.
            what = "number; see uid = …" if self._form else "code of six digits"
            log.warning("The reader %s wrote %d characters that are no %s", self._name, len(line), what)


def keyboard_reader(path: Path, form: str, *, has_keypad: bool = False) -> LineReader:
    return LineReader(lambda: _grabbed(path), typed_lines, form=form, name=str(path), has_keypad=has_keypad)


def serial_reader(path: Path, baud: int, form: str, *, has_keypad: bool = False) -> LineReader:
    return LineReader(lambda: _serial(path, baud), lines_of, form=form, name=str(path), has_keypad=has_keypad)


def stdin_reader(form: str, *, has_keypad: bool = False) -> LineReader:
    """For trials: type a number and Enter."""
    return LineReader(_stdin, lines_of, form=form, name="-", has_keypad=has_keypad)


def _stdin() -> BinaryIO:
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)


def _grabbed(path: Path) -> BinaryIO:
    """For us alone: otherwise each badge's number would also be typed on the console."""
    import fcntl

    stream = path.open("rb", buffering=0)
    with contextlib.suppress(OSError):  # a file of a recording cannot be grabbed
        fcntl.ioctl(stream, _EVIOCGRAB, 1)
    return stream  # type: ignore[return-value]


def _serial(path: Path, baud: int) -> BinaryIO:
    """Raw, 8 bits, no parity."""
    import termios
    import tty

    stream = path.open("rb", buffering=0)
    try:
        tty.setraw(stream.fileno())
        attributes = termios.tcgetattr(stream.fileno())
        attributes[4] = attributes[5] = getattr(termios, f"B{baud}")
        attributes[2] |= termios.CLOCAL | termios.CREAD
        termios.tcsetattr(stream.fileno(), termios.TCSANOW, attributes)
    except termios.error as error:
        stream.close()
        raise OSError(f"{path} is not a serial line: {error}") from error
    return stream  # type: ignore[return-value]

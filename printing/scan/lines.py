"""G-code as lines: one line end, blocks of bounded size, and where a command begins."""

from collections.abc import Iterator
from typing import BinaryIO

BLOCK_BYTES = 1024 * 1024
LONGEST_COMMAND_BYTES = 1024
# Comments are never sent to the printer; PrusaSlicer writes whole start scripts and pictures into them.
LONGEST_COMMENT_BYTES = 1024 * 1024

# OctoPrint strips every kind of blank; some firmwares skip a comment in brackets, others know none.
# Possessive (`*+`): a megabyte of blanks must not be tried again from each of its ends.
# Not the groups: Python before 3.11.5 forgets where a possessive group that failed had begun.
_BLANKS = rb"[^0-9A-Za-z;@(\n]*+(?:\([^);\n]*+\)[^0-9A-Za-z;@(\n]*+)*"
# What may stand before a command, from the end of the line before it.
LINE_START = rb"\n" + _BLANKS + rb"(?:[Nn][ \t]*+\d++" + _BLANKS + rb")?"
NUMBER = rb"[-+]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)"


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """Whole lines in blocks, all ended by `\\n`, whatever ended them in the file; huge lines are split.

    Raises:
        OSError: the stream cannot be read.
    """
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


def first_long_line(lines: bytes) -> int:
    """The first line, counted from 1, that is too long to be sent or kept; 0 when there is none."""
    start = 0
    while len(lines) - start > LONGEST_COMMAND_BYTES:
        # Jumps to the last line end within reach, so that short lines cost nothing.
        end = lines.rfind(b"\n", start, start + LONGEST_COMMAND_BYTES + 1)
        if end < 0:
            end = lines.find(b"\n", start)
            end = len(lines) if end < 0 else end
            command_bytes = len(lines[start:end].partition(b";")[0])
            if command_bytes > LONGEST_COMMAND_BYTES or end - start > LONGEST_COMMENT_BYTES:
                return lines.count(b"\n", 0, start) + 1
        start = end + 1
    return 0

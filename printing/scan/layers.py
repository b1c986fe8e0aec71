"""Where the layers of a G-code file begin, by the lines that slicers write between them."""

import re
from typing import BinaryIO

from printing.scan.lines import BLOCK_BYTES

# PrusaSlicer, SuperSlicer and Orca; Bambu Studio; Cura and ideaMaker, whose raft counts below nought; Simplify3D.
# The literal comes first: the search for it is many times faster than one for the end of a line.
_MARK = re.compile(rb";(?<=[\r\n];)(?:LAYER_CHANGE\b|[ ]CHANGE_LAYER\b|LAYER:-?\d|[ ]?layer[ ]\d)")
# More than any mark and the end of the line before it.
_LONGEST_MARK = 20
# A metre in steps of 0.01 mm; a file with more of them has other things in mind.
MOST_LAYERS = 100_000


def layer_starts(stream: BinaryIO) -> list[int]:
    """The byte at which each layer begins, from where the stream stands; empty where none is marked.

    Reads 1 MB at once.

    Raises:
        OSError: the stream cannot be read.
    """
    starts: list[int] = []
    kept, read = b"\n", -1
    while block := stream.read(BLOCK_BYTES):
        text = kept + block
        for mark in _MARK.finditer(text):
            # What was kept of the block before may hold a whole mark: it is known.
            if not starts or read + mark.start() > starts[-1]:
                starts.append(read + mark.start())
        if len(starts) > MOST_LAYERS:
            return []
        kept = text[-_LONGEST_MARK:]
        read += len(text) - len(kept)
    return starts

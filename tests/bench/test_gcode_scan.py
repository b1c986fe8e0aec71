"""The scan of a file of 200 MB: prints time and memory, and holds it to its memory.

`python -m tests.bench.test_gcode_scan KIND MEGABYTES` reads one and prints its row; a process of its own, so that
the most memory is its own. Speed depends on the machine and on what else it does: it is printed, not asserted.
"""

import io
import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

from printing.gcode_policy import scan_gcode

pytestmark = pytest.mark.serial

ROOT = Path(__file__).resolve().parents[2]
SIZE_MB = 200
EXTRA_MOST_MB = 60
MB = 1024 * 1024
START = b"G21\nG90\nM104 S215\nM190 S60\nG28\nG1 X0 Y-3 Z0.2\n"


def straight(layer: int) -> bytes:
    """As PrusaSlicer writes a layer: short lines, the filament set back now and then."""
    lines = [b"G1 Z%.2f F9000\n" % (0.2 + layer % 900 / 5)]
    for step in range(2000):
        x, y = 20 + (step * 7 + layer) % 1900 / 10, 20 + (step * 13) % 1700 / 10
        lines.append(b"G1 X%.3f Y%.3f E%.5f\n" % (x, y, step / 99))
        if step % 100 == 0:
            lines.append(b"G1 E-0.80000 F2100\nG92 E0\n;TYPE:Perimeter\n;WIDTH:0.45\n")
    return b"".join(lines)


def hops(layer: int) -> bytes:
    """Each travel lifts the nozzle by a relative move."""
    lines = straight(layer).split(b"\n")
    hop = [b"G91", b"G1 Z0.4", b"G90", b"G1 X50 Y60", b"G91", b"G1 Z-0.4", b"G90"]
    return b"\n".join(part for at in range(0, len(lines), 40) for part in lines[at : at + 40] + hop) + b"\n"


def arcs(layer: int) -> bytes:
    """A file whose curves were fitted: one arc in four moves."""
    lines = straight(layer).split(b"\n")
    arc = b"G2 X60 Y70.5 I-5.123 J%.3f E.1" % (layer % 9)
    return b"\n".join(part for at in range(0, len(lines), 3) for part in [*lines[at : at + 3], arc]) + b"\n"


KINDS = {"straight": straight, "hops": hops, "arcs": arcs}


class Endless(io.RawIOBase):
    """A file that is made while it is read, and never held."""

    def __init__(self, kind: str, size_bytes: int) -> None:
        self._left, self._rest = size_bytes, START
        # A few layers, again and again: making them must not cost more than reading.
        self._layers = itertools.cycle([KINDS[kind](layer) for layer in range(40)])

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and self._left > 0:
            layer = next(self._layers)
            self._rest += layer
            self._left -= len(layer)
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def most_mb() -> float:
    # Not ru_maxrss: that begins with what the process held which started this one.
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def row(kind: str, size_mb: int) -> str:
    stream = Endless(kind, size_mb * MB)
    before_mb, began_s = most_mb(), time.process_time()
    scan = scan_gcode(stream)
    taken_s, extra_mb = time.process_time() - began_s, most_mb() - before_mb
    assert scan.is_reach_known
    assert (scan.most_nozzle_c, scan.most_bed_c, scan.forbidden) == (215, 60, {})
    assert scan.reach is not None
    assert scan.reach.y is not None
    assert scan.reach.y.least == -3
    kept = "kept" if extra_mb < EXTRA_MOST_MB else "MISSED"
    size = f"{size_mb} MB, {scan.line_count / 1e6:.1f} million lines"
    return f"| scan of G-code, {kind}, {size} | {taken_s:.1f} s | {extra_mb:.0f} MB | < {EXTRA_MOST_MB} MB: {kept} |"


@pytest.mark.parametrize("kind", KINDS)
def test_large_file_is_read_in_little_memory(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.test_gcode_scan", kind, str(SIZE_MB)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip

    print(f"\n{done.stdout}{done.stderr}")
    assert done.returncode == 0
    assert ": kept" in done.stdout


if __name__ == "__main__":
    print(row(sys.argv[1], int(sys.argv[2])))

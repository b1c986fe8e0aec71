"""A model to be printed: its size and volume, and a rough guess of grams and minutes before slicing.

The libraries are imported where they are used: a web process that only passes these functions on need not load them.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from printing.estimates.limits import Unmeasurable, check_size, refusing_what_breaks

MeshKind = Literal["stl", "3mf", "obj"]

# Two or three walls of 0.45 mm, four or five closed layers of 0.2 mm: about a millimetre all around.
SHELL_MM = 1.0
# Outer walls and top layers are printed at about half the speed of the rest.
SHELL_FLOW_SHARE = 0.5
# Moves without printing, seams, and waiting for small layers to cool.
LAYER_OVERHEAD_S = 4.0
LINE_MM = 0.45
FASTEST_MM_S = 120.0


@dataclass(frozen=True, slots=True)
class MeshEstimate:
    """A model as it lies in the file; `unit_assumed` is "mm" when the format names no unit, else empty.

    `is_watertight`: closed, all faces turned the same way. Without it the volume is not to be trusted.
    """

    size_mm: tuple[float, float, float]
    volume_cm3: float
    surface_cm2: float
    is_watertight: bool
    triangle_count: int
    unit_assumed: str


@dataclass(frozen=True, slots=True)
class PrintGuess:
    """Roughly what a print takes; `assumption_codes` is what the reader must be told."""

    grams: float
    minutes: float
    assumption_codes: tuple[str, ...]


def estimate_mesh(path: Path, kind: MeshKind) -> MeshEstimate:
    """Size, volume and surface of all that the file would print.

    For a 3MF: its build items, in its unit. Sizes in mm, volume in cm³, surface in cm². Textures and materials
    are never opened.

    Raises:
        Unmeasurable: see `limits.CODES`.
        OSError: the file cannot be read.
    """
    check_size(path)
    if kind not in ("stl", "3mf", "obj"):
        raise Unmeasurable("unsupported")
    from printing.estimates.mesh_files import read_3mf_file, read_obj_file, read_stl_file

    readers = {"stl": read_stl_file, "obj": read_obj_file, "3mf": read_3mf_file}
    with path.open("rb") as stream, refusing_what_breaks():
        measured = readers[kind](stream)
        if measured.triangle_count == 0:
            raise Unmeasurable("empty")
        if not measured.is_finite():
            raise Unmeasurable("damaged")
        return MeshEstimate(
            size_mm=measured.size_mm(),
            volume_cm3=measured.volume_mm3 / 1000,
            surface_cm2=measured.surface_mm2 / 100,
            is_watertight=measured.is_closed,
            triangle_count=measured.triangle_count,
            unit_assumed="" if kind == "3mf" else "mm",
        )


def print_guess(
    mesh: MeshEstimate,
    *,
    infill_pct: float = 15,
    layer_mm: float = 0.2,
    density_g_cm3: float = 1.24,
    flow_mm3_s: float = 8.0,
) -> PrintGuess:
    """A guess from surface and volume, as good as its assumptions: take it for half to double.

    shell = min(volume, surface × SHELL_MM); printed = shell + infill × (volume − shell); grams = printed × density.
    seconds = shell / (flow × SHELL_FLOW_SHARE) + infill printed / flow + layers × LAYER_OVERHEAD_S, where the flow
    is never more than FASTEST_MM_S allows for a line of LINE_MM by `layer_mm`. Heating up is not counted.
    """
    volume_mm3 = mesh.volume_cm3 * 1000
    shell_mm3 = min(volume_mm3, mesh.surface_cm2 * 100 * SHELL_MM)
    infill_mm3 = (volume_mm3 - shell_mm3) * infill_pct / 100
    flow = min(flow_mm3_s, layer_mm * LINE_MM * FASTEST_MM_S)
    layers = math.ceil(mesh.size_mm[2] / layer_mm)
    seconds = shell_mm3 / (flow * SHELL_FLOW_SHARE) + infill_mm3 / flow + layers * LAYER_OVERHEAD_S
    codes = ["as_placed", "no_supports", "shell_1_mm"]
    if mesh.unit_assumed:
        codes.append(f"unit_{mesh.unit_assumed}")
    if not mesh.is_watertight:
        codes.append("not_watertight")
    return PrintGuess(
        grams=(shell_mm3 + infill_mm3) / 1000 * density_g_cm3,
        minutes=seconds / 60,
        assumption_codes=tuple(codes),
    )

"""A drawing to be cut: how long its lines are, and how long that takes.

The libraries are imported where they are used: a web process that only passes these functions on need not load them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from printing.estimates.limits import Unmeasurable, check_size, refusing_what_breaks

CutKind = Literal["dxf", "svg"]


@dataclass(frozen=True, slots=True)
class CutEstimate:
    """The lines of a drawing, all taken as cut whatever their colour or fill, as far as the file gives them.

    `travel_mm`: jumps between shapes in the order of the file; lines that touch are one shape. `unit_assumed`: empty
    when the file states its unit, "mm" when a DXF does not, "px_96dpi" when an SVG gives pixels only. `layers`: cut
    length by layer (SVG: Inkscape layer, else stroke colour, else ""). `ignored`: how many things of which kind were
    left out ("text", "image", "hidden", "fill", "dimension", "point", "clip" = cut in full, "other").
    """

    size_mm: tuple[float, float]
    cut_mm: float
    travel_mm: float
    shape_count: int
    unit_assumed: str
    layers: dict[str, float]
    ignored: dict[str, int]


def estimate_cut(path: Path, kind: CutKind) -> CutEstimate:
    """Length and size of every line of the drawing, in mm, with all transforms; nothing the file points to is opened.

    Curves are measured along 32 chords each: a circle comes out within 0.03 %.

    Raises:
        Unmeasurable: see `limits.CODES`; `empty` also when there is nothing but text and pictures.
        OSError: the file cannot be read.
    """
    check_size(path)
    if kind not in ("dxf", "svg"):
        raise Unmeasurable("unsupported")
    from printing.estimates.dxf import draw_dxf
    from printing.estimates.pen import Pen
    from printing.estimates.svg import draw_svg

    pen = Pen()
    with path.open("rb") as stream, refusing_what_breaks():
        unit_assumed = draw_dxf(path, pen) if kind == "dxf" else draw_svg(stream, pen)
        pen.finish()
        return CutEstimate(
            size_mm=pen.size_mm(),
            cut_mm=pen.cut_mm(),
            travel_mm=pen.travel_mm,
            shape_count=pen.shape_count,
            unit_assumed=unit_assumed,
            layers=dict(pen.layers),
            ignored=dict(pen.ignored),
        )


def cut_minutes(cut: CutEstimate, *, speed_mm_s: float, power_passes: int = 1, travel_mm_s: float = 200) -> float:
    """Minutes at even speeds; corners, acceleration and the way home are not counted.

    Raises:
        ValueError: a speed or the number of passes is not above zero.
    """
    if not (speed_mm_s > 0 and travel_mm_s > 0 and power_passes > 0):
        raise ValueError("speeds and passes must be above zero")
    return power_passes * (cut.cut_mm / speed_mm_s + cut.travel_mm / travel_mm_s) / 60

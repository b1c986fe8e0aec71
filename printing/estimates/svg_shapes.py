"""SVG's basic shapes and paths, drawn with the pen."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from xml.etree.ElementTree import Element

import svgelements
from svgelements import Arc, CubicBezier, Matrix, Move, QuadraticBezier

from printing.estimates.limits import MOST_PATH_DATA_BYTES, Budget
from printing.estimates.pen import Pen, Point
from printing.estimates.svg_lengths import Box, length_px

ToMm = Callable[[float, float], Point]

SHAPES = ("path", "rect", "circle", "ellipse", "line", "polyline", "polygon")
MEASURES = ("x", "y", "width", "height", "cx", "cy", "r", "rx", "ry")

_HANDLE = 4 / 3 * (math.sqrt(2) - 1)
_CIRCLE = [(1.0, 0.0), (1, _HANDLE), (_HANDLE, 1), (0, 1), (-_HANDLE, 1), (-1, _HANDLE), (-1, 0)]
_CIRCLE += [(-1, -_HANDLE), (-_HANDLE, -1), (0, -1), (_HANDLE, -1), (1, -_HANDLE), (1, 0)]
_NOTHING = svgelements.Path()
# Letters it does not know, svgelements leaves out silently.
_PATH_DATA = re.compile(r"[MmZzLlHhVvCcSsQqTtAaEe0-9+\-.,\s]*")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class ShapeTracer:
    """Draws one element at a time; `matrix` leads to mm."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.path_data = Budget(MOST_PATH_DATA_BYTES)

    def trace(self, tag: str, element: Element, matrix: Matrix, box: Box) -> None:
        """Draw `element`; percentages are of `box`.

        Raises:
            Unmeasurable: too much path data, or letters that belong to none.
            ValueError: numbers that are none.
        """
        a, b, c, d, e, f = (float(value) for value in (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f))

        def to_mm(x: float, y: float) -> Point:
            return (a * x + c * y + e, b * x + d * y + f)

        if tag in ("circle", "ellipse"):
            self._ellipse(_sizes(element, box), to_mm)
        elif tag in ("line", "polyline", "polygon"):
            self._straight(_corners(tag, element, box), tag == "polygon", to_mm)
        else:
            self._curved(self._path(tag, element, box), to_mm)

    def _straight(self, corners: list[Point], is_closed: bool, to_mm: ToMm) -> None:
        if len(corners) < 2:
            return
        self.pen.move(to_mm(*corners[0]))
        for corner in corners[1:]:
            self.pen.line(to_mm(*corner))
        if is_closed:
            self.pen.line(to_mm(*corners[0]))

    def _path(self, tag: str, element: Element, box: Box) -> svgelements.Path:
        if tag == "path":
            data = element.get("d", "")
            self.path_data.spend(len(data))
            if not _PATH_DATA.fullmatch(data):
                raise ValueError("not path data")
            return svgelements.Path(data)
        sizes = _sizes(element, box)
        return svgelements.Path(svgelements.Rect(**sizes)) if _has_size(sizes, "width", "height") else _NOTHING

    def _ellipse(self, sizes: dict[str, float], to_mm: ToMm) -> None:
        """Four cubic curves; svgelements makes sixteen, and takes a millisecond for it."""
        rx = sizes.get("r", sizes.get("rx", sizes.get("ry", 0.0)))
        ry = sizes.get("r", sizes.get("ry", rx))
        if not (rx > 0 and ry > 0):
            return
        x, y = sizes.get("cx", 0.0), sizes.get("cy", 0.0)
        start, *rest = [to_mm(x + rx * across, y + ry * down) for across, down in _CIRCLE]
        self.pen.move(start)
        for at in range(0, len(rest), 3):
            self.pen.curve(rest[at], rest[at + 1], rest[at + 2])

    def _curved(self, path: Iterable[svgelements.PathSegment], to_mm: ToMm) -> None:
        is_started = False
        for segment in path:
            if isinstance(segment, Move):
                self.pen.move(to_mm(segment.end.x, segment.end.y))
                is_started = True
                continue
            if not is_started:
                raise ValueError("a path begins with a move")
            for part in _without_arcs(segment):
                ends = [to_mm(float(point.x), float(point.y)) for point in part]
                if len(ends) == 1:
                    self.pen.line(ends[0])
                elif len(ends) == 2:
                    self.pen.conic(ends[0], ends[1])
                else:
                    self.pen.curve(ends[0], ends[1], ends[2])


def _without_arcs(segment: svgelements.PathSegment) -> Iterator[list[svgelements.Point]]:
    """The points after the start: one for a line, two for a quadratic curve, three for a cubic one."""
    if isinstance(segment, Arc):
        if not segment.sweep:
            # Radii of zero make a straight line (SVG 2, section 9.5.1).
            yield [segment.end]
            return
        for curve in segment.as_cubic_curves(math.ceil(abs(segment.sweep) / (math.pi / 2))):
            yield [curve.control1, curve.control2, curve.end]
    elif isinstance(segment, CubicBezier):
        yield [segment.control1, segment.control2, segment.end]
    elif isinstance(segment, QuadraticBezier):
        yield [segment.control, segment.end]
    else:
        yield [segment.end]


def _corners(tag: str, element: Element, box: Box) -> list[Point]:
    if tag == "line":
        x1, y1, x2, y2 = (length_px(element.get(name, "0"), _whole(name, box)) for name in ("x1", "y1", "x2", "y2"))
        return [(x1, y1), (x2, y2)]
    text = element.get("points", "")
    if _NUMBER.sub("", text).strip(" \t\r\n,"):
        raise ValueError("not points")
    numbers = [float(word) for word in _NUMBER.findall(text)]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _whole(name: str, box: Box) -> float:
    """What a percentage of this attribute is of."""
    if name == "r":
        return math.hypot(box.width, box.height) / math.sqrt(2)
    return box.height if "y" in name or name == "height" else box.width


def _sizes(element: Element, box: Box) -> dict[str, float]:
    given = {name: element.get(name, "auto") for name in MEASURES}
    return {name: length_px(text, _whole(name, box)) for name, text in given.items() if text != "auto"}


def _has_size(sizes: dict[str, float], *names: str) -> bool:
    return all(sizes.get(name, 0.0) > 0 for name in names)

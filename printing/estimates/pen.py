"""A pen that draws lines and curves in mm and remembers only how far it went."""

import math
from collections import Counter

import numpy as np

from printing.estimates.limits import (
    LONGEST_LAYER_NAME,
    MOST_ENTITIES,
    MOST_LAYERS,
    MOST_SEGMENTS,
    Budget,
    Unmeasurable,
)

Point = tuple[float, float]

CHORDS = 32
CURVES_AT_ONCE = 2048
# Ends that are nearer than this belong together.
TOUCHING_MM = 0.01
OTHER_LAYERS = "…"

_T = np.linspace(0.0, 1.0, CHORDS + 1)
_WEIGHTS = np.stack([(1 - _T) ** 3, 3 * _T * (1 - _T) ** 2, 3 * _T**2 * (1 - _T), _T**3])


class Pen:
    """Collects lengths by layer, jumps, shapes and the box around all that is drawn."""

    def __init__(self) -> None:
        self.entities = Budget(MOST_ENTITIES)
        self.segments = Budget(MOST_SEGMENTS)
        self.layers: dict[str, float] = {}
        self.ignored: Counter[str] = Counter()
        self.travel_mm = 0.0
        self.shape_count = 0
        self._layer = ""
        self._at: Point = (0.0, 0.0)
        self._last_drawn: Point | None = None
        self._low = [math.inf, math.inf]
        self._high = [-math.inf, -math.inf]
        self._curves: list[tuple[str, Point, Point, Point, Point]] = []

    def on_layer(self, name: str) -> None:
        """What follows belongs to this layer; beyond MOST_LAYERS, to OTHER_LAYERS."""
        name = name[:LONGEST_LAYER_NAME]
        if name not in self.layers and len(self.layers) >= MOST_LAYERS:
            name = OTHER_LAYERS
        self._layer = name

    def move(self, to: Point) -> None:
        """Lift the pen; a jump counts once something is drawn."""
        self._at = to

    def line(self, to: Point) -> None:
        """A straight line."""
        self._put_down()
        x, y = self._at
        self._add(self._layer, math.hypot(to[0] - x, to[1] - y))
        self._widen(min(x, to[0]), min(y, to[1]), max(x, to[0]), max(y, to[1]))
        self._at = self._last_drawn = to

    def curve(self, first: Point, second: Point, to: Point) -> None:
        """A cubic Bézier curve."""
        self._put_down()
        self._add(self._layer, 0.0)
        self._curves.append((self._layer, self._at, first, second, to))
        if len(self._curves) >= CURVES_AT_ONCE:
            self._measure_curves()
        self._at = self._last_drawn = to

    def conic(self, control: Point, to: Point) -> None:
        """A quadratic Bézier curve."""
        (x, y), (cx, cy), (ex, ey) = self._at, control, to
        first = (x + 2 * (cx - x) / 3, y + 2 * (cy - y) / 3)
        self.curve(first, (ex + 2 * (cx - ex) / 3, ey + 2 * (cy - ey) / 3), to)

    def finish(self) -> None:
        """Measure what is still waiting.

        Raises:
            Unmeasurable: `empty`, or `damaged` when some coordinate was no number.
        """
        self._measure_curves()
        if not self.shape_count:
            raise Unmeasurable("empty")
        numbers = [*self.layers.values(), self.travel_mm, *self._low, *self._high, *self.size_mm(), self.cut_mm()]
        if not all(map(math.isfinite, numbers)):
            raise Unmeasurable("damaged")
        if self.cut_mm() == 0:
            raise Unmeasurable("empty")

    def cut_mm(self) -> float:
        """The length of everything that was drawn."""
        return sum(self.layers.values())

    def size_mm(self) -> Point:
        """Width and height of the box around everything that was drawn."""
        return (self._high[0] - self._low[0], self._high[1] - self._low[1])

    def _put_down(self) -> None:
        self.segments.spend()
        if self._last_drawn is None:
            self.shape_count = 1
            return
        # Not "is near": a coordinate that is no number must show up in the sum.
        jump = math.hypot(self._at[0] - self._last_drawn[0], self._at[1] - self._last_drawn[1])
        if not jump <= TOUCHING_MM:
            self.shape_count += 1
            self.travel_mm += jump

    def _add(self, layer: str, length_mm: float) -> None:
        self.layers[layer] = self.layers.get(layer, 0.0) + length_mm

    def _widen(self, left: float, low: float, right: float, high: float) -> None:
        self._low = [min(self._low[0], left), min(self._low[1], low)]
        self._high = [max(self._high[0], right), max(self._high[1], high)]

    def _measure_curves(self) -> None:
        if not self._curves:
            return
        with np.errstate(all="ignore"):
            corners = np.array([points for _, *points in self._curves])
            points = np.einsum("kt,nkd->ntd", _WEIGHTS, corners)
            steps = np.diff(points, axis=1)
            lengths = np.hypot(steps[..., 0], steps[..., 1]).sum(axis=1)
            (left, low), (right, high) = points.min(axis=(0, 1)), points.max(axis=(0, 1))
        for (layer, *_), length in zip(self._curves, lengths, strict=True):
            self._add(layer, float(length))
        self._widen(float(left), float(low), float(right), float(high))
        self._curves.clear()

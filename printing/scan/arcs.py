"""How far an arc bulges beyond its two ends."""

import math
from collections.abc import Iterator

Point = tuple[float, float]
_QUARTERS: tuple[Point, ...] = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))
_ROUND = 2 * math.pi


def bulges(start: Point, end: Point, centre: Point, *, is_clockwise: bool) -> Iterator[Point]:
    """The outermost points right, behind, left and in front that the arc passes; an arc that ends where it
    began is a full circle. Millimetres."""
    radius = math.dist(start, centre)
    first, last = (end, start) if is_clockwise else (start, end)
    from_angle = math.atan2(first[1] - centre[1], first[0] - centre[0])
    sweep = (math.atan2(last[1] - centre[1], last[0] - centre[0]) - from_angle) % _ROUND or _ROUND
    for quarter, (right, behind) in enumerate(_QUARTERS):
        if (quarter * math.pi / 2 - from_angle) % _ROUND <= sweep:
            yield centre[0] + radius * right, centre[1] + radius * behind

"""Volume, surface, size and tightness of triangles, in little memory.

`trimesh.Trimesh` needs more than 1 GB for the two million loose triangles that fit into a 100 MB file; this needs
about half of that.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from printing.estimates.limits import MOST_TRIANGLES, Unmeasurable

CHUNK_TRIANGLES = 100_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(slots=True)
class Measured:
    """The sum over the bodies of a file, in mm; the volume of each counts positive, however it is turned."""

    volume_mm3: float = 0.0
    surface_mm2: float = 0.0
    triangle_count: int = 0
    is_closed: bool = True
    low_mm: list[float] = field(default_factory=lambda: [math.inf] * 3)
    high_mm: list[float] = field(default_factory=lambda: [-math.inf] * 3)

    def size_mm(self) -> tuple[float, float, float]:
        """The edges of the box around everything."""
        x, y, z = (high - low for low, high in zip(self.low_mm, self.high_mm, strict=True))
        return (x, y, z)

    def is_finite(self) -> bool:
        """False when a coordinate was no number, or too large to count with."""
        return all(map(math.isfinite, [self.volume_mm3, self.surface_mm2, *self.size_mm()]))

    def add(self, points: Floats, faces: Ints) -> None:
        """Add one body: `points` (n, 3) in mm, `faces` (m, 3) as indices into them.

        Raises:
            Unmeasurable: too many triangles, or indices that lead nowhere.
        """
        self.triangle_count += len(faces)
        if self.triangle_count > MOST_TRIANGLES:
            raise Unmeasurable("too_many_shapes")
        if len(faces) == 0:
            return
        if faces.min() < 0 or faces.max() >= len(points):
            raise Unmeasurable("damaged")
        # A tetrahedron from each triangle to a near origin: far from zero, the sum would lose its digits.
        origin = points[faces[0, 0]].copy()
        signed = 0.0
        with np.errstate(all="ignore"):
            for start in range(0, len(faces), CHUNK_TRIANGLES):
                corners = points[faces[start : start + CHUNK_TRIANGLES]] - origin
                a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
                signed += float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6
                self.surface_mm2 += float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2
                self._widen(corners.reshape(-1, 3), origin)
        self.volume_mm3 += abs(signed)
        self.is_closed = self.is_closed and is_closed(points, faces)

    def _widen(self, corners: Floats, origin: Floats) -> None:
        low, high = corners.min(axis=0) + origin, corners.max(axis=0) + origin
        self.low_mm = [min(before, float(now)) for before, now in zip(self.low_mm, low, strict=True)]
        self.high_mm = [max(before, float(now)) for before, now in zip(self.high_mm, high, strict=True)]


def is_closed(points: Floats, faces: Ints) -> bool:
    """True when every edge is walked as often one way as the other: no hole, and all faces turned alike."""
    corner = _same_place(points).astype(np.uint64)[faces]
    a, b = corner.reshape(-1), np.roll(corner, -1, axis=1).reshape(-1)
    there, back = a << np.uint64(32) | b, b << np.uint64(32) | a
    there.sort()
    back.sort()
    return bool(np.array_equal(there, back))


def _same_place(points: Floats) -> Ints:
    """A number for each point, the same for points with the same coordinates."""
    # Adding zero makes one of the two zeros; then equal numbers are equal bits.
    bits = np.ascontiguousarray(points + 0.0).view(np.uint64)
    mixed = np.zeros(len(points), dtype=np.uint64)
    for axis, factor in enumerate((0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)):
        mixed ^= bits[:, axis]
        mixed *= np.uint64(factor)
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed, return_inverse=True)[1]

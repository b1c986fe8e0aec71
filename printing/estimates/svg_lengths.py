"""Lengths and view boxes of SVG, in px of 1/96 inch (CSS Values 4, SVG 2 section 8.2)."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from svgelements import Matrix

MM_OF_PX = 25.4 / 96
EM_PX = 16.0
PX_OF_UNIT = {"": 1.0, "px": 1.0, "mm": 96 / 25.4, "cm": 960 / 25.4, "in": 96.0, "pt": 96 / 72, "pc": 16.0}
PX_OF_UNIT |= {"q": 24 / 25.4, "em": EM_PX, "rem": EM_PX, "ex": EM_PX / 2, "ch": EM_PX / 2}
REAL_UNITS = ("mm", "cm", "in", "pt", "pc", "q")

_LENGTH = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-z]*|%)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the units around it."""

    x: float
    y: float
    width: float
    height: float


def length_px(text: str, whole: float) -> float:
    """A length; percentages are of `whole`.

    Raises:
        ValueError: no number, or a unit that does not exist.
    """
    number, unit = _parts(text)
    return number * (whole / 100 if unit == "%" else PX_OF_UNIT[unit])


def is_real(text: str) -> bool:
    """True for a length in a unit that a ruler knows."""
    return bool(text) and _parts(text)[1] in REAL_UNITS


def _parts(text: str) -> tuple[float, str]:
    found = _LENGTH.fullmatch(text)
    unit = found[2].lower() if found else ""
    if found is None or (unit != "%" and unit not in PX_OF_UNIT):
        raise ValueError("not a length")
    return float(found[1]), unit


def view_box(element: Element) -> Box | None:
    """The view box, or None without one.

    Raises:
        ValueError: not four numbers, or without any size.
    """
    text = element.get("viewBox")
    if text is None:
        return None
    x, y, width, height = (float(word) for word in re.split(r"[\s,]+", text.strip()))
    if not (width > 0 and height > 0):
        raise ValueError("an empty view box")
    return Box(x, y, width, height)


def view_matrix(frame: Box, box: Box | None, aspect: str) -> Matrix:
    """From the units of the view box to those around the frame it fills."""
    if box is None:
        return Matrix.translate(frame.x, frame.y)
    align, _, rest = (aspect.strip() or "xMidYMid").partition(" ")
    across, down = frame.width / box.width, frame.height / box.height
    if align != "none":
        across = down = max(across, down) if rest.strip() == "slice" else min(across, down)
    left = (frame.width - box.width * across) * _share(align[:4])
    top = (frame.height - box.height * down) * _share(align[4:])
    return Matrix(across, 0, 0, down, frame.x + left - box.x * across, frame.y + top - box.y * down)


def _share(align: str) -> float:
    return {"min": 0.0, "mid": 0.5, "max": 1.0}.get(align[1:].lower(), 0.0)

"""Whether a file is made for a printer: its kind, the model, the nozzle and the material. Pure.

Both sides known and different blocks; where only one of them is known, somebody looks at the machine before it starts.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from fablab.lib.denials import Denial

# 0.4 is written as 0.4, 0.40 or 0.400001.
SAME_NOZZLE_MM = 0.01


class Code(enum.StrEnum):
    """Stable. Each refuses the file for this printer."""

    WRONG_KIND_OF_FILE = "wrong_kind_of_file"
    WRONG_PRINTER = "wrong_printer"
    WRONG_NOZZLE = "wrong_nozzle"
    WRONG_MATERIAL = "wrong_material"


@dataclass(frozen=True, slots=True)
class Fit:
    """One thing on both sides; an empty text or None is "unknown"."""

    model: str = ""
    nozzle_mm: float | None = None
    material: str = ""


def kind_denials(kind: str, taken: frozenset[str]) -> list[Denial]:
    """A file that the printer's software does not take."""
    return [] if kind in taken else [Denial(Code.WRONG_KIND_OF_FILE, {"kind": kind})]


def fit_denials(wanted: Fit, mounted: Fit) -> list[Denial]:
    """What the file was made for (`wanted`) and the printer is not."""
    return [Denial(code, {"wanted": ours, "mounted": theirs}) for code, ours, theirs in _pairs(wanted, mounted)
            if ours and theirs and not _is_same(code, ours, theirs)]  # fmt: skip


def unknown_fits(wanted: Fit, mounted: Fit) -> list[Code]:
    """What only one side tells: somebody at the machine has to look."""
    return [code for code, ours, theirs in _pairs(wanted, mounted) if bool(ours) != bool(theirs)]


def _pairs(wanted: Fit, mounted: Fit) -> Iterator[tuple[Code, str | float | None, str | float | None]]:
    yield Code.WRONG_PRINTER, wanted.model, mounted.model
    yield Code.WRONG_NOZZLE, wanted.nozzle_mm, mounted.nozzle_mm
    yield Code.WRONG_MATERIAL, wanted.material, mounted.material


def _is_same(code: Code, ours: str | float, theirs: str | float) -> bool:
    if code is Code.WRONG_NOZZLE:
        return abs(float(ours) - float(theirs)) < SAME_NOZZLE_MM
    if code is Code.WRONG_MATERIAL:
        # One of several extruders is enough to know that it is meant; “PLA+” is PLA.
        return _plain(str(theirs)) in {_plain(part) for part in str(ours).split(",")}
    # A slicer adds what it is equipped with: MK4 and MK4IS, MK4MMU3.
    one, other = sorted((_plain(str(ours)), _plain(str(theirs))), key=len)
    return other.startswith(one)


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())

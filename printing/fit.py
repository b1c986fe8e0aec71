"""Whether a file is made for a printer: its kind, the model, the nozzle and the material. Pure.

Both sides known and different blocks; where only one of them is known, somebody looks at the machine before it starts.
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fablab.lib.denials import Denial

# 0.4 is written as 0.4, 0.40 or 0.400001.
SAME_NOZZLE_MM = 0.01
# How makers begin the names of their printers, the longest way first, and whose they are.
MAKERS = {
    "originalprusai3": "prusa", "originalprusa": "prusa", "prusaresearch": "prusa", "prusai3": "prusa",
    "prusa": "prusa",
    "bambulab": "bambu", "bambu": "bambu", "creality": "creality", "anycubic": "anycubic", "elegoo": "elegoo",
    "artillery": "artillery", "sovol": "sovol", "qiditech": "qidi", "qidi": "qidi", "flashforge": "flashforge",
    "ultimaker": "ultimaker", "raise3d": "raise3d", "snapmaker": "snapmaker", "ankermake": "anker", "voron": "voron",
}  # fmt: skip
# One printer under two names: a suffix that changes nothing of what a file may ask, and the numbers that Bambu gives.
SAME_MODELS = {
    "mk2": "mk2s", "mk3": "mk3s", "mk3splus": "mk3s", "miniplus": "mini",
    "blp001": "x1carbon", "blp002": "x1", "c11": "p1p", "c12": "p1s", "c13": "x1e", "n1": "a1mini", "n2s": "a1",
}  # fmt: skip
# Input shaping and a unit that changes filament: what a slicer adds to MK4 as MK4IS or MK4ISMMU3.
_EXTRAS = re.compile(r"(inputshaper|is)?(mmu[123]s?)?$")
# As Orca names a printer: "Bambu Lab A1 mini 0.4 nozzle". The nozzle is compared by itself.
_NOZZLE_SIZE = re.compile(r"\b\d\.\d{1,2}\s{0,2}(mm)?\s{0,2}nozzle\s{0,9}$")


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
    return same_model(str(ours), str(theirs))


def same_model(one: str, other: str) -> bool:
    """Whether two names are of one model: however it is written, with its maker or without, and with what it is
    equipped with or without. A longer name is another printer: an A1 mini is no A1."""
    maker, model = _split(one)
    other_maker, other_model = _split(other)
    return model == other_model and (not maker or not other_maker or maker == other_maker)


def _split(name: str) -> tuple[str, str]:
    """The maker, empty where it is not said, and the model without its extras, both as letters and digits only."""
    words = _NOZZLE_SIZE.sub("", name.casefold()).replace("+", " plus ")
    whole = _plain(words)
    maker = next((each for each in MAKERS if whole.startswith(each) and whole != each), "")
    model = whole.removeprefix(maker)
    bare = _EXTRAS.sub("", model) or model
    return MAKERS.get(maker, ""), SAME_MODELS.get(bare, bare)


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())

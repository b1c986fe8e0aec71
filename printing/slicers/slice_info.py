"""`Metadata/slice_info.config` of a sliced 3MF: what Bambu Studio and OrcaSlicer say of each plate.

Python's own expat reads it and stops at the first DOCTYPE, so that no entity is ever declared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from printing.slicers.unreadable import Unreadable, UnreadableFile

# config, plate, object or filament: the real ones are three deep.
DEEPEST = 16
MOST_ELEMENTS = 20_000
MOST_FILAMENTS = 64


@dataclass(slots=True)
class Plate:
    """The attributes of one plate, as they stand there."""

    values: dict[str, str] = field(default_factory=dict)
    filaments: list[Mapping[str, str]] = field(default_factory=list)


def read_plates(data: bytes) -> list[Plate]:
    """The plates in the order of the file.

    Raises:
        UnreadableFile: no XML, with a DOCTYPE, or with more than 20 000 elements or 16 levels.
    """
    reading = _Reading()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        # ValueError and LookupError: an encoding that nobody knows.
        raise UnreadableFile(Unreadable.DAMAGED) from None
    return reading.plates


def _refuse_doctype(*_: object) -> None:
    raise UnreadableFile(Unreadable.DAMAGED)


@dataclass(slots=True)
class _Reading:
    plates: list[Plate] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    elements: int = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.path.append(name)
        self.elements += 1
        if self.elements > MOST_ELEMENTS or len(self.path) > DEEPEST:
            raise UnreadableFile(Unreadable.TOO_LARGE_INSIDE)
        if self.path[1:] == ["plate"]:
            self.plates.append(Plate())
        elif self.path[1:] == ["plate", "metadata"] and "key" in attributes:
            self.plates[-1].values.setdefault(attributes["key"], attributes.get("value", ""))
        elif self.path[1:] == ["plate", "filament"] and len(self.plates[-1].filaments) < MOST_FILAMENTS:
            self.plates[-1].filaments.append(dict(attributes))

    def end(self, _name: str) -> None:
        self.path.pop()

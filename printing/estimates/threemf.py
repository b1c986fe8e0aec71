"""The core of the 3MF format: meshes, components and build items (3MF core specification 1.3, production 1.1).

Read with expat and handlers: a tree of two million triangles would not fit into memory.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from printing.estimates.limits import DEEPEST_NESTING, MOST_ENTITIES, MOST_TRIANGLES, Budget, Unmeasurable

DEFAULT_MODEL = "3D/3dmodel.model"
MM_OF_UNIT = {"micron": 0.001, "millimeter": 1.0, "centimeter": 10.0, "inch": 25.4, "foot": 304.8, "meter": 1000.0}
PRODUCTION_PATH = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06 path"

Matrix = NDArray[np.float64]
UNMOVED = np.vstack([np.eye(3), np.zeros(3)])


@dataclass(frozen=True, slots=True)
class Reference:
    """An object put somewhere: by a build item, or as a component of another object."""

    object_id: str
    part: str
    matrix: Matrix


@dataclass(slots=True)
class Body:
    """An object: a mesh, or components, or nothing yet."""

    points: "array[float]" = field(default_factory=lambda: array("d"))
    faces: "array[int]" = field(default_factory=lambda: array("q"))
    components: list[Reference] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """One model part of the package."""

    unit: str = "millimeter"
    bodies: dict[str, Body] = field(default_factory=dict)
    items: list[Reference] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Placed:
    """A mesh and where it stands; `matrix` is 4 × 3 and applied to row vectors, as in the format."""

    points: NDArray[np.float64]
    faces: NDArray[np.int64]
    matrix: Matrix


def read_model(stream: IO[bytes]) -> Model:
    """One model part.

    Raises:
        Unmeasurable: `damaged`, `too_many_shapes`.
        expat.ExpatError, KeyError, ValueError: not what the format allows.
    """
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reading.start
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.ParseFile(stream)
    if reading.model.unit not in MM_OF_UNIT:
        raise Unmeasurable("damaged")
    return reading.model


def _refuse_doctype(*_: object) -> None:
    """The specification forbids it, and it is where the bombs are."""
    raise Unmeasurable("damaged")


class _Reading:
    def __init__(self) -> None:
        self.model = Model()
        self.body = Body()
        self.budget = Budget(MOST_ENTITIES)
        self.triangles = Budget(MOST_TRIANGLES)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "vertex":
            self.body.points.extend((float(attributes["x"]), float(attributes["y"]), float(attributes["z"])))
        elif tag == "triangle":
            self.triangles.spend()
            self.body.faces.extend((int(attributes["v1"]), int(attributes["v2"]), int(attributes["v3"])))
        elif tag in ("object", "component", "item"):
            self.budget.spend()
            self._place(tag, attributes)
        elif tag == "model":
            self.model.unit = attributes.get("unit", "millimeter")

    def _place(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "object":
            self.body = self.model.bodies[attributes["id"]] = Body()
            return
        part = attributes.get(PRODUCTION_PATH, "").lstrip("/")
        reference = Reference(attributes["objectid"], part, _matrix(attributes.get("transform", "")))
        if tag == "component":
            self.body.components.append(reference)
        # Slicers write this for what stands on the plate but is left out.
        elif attributes.get("printable") != "0":
            self.model.items.append(reference)


def _matrix(text: str) -> Matrix:
    return np.array([float(word) for word in text.split()]).reshape(4, 3) if text.strip() else UNMOVED


class Scene:
    """The parts of one package, and what stands on the plate."""

    def __init__(self, models: dict[str, Model]) -> None:
        self.models = models
        self.budget = Budget(MOST_ENTITIES)

    def placed(self, part: str) -> Iterator[Placed]:
        """Every mesh of the part's build, each as often as it is used."""
        for item in self.models[part].items:
            yield from self._expand(item, part, UNMOVED, 0)

    def _expand(self, reference: Reference, part: str, outer: Matrix, depth: int) -> Iterator[Placed]:
        self.budget.spend()
        if depth > DEEPEST_NESTING:
            raise Unmeasurable("damaged")
        part = reference.part or part
        body = self.models[part].bodies[reference.object_id]
        with np.errstate(all="ignore"):
            matrix = np.vstack([reference.matrix[:3] @ outer[:3], reference.matrix[3] @ outer[:3] + outer[3]])
        if body.faces:
            points = np.array(body.points, dtype=np.float64).reshape(-1, 3)
            yield Placed(points, np.array(body.faces, dtype=np.int64).reshape(-1, 3), matrix)
        for component in body.components:
            yield from self._expand(component, part, matrix, depth + 1)

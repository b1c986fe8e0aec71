"""The lines of a DXF's model space, seen from above."""

from collections.abc import Iterable
from pathlib import Path

import ezdxf
from ezdxf import path as curves
from ezdxf import recover, units
from ezdxf.document import Drawing
from ezdxf.entities import DXFEntity, Insert, LWPolyline, Polyline, Spline
from ezdxf.math import Matrix44
from ezdxf.path.commands import Curve3To, Curve4To, LineTo

from printing.estimates.limits import DEEPEST_NESTING, MOST_ENTITIES, Budget, Unmeasurable
from printing.estimates.pen import Pen

DRAWN = ("LINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE", "LWPOLYLINE", "POLYLINE", "HELIX")
IGNORED_AS = {
    "TEXT": "text",
    "MTEXT": "text",
    "ATTDEF": "text",
    "ATTRIB": "text",
    "IMAGE": "image",
    "WIPEOUT": "image",
    "HATCH": "fill",
    "MPOLYGON": "fill",
    "SOLID": "fill",
    "TRACE": "fill",
    "3DFACE": "fill",
    "DIMENSION": "dimension",
    "ARC_DIMENSION": "dimension",
    "LARGE_RADIAL_DIMENSION": "dimension",
    "LEADER": "dimension",
    "MULTILEADER": "dimension",
    "TOLERANCE": "dimension",
    "POINT": "point",
}
# A layer's lines are on the layer of the insert when they lie on this one.
LAYER_OF_INSERT = "0"
MM_OF_UNIT = {code: 1000 / per_metre for code, per_metre in enumerate(units.METER_FACTOR) if per_metre}
_UNIT_NAME = b"$INSUNITS"
_BINARY_START = b"AutoCAD Binary DXF"


def draw_dxf(path: Path, pen: Pen) -> str:
    """Draw everything that shows in the model space; "mm" when the file states no unit, else "".

    Blocks come with their scale, rotation and rows; heights are dropped; hidden layers, text, fills and dimensions
    are left out and counted.

    Raises:
        Unmeasurable: too many entities, blocks nested too deeply.
        ezdxf.DXFError, OSError, ValueError: not a DXF.
    """
    states_unit = _scan(path)
    document = _read(path)
    unit = document.header.get("$INSUNITS", 0) if states_unit else 0
    mm = MM_OF_UNIT.get(unit, 1.0)
    drawing = _Drawing(document, pen)
    drawing.draw(document.modelspace(), Matrix44.scale(mm, mm, mm), LAYER_OF_INSERT, 0)
    return "" if unit in MM_OF_UNIT else "mm"


def _scan(path: Path) -> bool:
    """Whether the file states its unit; ezdxf takes metres for a file without a header.

    Each entity takes kilobytes once it is read, so they are counted here as well.
    """
    budget = Budget(MOST_ENTITIES)
    states_unit = False
    with path.open("rb") as stream:
        if stream.read(len(_BINARY_START)) == _BINARY_START:
            return _UNIT_NAME in stream.read()
        stream.seek(0)
        for code, value in zip(stream, stream, strict=False):
            if code.strip() == b"0":
                budget.spend()
            elif not states_unit and value.strip() == _UNIT_NAME:
                states_unit = True
    return states_unit


def _read(path: Path) -> Drawing:
    try:
        return ezdxf.readfile(path)
    except ezdxf.DXFStructureError:
        # Many programs write what AutoCAD would refuse; this reader repairs, and is slower.
        return recover.readfile(path)[0]


class _Drawing:
    def __init__(self, document: Drawing, pen: Pen) -> None:
        self.pen = pen
        self.hidden = {layer.dxf.name.lower() for layer in document.layers if layer.is_off() or layer.is_frozen()}

    def draw(self, entities: Iterable[DXFEntity], matrix: Matrix44, layer_of_insert: str, depth: int) -> None:
        if depth > DEEPEST_NESTING:
            raise Unmeasurable("damaged")
        for entity in entities:
            self.pen.entities.spend()
            layer = entity.dxf.get("layer", LAYER_OF_INSERT)
            layer = layer_of_insert if layer == LAYER_OF_INSERT else layer
            kind = entity.dxftype()
            if layer.lower() in self.hidden or entity.dxf.get("invisible", 0):
                self.pen.ignored["hidden"] += 1
            elif isinstance(entity, Insert):
                self._insert(entity, matrix, layer, depth)
            elif kind in DRAWN:
                self.pen.on_layer(layer)
                self._trace(entity, matrix)
            else:
                self.pen.ignored[IGNORED_AS.get(kind, "other")] += 1

    def _insert(self, insert: Insert, matrix: Matrix44, layer: str, depth: int) -> None:
        block = insert.block()
        self.pen.ignored["text"] += len(insert.attribs)
        if block is None:
            self.pen.ignored["other"] += 1
            return
        rows, columns = insert.dxf.get("row_count", 1), insert.dxf.get("column_count", 1)
        if rows == columns == 1:
            self.draw(block, insert.matrix44() @ matrix, layer, depth + 1)
            return
        self.pen.entities.spend(max(rows, 1) * max(columns, 1))
        for each in insert.multi_insert():
            self.draw(block, each.matrix44() @ matrix, layer, depth + 1)

    def _trace(self, entity: DXFEntity, matrix: Matrix44) -> None:
        if _corner_count(entity) > self.pen.segments.left:
            raise Unmeasurable("too_many_shapes")
        if isinstance(entity, Polyline) and (entity.is_polygon_mesh or entity.is_poly_face_mesh):
            self.pen.ignored["other"] += 1
            return
        drawn = curves.make_path(entity)
        if len(drawn) == 0:
            return
        drawn = drawn.transform(matrix)
        pen = self.pen
        pen.move((drawn.start.x, drawn.start.y))
        for step in drawn.commands():
            end = (step.end.x, step.end.y)
            if isinstance(step, LineTo):
                pen.line(end)
            elif isinstance(step, Curve4To):
                pen.curve((step.ctrl1.x, step.ctrl1.y), (step.ctrl2.x, step.ctrl2.y), end)
            elif isinstance(step, Curve3To):
                pen.conic((step.ctrl.x, step.ctrl.y), end)
            else:
                pen.move(end)


def _corner_count(entity: DXFEntity) -> int:
    if isinstance(entity, LWPolyline | Polyline):
        return len(entity)
    return len(entity.control_points) + len(entity.fit_points) if isinstance(entity, Spline) else 1

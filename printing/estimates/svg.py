"""The lines of an SVG, with its viewports, transforms and copies; nothing it points to is ever fetched.

`svgelements` reads path data and transforms. Its own walk through the document is not used: it draws the contents of
`<symbol>` twice and has no limit for copies of copies.
"""

from dataclasses import dataclass, replace
from typing import BinaryIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from svgelements import Matrix

from printing.estimates.limits import DEEPEST_NESTING, Unmeasurable
from printing.estimates.pen import Pen
from printing.estimates.svg_lengths import MM_OF_PX, Box, is_real, length_px, view_box, view_matrix
from printing.estimates.svg_shapes import SHAPES, ShapeTracer
from printing.estimates.svg_style import Look, Styles, look_below

LONGEST_ENTITY = 256
READ_BYTES = 64 * 1024

SVG_NAMESPACE = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
GROUPS = ("g", "a", "switch")
IGNORED_AS = {"text": "text", "image": "image", "foreignObject": "other"}


def draw_svg(stream: BinaryIO, pen: Pen) -> str:
    """Draw every shape that shows; "" when the page is given in real units, else "px_96dpi".

    Raises:
        Unmeasurable: too many elements, copies within themselves, entities that grow, not an SVG.
        ElementTree.ParseError, ValueError: no XML, or numbers that are none.
    """
    _check_entities(stream)
    stream.seek(0)
    root = ElementTree.parse(stream).getroot()  # noqa: S314 - entities were looked at just now
    if _tag(root) != "svg":
        raise Unmeasurable("unsupported")
    is_real_page = is_real(root.get("width", "")) and view_box(root) is not None
    _Walk(root, pen).start()
    return "" if is_real_page else "px_96dpi"


def _check_entities(stream: BinaryIO) -> None:
    """Illustrator declares short names for its namespaces; whatever could grow, or lies elsewhere, is refused."""
    parser = expat.ParserCreate()
    is_inside = False

    def declared(name: str, is_parameter: int, value: str | None, *_: object) -> None:
        if is_parameter or value is None or "&" in value or len(value) > LONGEST_ENTITY:
            raise Unmeasurable("damaged")

    def started(*_: object) -> None:
        nonlocal is_inside
        is_inside = True

    parser.EntityDeclHandler = declared
    parser.StartElementHandler = started
    # Declarations come before the first element only.
    while not is_inside and (block := stream.read(READ_BYTES)):
        parser.Parse(block)


def _tag(element: Element) -> str:
    """The name without the namespace of SVG; other namespaces stay, and so match nothing."""
    return str(element.tag).removeprefix(SVG_NAMESPACE)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an element is drawn; `matrix` leads to mm."""

    matrix: Matrix
    box: Box
    look: Look
    layer: str = ""
    depth: int = 0

    def below(self, own: Matrix) -> "_Place":
        return replace(self, matrix=own * self.matrix)


class _Walk:
    def __init__(self, root: Element, pen: Pen) -> None:
        self.root = root
        self.pen = pen
        self.tracer = ShapeTracer(pen)
        self.named = {name: element for element in root.iter() if (name := element.get("id"))}
        self.styles = Styles(element.text or "" for element in root.iter() if _tag(element) == "style")

    def start(self) -> None:
        box = view_box(self.root)
        width = length_px(self.root.get("width", "100%"), box.width if box else 100)
        height = length_px(self.root.get("height", "100%"), box.height if box else 100)
        if box and "width" in self.root.attrib and "height" not in self.root.attrib:
            height = width * box.height / box.width
        place = _Place(Matrix.scale(MM_OF_PX), Box(0, 0, width, height), Look())
        self._view(self.root, place, Box(0, 0, width, height))

    def _view(self, element: Element, place: _Place, frame: Box) -> None:
        """The children of an `<svg>` or `<symbol>` that fills `frame`."""
        box = view_box(element)
        matrix = view_matrix(frame, box, element.get("preserveAspectRatio", ""))
        self._children(element, replace(place.below(matrix), box=box or frame))

    def _children(self, element: Element, place: _Place) -> None:
        if place.depth > DEEPEST_NESTING:
            raise Unmeasurable("damaged")
        for child in element:
            self._draw(child, replace(place, depth=place.depth + 1))

    def _draw(self, element: Element, place: _Place) -> None:
        self.pen.entities.spend()
        tag = _tag(element)
        own = self.styles.of(element)
        if own.get("display") == "none":
            self.pen.ignored["hidden"] += 1
            return
        if element.get("clip-path"):
            self.pen.ignored["clip"] += 1
        place = replace(place, look=look_below(place.look, own), layer=_layer(element) or place.layer)
        if transform := own.get("transform"):
            place = place.below(_matrix(transform))
        if tag in SHAPES:
            self._shape(tag, element, place)
        elif tag in GROUPS:
            self._children(element, place)
        elif tag == "use":
            self._use(element, place)
        elif tag == "svg":
            self._view(element, place, self._frame(element, place, element))
        elif tag in IGNORED_AS:
            self.pen.ignored[IGNORED_AS[tag]] += 1

    def _shape(self, tag: str, element: Element, place: _Place) -> None:
        if place.look.is_hidden:
            self.pen.ignored["hidden"] += 1
            return
        self.pen.on_layer(place.layer or place.look.stroke)
        self.tracer.trace(tag, element, place.matrix, place.box)

    def _use(self, element: Element, place: _Place) -> None:
        name = element.get("href") or element.get(XLINK_HREF) or ""
        target = self.named.get(name[1:]) if name.startswith("#") else None
        if target is None:
            self.pen.ignored["other"] += 1
            return
        if place.depth > DEEPEST_NESTING:
            raise Unmeasurable("damaged")
        x, y = length_px(element.get("x", "0"), place.box.width), length_px(element.get("y", "0"), place.box.height)
        place = replace(place.below(Matrix.translate(x, y)), depth=place.depth + 1)
        if _tag(target) == "symbol":
            self.pen.entities.spend()
            self._view(target, place, self._frame(target, place, element))
        else:
            self._draw(target, place)

    def _frame(self, element: Element, place: _Place, sized_by: Element) -> Box:
        """The rectangle that a nested `<svg>`, or a symbol by its `<use>`, fills."""
        width = sized_by.get("width", element.get("width", "100%"))
        height = sized_by.get("height", element.get("height", "100%"))
        x = length_px(element.get("x", "0"), place.box.width)
        y = length_px(element.get("y", "0"), place.box.height)
        return Box(x, y, length_px(width, place.box.width), length_px(height, place.box.height))


def _matrix(text: str) -> Matrix:
    matrix = Matrix(text)
    matrix.render(ppi=96)
    return matrix


def _layer(element: Element) -> str:
    is_layer = element.get(f"{INKSCAPE}groupmode") == "layer"
    return element.get(f"{INKSCAPE}label", "") if is_layer else ""

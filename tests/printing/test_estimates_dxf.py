"""Cut length of DXF drawings: curves, blocks, units, layers, and what strangers send."""

import io
import math
from contextlib import suppress

import ezdxf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from printing.estimates.cut import CutEstimate, estimate_cut
from printing.estimates.limits import Unmeasurable
from tests.printing.estimate_files import written

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
HALF_CIRCLE = [(0, 0, 1), (10, 0, 0)]
MM = 4
INCH = 1


def dxf(draw, *, unit=MM, version="R2010"):
    """The text of a drawing; `draw` gets the document and its model space."""
    document = ezdxf.new(version)
    document.header["$INSUNITS"] = unit
    draw(document, document.modelspace())
    stream = io.StringIO()
    document.write(stream)
    return stream.getvalue().encode()


@pytest.fixture
def cut(tmp_path):
    """The estimate of a drawing."""

    def run(draw, **settings):
        return estimate_cut(written(tmp_path, dxf(draw, **settings)), "dxf")

    return run


def square(_, space):
    space.add_lwpolyline(SQUARE, close=True)


def with_block(draw_insert, **attributes):
    """A drawing with a block that holds a square of 10 mm, put somewhere by `draw_insert`."""

    def draw(document, space):
        block = document.blocks.new("square", base_point=(5, 5))
        block.add_lwpolyline(SQUARE, close=True, dxfattribs=attributes)
        draw_insert(document, space)

    return draw


def nested(document, space):
    outer = document.blocks.new("outer")
    outer.add_blockref("square", (0, 0), dxfattribs={"xscale": 2, "yscale": 2})
    outer.add_line((0, 0), (7, 0))
    space.add_blockref("outer", (3, 3), dxfattribs={"xscale": 0.5, "yscale": 0.5, "rotation": 90})


def rows(_, space):
    space.add_blockref("square", (0, 0)).grid((2, 3), (20, 30))


def inserted(**attributes):
    return lambda _, space: space.add_blockref("square", (50, 50), dxfattribs=attributes)


def test_square_of_10_mm(cut):
    assert cut(square) == CutEstimate(
        size_mm=(10.0, 10.0),
        cut_mm=pytest.approx(40.0),
        travel_mm=0.0,
        shape_count=1,
        unit_assumed="",
        layers={"0": pytest.approx(40.0)},
        ignored={},
    )


@pytest.mark.parametrize(
    ("unit", "edge_mm", "unit_assumed"),
    [(MM, 10, ""), (INCH, 254, ""), (5, 100, ""), (6, 10_000, ""), (0, 10, "mm"), (9, 10, "mm"), (99, 10, "mm")],
    ids=["mm", "inches", "cm", "metres", "no unit", "mils, which ezdxf does not know", "no such unit"],
)
def test_unit_of_the_drawing(cut, unit, edge_mm, unit_assumed):
    estimate = cut(square, unit=unit)

    assert estimate.cut_mm == pytest.approx(4 * edge_mm)
    assert estimate.unit_assumed == unit_assumed


@pytest.mark.parametrize(
    ("draw", "cut_mm", "size_mm"),
    [
        (lambda _, space: space.add_line((0, 0, 0), (3, 4, 99)), 5, (3, 4)),
        (lambda _, space: space.add_circle((9, 9), 10), 20 * math.pi, (20, 20)),
        (lambda _, space: space.add_arc((0, 0), 10, 0, 90), 5 * math.pi, (10, 10)),
        (lambda _, space: space.add_arc((0, 0), 10, 270, 90), 10 * math.pi, (10, 20)),
        (lambda _, space: space.add_ellipse((0, 0), (20, 0), 0.5), 96.884, (40, 20)),
        (lambda _, space: space.add_ellipse((0, 0), (20, 0), 0.5, 0, math.pi), 48.442, (40, 10)),
        (lambda _, space: space.add_lwpolyline(HALF_CIRCLE, format="xyb"), 5 * math.pi, (10, 5)),
        (lambda _, space: space.add_lwpolyline(HALF_CIRCLE, format="xyb", close=True), 10 + 5 * math.pi, (10, 5)),
        (lambda _, space: space.add_polyline2d(HALF_CIRCLE, format="xyb"), 5 * math.pi, (10, 5)),
        (lambda _, space: space.add_polyline3d([(0, 0, 0), (3, 4, 5), (6, 8, 0)]), 10, (6, 8)),
        (lambda _, space: space.add_spline([(0, 0), (5, 0), (10, 0), (20, 0)]), 20, (20, 0)),
        (lambda _, space: space.add_open_spline([(0, 0), (0, 10), (10, 10), (10, 0)]), 20, (10, 7.5)),
        (
            lambda _, space: space.add_arc((0, 0), 10, 0, 90, dxfattribs={"extrusion": (0, 0, -1)}),
            5 * math.pi,
            (10, 10),
        ),
    ],
    ids=[
        "line, from above",
        "circle",
        "arc",
        "arc over zero",
        "ellipse",
        "half an ellipse",
        "bulge",
        "closed with a bulge",
        "old polyline with a bulge",
        "3D polyline",
        "spline through points",
        "spline by control points",
        "arc seen from behind",
    ],
)
def test_length_of_each_entity(cut, draw, cut_mm, size_mm):
    estimate = cut(draw)

    assert estimate.cut_mm == pytest.approx(cut_mm, rel=1e-3)
    assert estimate.size_mm == pytest.approx(size_mm, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("draw_insert", "cut_mm", "size_mm"),
    [
        (inserted(), 40, (10, 10)),
        (inserted(xscale=2, yscale=2), 80, (20, 20)),
        (inserted(xscale=3), 80, (30, 10)),
        (inserted(xscale=-1), 40, (10, 10)),
        (inserted(rotation=45), 40, (200**0.5, 200**0.5)),
        (inserted(xscale=3, rotation=90), 80, (10, 30)),
        (rows, 240, (70, 30)),
        (nested, 43.5, (10, 10)),
    ],
    ids=["as it is", "scale of 2", "stretched", "mirrored", "turned", "stretched and turned", "rows", "block in block"],
)
def test_block_comes_with_its_scale(cut, draw_insert, cut_mm, size_mm):
    estimate = cut(with_block(draw_insert))

    assert estimate.cut_mm == pytest.approx(cut_mm)
    assert estimate.size_mm == pytest.approx(size_mm)


@pytest.mark.parametrize(
    ("own", "layer"),
    [({}, "Outline"), ({"layer": "0"}, "Outline"), ({"layer": "Inside"}, "Inside")],
    ids=["no layer", "layer 0", "its own"],
)
def test_lines_of_a_block_lie_on_the_layer_of_the_insert(cut, own, layer):
    assert cut(with_block(inserted(layer="Outline"), **own)).layers == pytest.approx({layer: 40})


def test_lines_that_touch_are_one_shape(cut):
    def draw(_, space):
        for start, end in zip(SQUARE, SQUARE[1:] + SQUARE[:1], strict=True):
            space.add_line(start, end)
        space.add_line((0, 30), (5, 30), dxfattribs={"layer": "Fold"})

    estimate = cut(draw)

    assert (estimate.shape_count, estimate.travel_mm) == (2, pytest.approx(30))
    assert estimate.layers == pytest.approx({"0": 40, "Fold": 5})


def test_what_is_not_cut_is_said(cut):
    def draw(document, space):
        square(document, space)
        space.add_text("Fab")
        space.add_mtext("Lab")
        space.add_point((500, 500))
        space.add_hatch().paths.add_polyline_path(SQUARE)
        space.add_linear_dim(base=(0, 20), p1=(0, 0), p2=(10, 0)).render()
        space.add_blockref("no such block", (0, 0))
        document.layers.add("Hidden").off()
        space.add_line((0, 0), (900, 0), dxfattribs={"layer": "Hidden"})
        document.paperspace().add_line((0, 0), (900, 0))

    estimate = cut(draw)

    assert (estimate.cut_mm, estimate.size_mm) == (pytest.approx(40), (10, 10))
    assert estimate.ignored == {"text": 2, "point": 1, "fill": 1, "dimension": 1, "other": 1, "hidden": 1}


@pytest.mark.parametrize("version", ["R12", "R2000", "R2018"])
def test_every_version_is_read(cut, version):
    assert cut(lambda _, space: space.add_polyline2d(HALF_CIRCLE, format="xyb"), version=version).cut_mm == (
        pytest.approx(5 * math.pi, rel=1e-3)
    )


def test_drawing_of_a_few_lines_without_header_is_in_mm(tmp_path):
    tags = ["0", "SECTION", "2", "ENTITIES", "0", "LINE", "8", "cut", "10", "0", "20", "0", "11", "3", "21", "4"]
    text = "\r\n".join([*tags, "0", "ENDSEC", "0", "EOF", ""])

    estimate = estimate_cut(written(tmp_path, text.encode()), "dxf")

    assert (estimate.cut_mm, estimate.unit_assumed, estimate.layers) == (pytest.approx(5), "mm", {"cut": 5})


# --- what strangers send ----------------------------------------------------------------------------------------


def within_itself(document, space):
    block = document.blocks.new("loop")
    block.add_blockref("loop", (1, 1))
    block.add_line((0, 0), (1, 0))
    space.add_blockref("loop", (0, 0))


def rows_without_end(_, space):
    space.add_blockref("square", (0, 0)).grid((30_000, 30_000), (20, 30))


def doubling(document, space):
    for number in range(30):
        block = document.blocks.new(f"block{number}")
        for _ in range(2):
            block.add_blockref(f"block{number + 1}", (0, 0))
    document.blocks.new("block30")
    space.add_blockref("block0", (0, 0))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"rubbish", "damaged"),
        (bytes(range(256)) * 20, "damaged"),
        (b"AutoCAD Binary DXF\r\n\x1a\x00 and no more", "damaged"),
        (dxf(lambda _, space: None), "empty"),
        (dxf(lambda _, space: space.add_text("words")), "empty"),
        (dxf(lambda _, space: space.add_line((0, 0), (float("nan"), 0))), "damaged"),
        (dxf(lambda _, space: space.add_line((0, 0), (float("inf"), 0))), "damaged"),
        (dxf(lambda _, space: space.add_circle((0, 0), 1e308)), "damaged"),
        (dxf(within_itself), "damaged"),
        (dxf(with_block(rows_without_end)), "too_many_shapes"),
    ],
    ids=[
        "text",
        "bytes",
        "binary cut off",
        "nothing in it",
        "only text",
        "not a number",
        "infinite",
        "beyond all numbers",
        "block within itself",
        "rows without end",
    ],
)
def test_dxf_that_cannot_be_measured_is_refused(tmp_path, content, code):
    with pytest.raises(Unmeasurable) as refusal:
        estimate_cut(written(tmp_path, content), "dxf")

    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("name", "most", "draw"),
    [
        ("pen.MOST_ENTITIES", 1000, doubling),
        ("dxf.MOST_ENTITIES", 10, square),
        ("pen.MOST_SEGMENTS", 3, square),
    ],
    ids=["blocks of blocks", "entities of the file", "corners"],
)
def test_too_much_is_refused(cut, monkeypatch, name, most, draw):
    monkeypatch.setattr(f"printing.estimates.{name}", most)

    with pytest.raises(Unmeasurable, match="too_many_shapes"):
        cut(draw)


def test_another_format_is_refused(tmp_path):
    with pytest.raises(Unmeasurable, match="unsupported"):
        estimate_cut(written(tmp_path, dxf(square)), "dwg")


def everything(document, space):
    with_block(nested)(document, space)
    space.add_circle((0, 0), 5)
    space.add_lwpolyline(HALF_CIRCLE, format="xyb")
    space.add_open_spline([(0, 0), (0, 10), (10, 10), (10, 0)])


WHOLE = dxf(everything, version="R2000")
ENTITIES_AT = WHOLE.index(b"BLOCKS")


@settings(max_examples=30, deadline=None)
@given(at=st.integers(ENTITIES_AT, len(WHOLE) - 1), other=st.text("0123456789.-eEnaifTLX\n ", max_size=15))
def test_changed_text_is_measured_or_refused(tmp_path_factory, at, other):
    content = WHOLE[:at] + other.encode() + WHOLE[at + len(other) :]

    with suppress(Unmeasurable):
        estimate = estimate_cut(written(tmp_path_factory.getbasetemp(), content, "changed.dxf"), "dxf")

        assert math.isfinite(estimate.cut_mm)
        assert estimate.cut_mm > 0

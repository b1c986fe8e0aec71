"""Cut length of SVG drawings: units, viewports, transforms, copies, and what strangers send."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printing.estimates.cut import CutEstimate, cut_minutes, estimate_cut
from printing.estimates.limits import Unmeasurable
from tests.printing.estimate_files import PAGE_MM, svg, written

SQUARE = '<rect x="5" y="5" width="10" height="10"/>'
PX = 25.4 / 96
INKSCAPE = 'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"'


@pytest.fixture
def cut(tmp_path):
    """The estimate of an SVG with this content."""

    def run(content, page=PAGE_MM):
        return estimate_cut(written(tmp_path, svg(content, page)), "svg")

    return run


def test_square_of_10_mm(cut):
    assert cut(SQUARE) == CutEstimate(
        size_mm=(10.0, 10.0),
        cut_mm=pytest.approx(40.0),
        travel_mm=0.0,
        shape_count=1,
        unit_assumed="",
        layers={"": pytest.approx(40.0)},
        ignored={},
    )


@pytest.mark.parametrize(
    ("page", "edge_mm", "unit_assumed"),
    [
        (PAGE_MM, 10, ""),
        ('width="10cm" height="10cm" viewBox="0 0 100 100"', 10, ""),
        ('width="4in" height="4in" viewBox="0 0 4 4"', 254, ""),
        ('width="283.4645669pt" height="283.4645669pt" viewBox="0 0 100 100"', 10, ""),
        ('width="200mm" viewBox="0 0 100 100"', 20, ""),
        ('width="200mm" height="100mm" viewBox="0 0 100 100"', 10, ""),
        ('width="50mm" height="100mm" viewBox="0 0 100 100" preserveAspectRatio="xMidYMid slice"', 10, ""),
        ('width="100" height="100"', 10 * PX, "px_96dpi"),
        ('width="100px" height="100px" viewBox="0 0 50 50"', 20 * PX, "px_96dpi"),
        ('viewBox="0 0 100 100"', 10 * PX, "px_96dpi"),
        ('width="100%" height="100%" viewBox="0 0 100 100"', 10 * PX, "px_96dpi"),
        ("", 10 * PX, "px_96dpi"),
    ],
    ids=[
        "mm",
        "cm",
        "inches",
        "points",
        "width alone",
        "page wider than the view",
        "sliced",
        "px",
        "px with a view of half",
        "view box alone",
        "percent",
        "nothing",
    ],
)
def test_unit_of_the_page(cut, page, edge_mm, unit_assumed):
    estimate = cut(SQUARE, page)

    assert estimate.size_mm == pytest.approx((edge_mm, edge_mm))
    assert estimate.cut_mm == pytest.approx(4 * edge_mm)
    assert estimate.unit_assumed == unit_assumed


def test_shape_may_have_a_unit_of_its_own(cut):
    assert cut('<rect width="10mm" height="0.5in"/>', 'width="100mm"').size_mm == pytest.approx((10, 12.7))


def test_view_box_may_be_stretched(cut):
    page = 'width="200mm" height="100mm" viewBox="0 0 100 100" preserveAspectRatio="none"'

    assert cut(SQUARE, page).size_mm == pytest.approx((20, 10))


QUARTER = "M0 0 A10 10 0 0 1 10 10"


@pytest.mark.parametrize(
    ("content", "cut_mm"),
    [
        ('<circle r="10"/>', 20 * math.pi),
        ('<circle r="10%"/>', 20 * math.pi),
        ('<ellipse rx="20" ry="10"/>', 96.884),
        ('<ellipse rx="10"/>', 20 * math.pi),
        ('<rect width="20" height="10" rx="2"/>', 60 - 16 + 4 * math.pi),
        ('<rect width="20" height="10" rx="2" ry="auto"/>', 60 - 16 + 4 * math.pi),
        ('<line x1="1" y1="1" x2="4" y2="5"/>', 5),
        ('<polyline points="0,0 3,4 3 0"/>', 9),
        ('<polygon points="0,0 3,4 3 0"/>', 12),
        ('<path d="m0 0h3v4z"/>', 12),
        ('<path d="M0 0 C 0 0 10 0 10 0"/>', 10),
        ('<path d="M0 0 Q 5 0 10 0 T 20 0"/>', 20),
        (f'<path d="{QUARTER}"/>', 5 * math.pi),
        ('<path d="M0 0 A0 5 0 0 1 3 4"/>', 5),
        ('<path d="M0,0L3,4M10,0l3,4"/>', 10),
        ('<path d=""/>', 0),
        ('<rect width="0" height="5"/>', 0),
    ],
    ids=[
        "circle",
        "circle in percent",
        "ellipse",
        "ellipse with one radius",
        "round corners",
        "round corners, auto",
        "line",
        "polyline",
        "polygon",
        "closed path",
        "cubic",
        "quadratic and smooth",
        "arc",
        "arc without radius",
        "two sub-paths",
        "no data",
        "no width",
    ],
)
def test_length_of_each_shape(cut, content, cut_mm):
    # The square lends its 40 mm to those that come to nothing.
    assert cut(SQUARE + content).cut_mm == pytest.approx(40 + cut_mm, rel=3e-4)


@pytest.mark.parametrize(
    ("content", "cut_mm", "size_mm"),
    [
        (f'<g transform="scale(2)">{SQUARE}</g>', 80, (20, 20)),
        (f'<g transform="translate(50 50)"><g transform="rotate(45)">{SQUARE}</g></g>', 40, (200**0.5, 200**0.5)),
        (f'<g transform="scale(3 1)">{SQUARE}</g>', 80, (30, 10)),
        (f'<g transform="rotate(90) scale(3 1)">{SQUARE}</g>', 80, (10, 30)),
        (f'<g transform="scale(3 1) rotate(90)">{SQUARE}</g>', 80, (30, 10)),
        (f'<g transform="matrix(2,0,0,2,7,7)"><a><switch>{SQUARE}</switch></a></g>', 80, (20, 20)),
        (f'<g style="fill:none;transform:scale(2)">{SQUARE}</g>', 80, (20, 20)),
        ('<circle r="10" transform="scale(2 1)"/>', 96.884, (40, 20)),
        (f'<svg x="9" width="50" height="50" viewBox="0 0 100 100">{SQUARE}</svg>', 20, (5, 5)),
        (f'<defs><g id="s">{SQUARE}</g></defs><use href="#s" transform="scale(2)"/>', 80, (20, 20)),
        (f'<g id="s">{SQUARE}</g><use xlink:href="#s" x="20"/>', 80, (30, 10)),
        (f'<symbol id="s">{SQUARE}</symbol><use href="#s"/>', 40, (10, 10)),
        (
            f'<symbol id="s" viewBox="0 0 10 10">{SQUARE}</symbol><use href="#s" width="20" height="20"/>',
            80,
            (20, 20),
        ),
    ],
    ids=[
        "scaled group",
        "turned in a moved group",
        "stretched",
        "stretched, then turned",
        "turned, then stretched",
        "matrix",
        "style",
        "circle made an ellipse",
        "svg inside",
        "use of a definition",
        "use beside its original",
        "symbol counts once",
        "symbol with a view",
    ],
)
def test_transforms_and_copies(cut, content, cut_mm, size_mm):
    estimate = cut(content)

    assert estimate.cut_mm == pytest.approx(cut_mm, rel=3e-4)
    assert estimate.size_mm == pytest.approx(size_mm, rel=3e-4)


def test_travel_is_the_jumps_between_shapes_that_do_not_touch(cut):
    touching = '<path d="M0 0H10"/><path d="M10 0V10"/>'
    apart = '<path d="M40 50H50"/>'

    estimate = cut(touching + apart)

    assert (estimate.shape_count, estimate.travel_mm) == (2, pytest.approx(50))


def test_layers_are_those_of_inkscape_or_else_colours(cut):
    content = f"""
        <style>.st0, .st1 {{ stroke: #00F; }}</style>
        <g {INKSCAPE} inkscape:groupmode="layer" inkscape:label="Découpe"><line x2="1" stroke="red"/></g>
        <g stroke="red"><line x2="2"/><line x2="3" style="stroke:none"/></g>
        <line x2="4" class="other st0"/>
        <line x2="5"/>
    """

    assert cut(content).layers == pytest.approx({"Découpe": 1, "red": 2, "#00f": 4, "": 8})


def test_what_is_not_cut_is_said(cut):
    content = f"""{SQUARE}
        <text>Fab</text><image href="photo.png"/><g display="none">{SQUARE}</g><rect width="1" height="1"
        visibility="hidden"/><g clip-path="url(#c)"><line x2="5"/></g><defs>{SQUARE}</defs><marker>{SQUARE}</marker>
        <use href="file.svg#part"/><metadata/>
    """

    estimate = cut(content)

    assert estimate.cut_mm == pytest.approx(45)
    assert estimate.ignored == {"text": 1, "image": 1, "hidden": 2, "clip": 1, "other": 1}


def test_layers_without_end_are_put_together(cut):
    estimate = cut("".join(f'<line x2="1" stroke="#{number:06x}"/>' for number in range(150)))

    assert len(estimate.layers) == 101
    assert estimate.layers["…"] == pytest.approx(50)


@pytest.mark.parametrize(
    ("speeds", "minutes"),
    [
        ({"speed_mm_s": 20}, 1.05),
        ({"speed_mm_s": 20, "power_passes": 3}, 3.15),
        ({"speed_mm_s": 40, "travel_mm_s": 600}, 0.5 + 1 / 60),
    ],
    ids=["once", "three passes", "faster"],
)
def test_minutes_to_cut(speeds, minutes):
    drawing = CutEstimate((1, 1), cut_mm=1200, travel_mm=600, shape_count=2, unit_assumed="", layers={}, ignored={})

    assert cut_minutes(drawing, **speeds) == pytest.approx(minutes)


@pytest.mark.parametrize("speeds", [{"speed_mm_s": 0}, {"speed_mm_s": 9, "power_passes": 0}], ids=["speed", "passes"])
def test_no_minutes_without_speed(cut, speeds):
    with pytest.raises(ValueError, match="above zero"):
        cut_minutes(cut(SQUARE), **speeds)


# --- what strangers send ----------------------------------------------------------------------------------------


LAUGHS = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>'
OUTSIDE = '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
PARAMETER = '<!DOCTYPE svg [<!ENTITY % a SYSTEM "http://127.0.0.1:9/a.dtd"> %a;]>'
LONG = f'<!DOCTYPE svg [<!ENTITY a "{"a" * 300}">]>'
DOUBLING = "".join(f'<g id="d{n}"><use href="#d{n + 1}"/><use href="#d{n + 1}"/></g>' for n in range(20))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"rubbish", "damaged"),
        (b"<html/>", "unsupported"),
        (svg(""), "empty"),
        (svg("<text>only words</text>"), "empty"),
        (svg(SQUARE)[:-20], "damaged"),
        (LAUGHS.encode() + svg("<text>&c;</text>" + SQUARE), "damaged"),
        (OUTSIDE.encode() + svg("<text>&a;</text>" + SQUARE), "damaged"),
        (PARAMETER.encode() + svg(SQUARE), "damaged"),
        (LONG.encode() + svg(SQUARE), "damaged"),
        (svg('<g id="a"><use href="#a"/></g>'), "damaged"),
        (svg('<use id="a" href="#a"/>'), "damaged"),
        (svg('<symbol id="a"><use href="#b"/></symbol><g id="b"><use href="#a"/></g>'), "damaged"),
        (svg("<g>" * 100 + SQUARE + "</g>" * 100), "damaged"),
        (svg('<path d="M0 0 L nan nan"/>'), "damaged"),
        (svg('<path d="M0 0 L 1e400 0"/>'), "damaged"),
        (svg('<path d="M0 0 L 10"/>'), "damaged"),
        (svg('<path d="L 10 10"/>'), "damaged"),
        (svg('<path d="M0 0 A 1 1 0 0 1 1e300 0"/>'), "damaged"),
        (svg('<rect width="wide" height="1"/>'), "damaged"),
        (svg('<polygon points="0 0 1 one"/>'), "damaged"),
        (svg(SQUARE, 'viewBox="0 0 0 10"'), "damaged"),
        (svg(f'<g transform="scale(1e999)">{SQUARE}</g>'), "damaged"),
        (svg('<line x2="1e308"/><line x1="-1e308" x2="1e308"/>'), "damaged"),
    ],
    ids=[
        "no XML",
        "not an SVG",
        "nothing in it",
        "only text",
        "cut off",
        "billion laughs",
        "entity outside",
        "parameter entity",
        "long entity",
        "copy within itself",
        "copy of itself",
        "two that hold each other",
        "too deep",
        "not a number",
        "infinite",
        "half a point",
        "no move first",
        "arc to nowhere",
        "word for a width",
        "word for a point",
        "view without width",
        "endless scale",
        "beyond all numbers",
    ],
)
def test_svg_that_cannot_be_measured_is_refused(tmp_path, content, code):
    with pytest.raises(Unmeasurable) as refusal:
        estimate_cut(written(tmp_path, content), "svg")

    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("name", "most", "content"),
    [
        ("pen.MOST_ENTITIES", 1000, f'<defs>{DOUBLING}</defs><use href="#d0"/>'),
        ("pen.MOST_SEGMENTS", 3, SQUARE),
        ("svg_shapes.MOST_PATH_DATA_BYTES", 9, f'<path d="{QUARTER}"/>'),
    ],
    ids=["copies of copies", "segments", "path data"],
)
def test_too_much_is_refused(cut, monkeypatch, name, most, content):
    monkeypatch.setattr(f"printing.estimates.{name}", most)

    with pytest.raises(Unmeasurable, match="too_many_shapes"):
        cut(content)


def test_entities_as_illustrator_declares_them_are_read(tmp_path):
    content = svg(SQUARE, PAGE_MM + ' xmlns:i="&ns_ai;"')
    doctype = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY ns_ai "http://ns.adobe.com/AdobeIllustrator/10.0/">]>'

    assert estimate_cut(written(tmp_path, doctype + content), "svg").cut_mm == pytest.approx(40)


WHOLE = svg(
    f'<style>.a{{stroke:red}}</style><g id="s" transform="rotate(20) scale(2)">{SQUARE}</g><use href="#s" x="9"/>'
    f'<circle r="4" class="a"/><path d="{QUARTER} q1 1 2 2 c1 2 3 4 5 6 z"/><polygon points="1 2 3 4 5 7"/>'
)


@given(at=st.integers(0, len(WHOLE) - 1), other=st.text("<>&;#/\"'0123456789eE+-.,MLAZz nan", max_size=20))
def test_changed_text_is_measured_or_refused(tmp_path_factory, at, other):
    content = WHOLE[:at] + other.encode() + WHOLE[at + len(other) :]

    with suppress(Unmeasurable):
        estimate = estimate_cut(written(tmp_path_factory.getbasetemp(), content, "changed.svg"), "svg")

        assert math.isfinite(estimate.cut_mm)
        assert estimate.cut_mm > 0

"""Every code of an estimate has its words, and figures are told no finer than they are known."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from printing.estimate_words import (
    ASSUMPTIONS,
    DRAWING_REFUSALS,
    IGNORED,
    IMPLAUSIBLE,
    LAYERS_SHOWN,
    REFUSALS,
    grams_words,
    length_words,
    minutes_words,
    number_words,
    refusal_words,
    tell_cut,
    tell_mesh,
)
from printing.estimates import dxf
from printing.estimates import svg as svg_reader
from printing.estimates.cut import CutEstimate
from printing.estimates.limits import CODES
from printing.estimates.mesh import MeshEstimate, print_guess
from printing.forms_estimate import EstimateForm, kind_of

HOLED = MeshEstimate((20.0, 20.0, 5.0), 2.0, 12.0, False, 12, "mm")
CHOICES = {"infill_pct": "15", "layer_mm": "0.2", "material": "PLA", "speed_mm_s": "20", "passes": "1"}


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def make_cut(**fields):
    values = {
        "size_mm": (100.0, 50.0), "cut_mm": 300.0, "travel_mm": 0.0, "shape_count": 1, "unit_assumed": "",
        "layers": {"": 300.0}, "ignored": {},
    }  # fmt: skip
    return CutEstimate(**values | fields)


@pytest.mark.parametrize("is_drawing", [False, True], ids=["model", "drawing"])
@pytest.mark.parametrize("code", [*CODES, IMPLAUSIBLE])
def test_every_refusal_says_what_to_do(code, is_drawing):
    words = refusal_words(code, is_drawing=is_drawing)

    assert words.count(". ") == 1
    assert words.endswith(".")


def test_no_refusal_is_left_over():
    assert set(REFUSALS) == {*CODES, IMPLAUSIBLE}
    assert set(DRAWING_REFUSALS) <= set(REFUSALS)


def test_every_assumption_of_a_print_has_words():
    codes = print_guess(HOLED).assumption_codes

    assert set(codes) | {"unit_px_96dpi"} == set(ASSUMPTIONS)
    assert {str(ASSUMPTIONS[code]) for code in codes} <= set(tell_mesh(HOLED, print_guess(HOLED)).notes)


def test_everything_left_out_of_a_drawing_has_words():
    kinds = {*dxf.IGNORED_AS.values(), *svg_reader.IGNORED_AS.values(), "hidden", "clip", "other"}

    notes = tell_cut(make_cut(ignored=dict.fromkeys(kinds, 3)), 1.0).notes

    assert kinds == set(IGNORED)
    assert sum(note.startswith("3 ") for note in notes) == len(kinds)


@pytest.mark.parametrize("unit", ["mm", "px_96dpi"])
def test_unit_that_is_assumed_is_told(unit):
    notes = tell_cut(make_cut(unit_assumed=unit), 1.0).notes

    assert str(ASSUMPTIONS[f"unit_{unit}"]) in notes


def test_nothing_is_told_of_what_is_not_there():
    notes = tell_cut(make_cut(ignored={"text": 0}), 1.0).notes

    assert not any("text" in note or "assumed" in note for note in notes)


def test_one_text_is_one():
    notes = tell_cut(make_cut(ignored={"text": 1}), 1.0).notes

    assert "1 text is not counted: turn it into paths." in notes


def test_things_of_less_than_a_millimetre_are_of_another_unit():
    notes = tell_cut(make_cut(size_mm=(0.1, 0.05)), 1.0).notes

    assert any(note.startswith("It is smaller than a millimetre. ") for note in notes)


def test_holes_come_before_what_is_always_assumed():
    notes = tell_mesh(HOLED, print_guess(HOLED)).notes

    assert notes.index(str(ASSUMPTIONS["not_watertight"])) < notes.index(str(ASSUMPTIONS["no_supports"]))


def test_one_layer_is_not_told_apart():
    assert tell_cut(make_cut(), 1.0).layers == ()


def test_layers_are_told_longest_first_and_not_all():
    layers = {"": 1.0} | {f"L{number}": 10.0 + number for number in range(LAYERS_SHOWN + 2)}

    told = tell_cut(make_cut(layers=layers), 1.0)

    assert told.layers[0] == (f"L{LAYERS_SHOWN + 1}", "31 mm")
    assert (len(told.layers), told.more_layers) == (LAYERS_SHOWN, 3)


@pytest.mark.parametrize(
    ("words", "value", "said"),
    [
        pytest.param(minutes_words, 0.2, "less than a minute", id="seconds"),
        pytest.param(minutes_words, 44.6, "about 45 min", id="minutes"),
        pytest.param(minutes_words, 92, "about 1 h 30", id="hours to five minutes"),
        pytest.param(grams_words, 0.3, "less than 1 g", id="a crumb"),
        pytest.param(grams_words, 12.4, "about 12 g", id="grams"),
        pytest.param(length_words, 12.34, "12.3 mm", id="millimetres"),
        pytest.param(length_words, 2540, "2.54 m", id="metres"),
        pytest.param(number_words, 0.256, "0.26", id="small"),
        pytest.param(number_words, 20.0, "20", id="whole"),
        pytest.param(number_words, 0, "0", id="nothing"),
    ],
)
def test_figures_are_no_finer_than_known(words, value, said):
    assert words(value) == said


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param("cube.gcode", "This file is sliced already", id="G-code"),
        pytest.param("plate.gcode.3mf", "This file is sliced already", id="sliced 3MF"),
        pytest.param("part.step", "Files of this kind are not read here", id="STEP"),
        pytest.param("stl", "Files of this kind are not read here", id="no ending"),
    ],
)
def test_file_of_another_kind_is_not_opened(name, error):
    form = EstimateForm(CHOICES, {"file": SimpleUploadedFile(name, b"x")})

    assert form.errors["file"][0].startswith(error)


def test_file_above_what_the_server_takes_is_refused(settings):
    settings.UPLOAD_MAX_MB = 1
    form = EstimateForm(CHOICES, {"file": SimpleUploadedFile("a.stl", b"x" * (1024 * 1024 + 1))})

    assert form.errors["file"][0].startswith("The file is larger than 1 MB.")


@pytest.mark.parametrize("name", ["Cube.STL", "a.b.stl", "x/y.stl"])
def test_kind_is_the_last_ending(name):
    assert kind_of(name) == "stl"

"""A model or a drawing is measured before slicing, in words, and nothing of it stays."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import resolve, reverse
from django.utils.html import escape

from fablab.views import estimate as view
from printing.models import Printer, PrintFile, PrintJob
from tests.fablab.settings_pages import BACKEND, signed_in, words_of
from tests.factories import make_category, make_machine, make_person
from tests.printing.estimate_files import cube, obj, stl_ascii, stl_binary, svg, threemf

# Each measures in a process of its own.
pytestmark = [pytest.mark.django_db, pytest.mark.serial]
CHOICES = {"infill_pct": "15", "layer_mm": "0.2", "material": "PLA", "speed_mm_s": "20", "passes": "1"}
SQUARE = '<path d="M10 10h40v40h-40z" stroke="red"/><path d="M60 60h10" stroke="blue"/>'
DXF = b"0\nSECTION\n2\nENTITIES\n0\nLINE\n8\ncut\n10\n0\n20\n0\n11\n300\n21\n400\n0\nENDSEC\n0\nEOF\n"
BOMB = b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + svg("<text>&b;</text>")
FAR_AWAY = [[tuple(value * 1e30 for value in corner) for corner in face] for face in cube()]


@pytest.fixture(autouse=True)
def _lab(site):
    """Before there is a place, every page leads to the first steps."""


@pytest.fixture
def browser():
    return signed_in(make_person())


def send(browser, name, content, **choices):
    return browser.post(reverse("print-estimate"), CHOICES | choices | {"file": SimpleUploadedFile(name, content)})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("cube.STL", stl_binary(cube()), id="binary STL"),
        pytest.param("cube.stl", stl_ascii(cube()), id="written STL"),
        pytest.param("cube.obj", obj(), id="OBJ"),
        pytest.param("cube.3mf", threemf(), id="3MF"),
    ],
)
def test_model_is_told_in_grams_and_minutes(browser, name, content):
    answer = send(browser, name, content)

    words = words_of(answer)
    assert answer.status_code == 200
    assert name in words
    assert "About 18 min, about 4 g of filament" in words
    assert "size 20 × 20 × 20 mm" in words
    assert "volume 8 cm³" in words
    assert "No supports are counted." in words
    assert ("millimetres are assumed" in words) is (not name.endswith("3mf"))


def test_drawing_is_told_by_its_lines(browser):
    answer = send(browser, "box.svg", svg(SQUARE + "<text>Name</text>"), speed_mm_s="1", passes="2")

    words = words_of(answer)
    assert answer.status_code == 200
    assert "About 6 min for 170 mm of lines" in words
    assert "size 60 × 50 mm" in words
    assert "1 text is not counted: turn it into paths." in words
    assert "Length by layer or colour" in words


def test_drawing_without_a_unit_says_so(browser):
    words = words_of(send(browser, "plate.dxf", DXF))

    assert "Less than a minute for 500 mm of lines" in words
    assert "The file does not say its unit: millimetres are assumed." in words


def test_choices_change_the_answer_and_stay_chosen(browser):
    answer = send(
        browser, "cube.stl", stl_binary(cube(40)), infill_pct="40", material="ABS", layer_mm="0.3", passes="3"
    )

    html = answer.content.decode()
    assert '<option value="40" selected>40%</option>' in html
    assert '<option value="0.3" selected>0.3 mm</option>' in html
    assert '<option value="ABS" selected>ABS</option>' in html
    assert 'name="passes" value="3"' in html
    assert "About 1 h 35, about 33 g of filament" in words_of(answer)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("cube.stl", stl_binary(cube(), claimed=4_000_000_000), "Export it again", id="claims millions"),
        pytest.param("cube.3mf", b"PK\x03\x04 no zip", "This file cannot be read", id="no zip"),
        pytest.param("bomb.svg", BOMB, "Please look at this again", id="entities"),
        pytest.param("page.svg", b"<html><script>alert(1)</script></html>", "Export it again", id="a page"),
        pytest.param("text.svg", svg("<text>a</text>"), "Turn text into paths", id="text only"),
        pytest.param("far.stl", stl_ascii(FAR_AWAY), "It is larger than any machine.", id="light years"),
    ],
)
def test_file_that_cannot_be_measured_is_refused_beside_its_field(browser, name, content, said):
    answer = send(browser, name, content, passes="7")

    html = answer.content.decode()
    assert answer.status_code == 409
    assert said in words_of(answer)
    assert 'aria-invalid="true"' in html
    assert 'href="#id_file"' in html
    assert 'name="passes" value="7"' in html


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        pytest.param({"infill_pct": "99"}, "Infill", id="infill"),
        pytest.param({"speed_mm_s": "0"}, "Cutting speed", id="no speed"),
        pytest.param({"speed_mm_s": "nan"}, "Cutting speed", id="no number"),
        pytest.param({"passes": "0"}, "Passes", id="no pass"),
    ],
)
def test_choice_that_is_none_is_asked_again(browser, choices, said):
    answer = send(browser, "cube.stl", stl_binary(cube()), **choices)

    assert answer.status_code == 400
    assert said in words_of(answer)


def test_name_and_layers_are_only_words(browser):
    layer = '<g inkscape:groupmode="layer" inkscape:label="&lt;i&gt;x"><path d="M0 0h10"/></g><path d="M0 5h5"/>'
    drawing = svg(
        layer, 'width="9mm" height="9mm" viewBox="0 0 9 9" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"'
    )

    html = send(browser, "<b>.svg", drawing).content.decode()

    assert escape("<b>.svg") in html
    assert escape("<i>x") in html
    assert "<b>.svg" not in html
    assert "<i>x" not in html


def test_seventh_within_a_minute_waits_and_is_not_measured(browser, monkeypatch):
    monkeypatch.setattr(view, "MOST_A_MINUTE", 1)
    send(browser, "cube.stl", stl_binary(cube()))

    answer = send(browser, "cube.stl", stl_binary(cube()), passes="4")
    other = send(signed_in(make_person()), "cube.stl", stl_binary(cube()))

    assert answer.status_code == 429
    assert "Wait a minute" in words_of(answer)
    assert "about 4 g" not in words_of(answer)
    assert 'name="passes" value="4"' in answer.content.decode()
    assert other.status_code == 200


def test_third_at_the_same_time_is_asked_to_come_again(browser, monkeypatch):
    monkeypatch.setattr(view, "WAIT_S", 0)
    with view._turn(), view._turn():
        answer = send(browser, "cube.stl", stl_binary(cube()))
    after = send(browser, "cube.stl", stl_binary(cube()))

    assert answer.status_code == 503
    assert "Others are having files measured" in words_of(answer)
    assert after.status_code == 200


def test_large_file_is_read_where_it_came_and_nothing_stays(browser, settings, tmp_path):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)

    answer = send(browser, "cube.stl", stl_binary(cube()))

    assert answer.status_code == 200
    assert list(tmp_path.iterdir()) == []
    assert not PrintFile.objects.exists()
    assert not PrintJob.objects.exists()


def test_page_is_for_those_who_are_signed_in_and_is_no_print_job(browser):
    assert resolve("/prints/estimate/").view_name == "print-estimate"
    assert Client().post(reverse("print-estimate")).status_code == 302
    assert "How long would it take?" in words_of(browser.get(reverse("print-estimate")))


def test_page_that_sends_a_file_leads_here(browser, site):
    machine = make_machine(site=site, category=make_category(icon="printer-3d"))
    Printer.objects.create(machine=machine, base_url="http://192.168.1.20")

    html = browser.get(reverse("print-upload", args=[machine.slug])).content.decode()

    assert f'href="{reverse("print-estimate")}"' in html


def test_french_is_spoken_where_it_is_read():
    client = Client(headers={"accept-language": "fr"})
    client.force_login(make_person(language="fr"), backend=BACKEND)

    answer = send(client, "cube.stl", stl_binary(cube(21)))

    html = answer.content.decode()
    assert '<html lang="fr"' in html
    assert "9,3 cm³" in html
    assert "Les supports ne sont pas comptés." in html
    assert "9.3 " not in html

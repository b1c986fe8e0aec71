"""The path that the browser draws: for whom, as what, up to which size; and what the pages say where none is drawn."""

import io
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from fablab.lib.references import new_reference
from people.models import Role
from printing import preview
from printing.files import store_file, stored_path
from printing.models import FileKind, JobState, PrintFile, PrintJob
from tests.factories import NOW, make_machine, make_person, make_site, make_staff
from tests.printing.format_samples import BAMBU_HEAD, MOVES, good_3mf

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english", "printers_allowed")]
SAMPLES = Path(__file__).parent / "samples"
REAL = (SAMPLES / "cube20_small.gcode").read_bytes()
BINARY = (SAMPLES / "libbgcode_deflate.bgcode").read_bytes()
MANY_MOVES = b"".join(b"G1 X%d Y%d E1\n" % (n % 199, n % 211) for n in range(80_000))
TOO_LARGE = "More than %s MB of G-code are too much to draw in a browser. For the print this changes nothing."


@pytest.fixture
def machine():
    return make_machine()


@pytest.fixture
def owner():
    return make_person()


@pytest.fixture
def print_of(machine, owner):
    """A draft of this file."""

    def make(content=REAL, name="cube.gcode", **fields):
        file = store_file(stream=io.BytesIO(content), name=name, by=owner, now=NOW)
        PrintFile.objects.filter(pk=file.pk).update(**fields)
        file.refresh_from_db()
        return PrintJob.objects.create(
            machine=machine, file=file, person=owner, state=JobState.DRAFT, created_at=NOW, reference=new_reference()
        )

    return make


def browser(person):
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client


def fetch(person, job):
    return browser(person).get(reverse("print-path", args=[job.reference]))


def body(answer):
    return b"".join(answer.streaming_content)


def test_path_is_saved_and_never_shown(print_of, owner):
    answer = fetch(owner, print_of())

    assert answer.status_code == 200
    assert body(answer) == REAL
    assert {name: answer.headers[name] for name in ("Content-Disposition", "Content-Type", "Content-Length")} == {
        "Content-Disposition": 'attachment; filename="cube.gcode"',
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(REAL)),
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_path_is_for_those_who_may_read_the_file(print_of, owner, machine):
    job = print_of()
    people = {
        "owner": owner,
        "team": make_staff(site=machine.site, role=Role.FAB_MANAGER),
        "other": make_person(),
        "elsewhere": make_staff(site=make_site(), role=Role.FAB_MANAGER),
    }

    answers = {name: fetch(person, job) for name, person in people.items()}
    nobody = Client().get(reverse("print-path", args=[job.reference]))

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "owner": 200,
        "team": 200,
        "other": 404,
        "elsewhere": 404,
    }
    assert nobody.status_code == 302
    for name in ("owner", "team"):
        answers[name].close()


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_path_is_only_read(print_of, owner, method):
    assert getattr(browser(owner), method)(reverse("print-path", args=[print_of().reference])).status_code == 405


def test_plate_of_an_archive_is_unpacked(print_of, owner):
    answer = fetch(owner, print_of(good_3mf(), "plate.gcode.3mf"))

    assert answer.status_code == 200
    assert body(answer) == BAMBU_HEAD + MOVES
    assert answer.headers["Content-Disposition"] == 'attachment; filename="plate.gcode"'


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(MANY_MOVES, "cube.gcode", id="text"),
        pytest.param(good_3mf(BAMBU_HEAD + MANY_MOVES), "plate.gcode.3mf", id="packed"),
    ],
)
def test_too_much_is_a_sentence(print_of, owner, monkeypatch, content, name):
    job = print_of(content, name)
    monkeypatch.setattr(preview, "MOST_PATH_BYTES", preview.MEGABYTE)

    answer = fetch(owner, job)

    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.content.decode() == TOO_LARGE % 1


def test_damaged_archive_is_a_sentence(print_of, owner):
    job = print_of(good_3mf(), "plate.gcode.3mf")
    stored_path(job.file).write_bytes(good_3mf()[:-30])

    answer = fetch(owner, job)

    assert answer.status_code == 409
    assert answer.content.decode() == "The archive is damaged: its path cannot be drawn."


def test_file_that_is_gone_is_not_found(print_of, owner):
    job = print_of()
    stored_path(job.file).unlink()

    assert fetch(owner, job).status_code == 404


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param(
            FileKind.BGCODE,
            "The path of a binary file (.bgcode) is not drawn here. Saved as .gcode by the slicer, it is.",
            id="binary",
        ),
        pytest.param(FileKind.DRAWING, "A drawing has no path of a 3D printer.", id="drawing"),
    ],
)
def test_kind_that_is_not_drawn_is_a_sentence(print_of, owner, kind, words):
    answer = fetch(owner, print_of(kind=kind))

    assert (answer.status_code, answer.content.decode()) == (415, words)


def page(person, job):
    answer = browser(person).get(job.get_absolute_url())
    assert answer.status_code == 200
    return answer.content.decode()


def test_page_offers_the_path_and_asks_for_nothing_heavy(print_of, owner):
    job = print_of()

    text = page(owner, job)

    assert f'data-source="{reverse("print-path", args=[job.reference])}"' in text
    assert "<noscript>" in text
    assert '<script src="/static/preview.js" defer></script>' in text
    assert '<script src="/static/vendor/gcode-preview' not in text
    assert Path(str(finders.find("preview.js"))).stat().st_size < 10_000


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"kind": FileKind.BGCODE}, "The path of a binary file (.bgcode) is not drawn here.", id="binary"),
        pytest.param({"size_bytes": preview.MOST_PATH_BYTES + 1}, TOO_LARGE % 20, id="large"),
    ],
)
def test_page_says_why_no_path_is_drawn_and_what_is_known(print_of, owner, fields, words):
    text = page(owner, print_of(layers=98, **fields))

    assert escape(words) in text
    assert "98 layers, as the slicer counts." in text
    assert "preview.js" not in text


def test_page_of_a_drawing_offers_no_path(print_of, owner):
    text = page(owner, print_of(kind=FileKind.DRAWING))

    assert "See the path" not in text


def test_estimate_page_offers_the_model_when_one_is_chosen(owner, machine):
    text = browser(owner).get(reverse("print-estimate")).content.decode()

    assert 'data-field="id_file"' in text
    assert f'data-most-bytes="{preview.MOST_MODEL_BYTES}"' in text
    assert '<script src="/static/vendor/gcode-preview' not in text

"""At which layer a print is: told by the printer, else reckoned from the marks that slicers leave in the file."""

import io
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from printing.backends import PrinterConnection, PrinterStatus
from printing.file_removal import give_up_content
from printing.layers import layer_of
from printing.models import FileLayers, PrintFile, PrintJob
from printing.scan import layers
from printing.scan.layers import layer_starts
from printing.teams import choose_team, print_for_team
from tests.factories import make_person, make_team
from tests.printing.builders import GCODE, fresh

SAMPLES = Path(__file__).parent / "samples"
MARKS = {
    "PrusaSlicer": b";LAYER_CHANGE",
    "Bambu Studio": b"; CHANGE_LAYER",
    "Cura": b";LAYER:12",
    "raft": b";LAYER:-3",
    "Simplify3D": b"; layer 3, Z = 0.6",
}
NO_MARKS = {
    "before a layer": b";BEFORE_LAYER_CHANGE",
    "after a layer": b";AFTER_LAYER_CHANGE",
    "count of layers": b";LAYER_COUNT:90",
    "setting": b"; layer_height = 0.2",
    "behind a command": b"G1 X1 ;LAYER_CHANGE",
    "inside a setting": b"; before = ;LAYER_CHANGE\\nG92",
}
START = b"G28\nM104 S200\nG1 X1 F600\n"


def starts_in(text: bytes) -> list[int]:
    return layer_starts(io.BytesIO(text))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_layers_begin_at_the_marks_of_each_slicer(mark, line_end):
    layer = mark + line_end + b"G1 X1 E1" + line_end

    assert starts_in(START + layer + layer) == [len(START), len(START + layer)]


@pytest.mark.parametrize("line", NO_MARKS.values(), ids=NO_MARKS)
def test_other_lines_begin_no_layer(line):
    assert starts_in(START + line + b"\nG1 X1\n") == []


def test_mark_in_the_first_line_counts():
    assert starts_in(b";LAYER:0\nG1 X1\n") == [0]


def test_sliced_cube_has_its_layers():
    content = (SAMPLES / "cube20_small.gcode").read_bytes()

    starts = starts_in(content)

    assert len(starts) == content.count(b"\n;LAYER_CHANGE\n") > 10
    assert all(content[start:].startswith(b";LAYER_CHANGE") for start in starts)


@given(st.lists(st.sampled_from([*MARKS.values(), *NO_MARKS.values(), b"G1 X1 E1", b""])), st.integers(1, 40))
def test_where_the_blocks_end_does_not_matter(lines, block_bytes):
    text, expected, place = b"\n".join([*lines, b""]), [], 0
    for line in lines:
        if line in MARKS.values():
            expected.append(place)
        place += len(line) + 1

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layers, "BLOCK_BYTES", block_bytes)
        assert starts_in(text) == expected


def test_file_of_nothing_but_marks_has_no_layers():
    assert starts_in(b";LAYER:1\n" * (layers.MOST_LAYERS + 1)) == []


LAYERED = START + b";LAYER_CHANGE\nG4 S20\n" * 4
PLACES = {
    "heating": (5, None),
    "first": (len(START), 1),
    "in the first": (len(START) + 20, 1),
    "second": (len(START) + 21, 2),
    "end": (len(LAYERED), 4),
}


@pytest.fixture
def job(lab):
    return lab.queue(LAYERED)


def at(position, **told):
    return PrinterStatus(PrinterConnection.PRINTING, file_position_bytes=position, **told)


@pytest.mark.django_db
@pytest.mark.parametrize(("position", "layer"), PLACES.values(), ids=PLACES)
def test_layer_follows_how_far_the_file_was_read(job, position, layer):
    assert layer_of(job, at(position)) == (layer, 4)


@pytest.mark.django_db
def test_printer_that_tells_its_layer_is_believed(job):
    assert layer_of(job, at(5, layer=3, layers=9)) == (3, 9)


@pytest.mark.django_db
def test_nothing_is_guessed_where_nobody_tells(lab, job):
    unmarked = lab.queue(GCODE)

    assert layer_of(job, at(None)) == (None, None)
    assert layer_of(unmarked, at(20)) == (None, None)


@pytest.mark.django_db
def test_print_on_octoprint_shows_its_layer(lab, in_english):
    job = lab.printing(LAYERED)
    lab.remote.pass_time(50)
    lab.tick()

    seen = fresh(job)
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(lab.person)
    page = " ".join(browser.get(job.get_absolute_url()).content.decode().split())

    assert (seen.layer, seen.layers) == (3, 4)
    assert "layer 3 of 4" in page


@pytest.mark.django_db
def test_copy_for_somebody_of_the_team_has_the_same_layers(lab, job):
    friend = make_person()
    team = make_team(site=lab.machine.site, members=[lab.person, friend])
    choose_team(job=job, team=team, by=lab.person)

    made = print_for_team(file=job.file, team=team, machine=lab.machine, by=friend, now=lab.now)

    assert made.file_id != job.file_id
    assert layer_of(made, at(PLACES["second"][0])) == (2, 4)


@pytest.mark.django_db
def test_places_go_with_the_content(job):
    PrintJob.objects.all().delete()

    give_up_content(PrintFile.objects.filter(pk=job.file_id))

    assert not FileLayers.objects.exists()

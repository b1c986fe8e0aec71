"""Drawings for the laser: measured, kept, run by hand; never shown in a browser."""

import datetime as dt
import io

import pytest
from django.test import Client
from django.urls import reverse

from printing.errors import PrintRefused
from printing.files import store_file, stored_path
from printing.models import BackendKind, FileKind, JobState, Printer
from printing.policy import endings_taken
from printing.queue import run_by_hand
from printing.submitting import queue_job
from tests.factories import make_person

pytestmark = pytest.mark.django_db
SQUARE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="100mm" viewBox="0 0 100 100">'
    b'<rect x="10" y="10" width="50" height="50" fill="none" stroke="red"/><script>alert(1)</script></svg>'
)


@pytest.fixture
def laser(lab):
    Printer.objects.update(kind=BackendKind.BY_HAND, cut_speed_mm_s=10)
    lab.printer.refresh_from_db()
    return lab


def drawn_to(far_mm):
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="100mm" viewBox="0 0 100 100">'
        b'<path d="M0 0 L%s 0" fill="none" stroke="red"/></svg>' % far_mm
    )


def kept(lab, content=SQUARE, name="Boîte à clés.svg"):
    return store_file(stream=io.BytesIO(content), name=name, by=lab.person, now=lab.now, printer=lab.printer)


def test_drawing_is_measured_and_its_time_told_at_the_machine_s_speed(laser):
    file = kept(laser)

    assert (file.kind, file.name, round(file.cut_mm)) == (FileKind.DRAWING, "Boite_a_cles.svg", 200)
    assert file.estimated is not None
    assert dt.timedelta(seconds=19) < file.estimated < dt.timedelta(seconds=22)


def test_drawing_is_queued_and_run_by_hand(laser):
    job = queue_job(file=kept(laser), machine=laser.machine, person=laser.person, by=laser.person, now=laser.now)

    running = run_by_hand(job=job, by=laser.person, now=laser.now)

    assert running.state == JobState.PRINTING


@pytest.mark.parametrize("content", [b"", b"<svg", b"GIF89a"], ids=["empty", "cut off", "a picture"])
def test_what_is_no_drawing_is_refused_and_not_kept(laser, content):
    with pytest.raises(PrintRefused):
        kept(laser, content)


@pytest.mark.parametrize(
    ("far_mm", "speed_mm_s"), [(b"1e17", 10), (b"200000", 10), (b"90000", 0.001)], ids=["absurd", "far", "a year long"]
)
def test_drawing_larger_or_slower_than_any_machine_is_refused_as_unreadable(laser, far_mm, speed_mm_s):
    laser.printer.cut_speed_mm_s = speed_mm_s

    with pytest.raises(PrintRefused) as refused:
        kept(laser, drawn_to(far_mm))

    assert [denial.code for denial in refused.value.denials] == ["drawing_unreadable"]


@pytest.mark.parametrize(
    ("settings", "endings"),
    [
        ({}, ".gcode .gco .g"),
        ({"kind": BackendKind.PRUSALINK}, ".gcode .gco .g .bgcode"),
        ({"kind": BackendKind.BY_HAND, "cut_speed_mm_s": 10}, ".gcode .gco .g .svg .dxf"),
        ({"kind": BackendKind.BY_HAND, "nozzle_mm": 0.4}, ".gcode .gco .g .bgcode .gcode.3mf"),
        ({"kind": BackendKind.BY_HAND}, ".gcode .gco .g .bgcode .gcode.3mf .svg .dxf"),
    ],
    ids=["OctoPrint", "PrusaLink", "a laser", "a Bambu, by hand", "nobody said what it is"],
)
def test_machine_names_the_files_that_it_takes(settings, endings):
    assert endings_taken(Printer(**settings)) == endings.split()


def test_drawing_is_no_file_for_a_printer(lab):
    with pytest.raises(PrintRefused):
        kept(lab)


def test_file_is_saved_by_those_who_see_the_job_and_never_shown(laser):
    job = queue_job(file=kept(laser), machine=laser.machine, person=laser.person, by=laser.person, now=laser.now)
    url = reverse("print-file", args=[job.reference])
    own, stranger = Client(), Client()
    own.force_login(laser.person)
    stranger.force_login(make_person())

    answer = own.get(url)

    assert b"".join(answer.streaming_content) == SQUARE == stored_path(job.file).read_bytes()
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert stranger.get(url).status_code == 404

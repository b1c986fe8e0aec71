"""Slicers take us for an OctoPrint: what PrusaSlicer, Orca and Cura send, with a key and without."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from people.models import ApiToken
from people.models.token import Scope
from printing.models import JobState, Printer, PrintFile, PrintJob
from printing.times import offered_starts
from reservations.models import Reservation
from tests.factories import make_machine, make_person, minutes
from tests.printing.builders import GCODE, make_printer

SAMPLES = Path(__file__).parent / "samples"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def now_lab(lab):
    lab.now = timezone.now()
    Reservation.objects.update(start=lab.now - minutes(30), end=lab.now + minutes(90))
    return lab


def key_of(person, *scopes):
    _row, key = ApiToken.objects.create(user=person, name="slicer", scopes=list(scopes or (Scope.READ, Scope.PRINT)))
    return key


def ask(url, key=""):
    return Client(headers={"x-api-key": key} if key else {}).get(url)


def send(machine, key, content=GCODE, *, name="cube.gcode", **fields):
    # As PrusaSlicer: the fields "print" and "path" beside the file.
    url = reverse("slicer-receive", args=[machine.slug]) if machine else reverse("slicer-receive-any")
    data = {"print": "false", "path": "", "file": SimpleUploadedFile(name, content)} | fields
    return Client(headers={"x-api-key": key} if key else {}, enforce_csrf_checks=True).post(url, data)


def test_test_button_of_a_slicer_finds_an_octoprint(now_lab):
    answer = ask(reverse("slicer-version", args=[now_lab.machine.slug]), key_of(now_lab.person))

    assert answer.status_code == 200
    assert set(answer.json()) == {"api", "server", "text"}
    assert answer.json()["text"].startswith("OctoPrint")


@pytest.mark.parametrize(
    ("key", "status"),
    [("", 401), ("wrong", 403), ("é", 403), ("x" * 5000, 403)],
    ids=["none", "wrong", "no ASCII", "long"],
)
def test_without_a_good_key_nothing_is_told_and_nothing_kept(now_lab, key, status):
    asked = ask(reverse("slicer-version", args=[now_lab.machine.slug]), key)
    sent = send(now_lab.machine, key)

    assert (asked.status_code, sent.status_code) == (status, status)
    assert not PrintFile.objects.exists()


def test_key_that_may_only_read_sends_nothing(now_lab):
    answer = send(now_lab.machine, key_of(now_lab.person, Scope.READ))

    assert answer.status_code == 403
    assert not PrintFile.objects.exists()


def test_sent_file_is_a_draft_of_its_person_at_that_printer(now_lab):
    answer = send(now_lab.machine, key_of(now_lab.person))

    job = PrintJob.objects.get()
    assert answer.status_code == 201
    assert answer.json()["job"].endswith(job.get_absolute_url())
    assert (job.person, job.machine, job.state) == (now_lab.person, now_lab.machine, JobState.DRAFT)


def test_what_prusaslicer_sliced_opens_as_a_draft_with_three_starts_that_fit(now_lab):
    person, sliced = make_person(), (SAMPLES / "prusaslicer25.gcode").read_bytes()

    answer = send(now_lab.machine, key_of(person), sliced, name="cube20.gcode")

    job = PrintJob.objects.get()
    browser = Client()
    browser.force_login(person)
    page = browser.get(answer.json()["job"]).content.decode()
    assert (answer.status_code, job.state, job.file.slicer) == (201, JobState.DRAFT, "PrusaSlicer 2.5.0")
    assert job.file.estimated is not None
    assert len(offered_starts(job, timezone.now())) == page.count('name="start"') == 3


def test_print_at_once_means_handing_in_and_never_starting(now_lab):
    answer = send(now_lab.machine, key_of(now_lab.person), print="true")

    job = PrintJob.objects.get()
    assert (answer.status_code, job.state) == (201, JobState.QUEUED)
    assert answer.json()["effectivePrint"] is False
    assert now_lab.remote.starts == []


def test_print_at_once_without_a_time_stays_a_draft(now_lab):
    answer = send(now_lab.machine, key_of(make_person()), print="true")

    assert (answer.status_code, PrintJob.objects.get().state) == (201, JobState.DRAFT)


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"solid cube\n", "cube.gcode", 409, "not_gcode"),
        (b"G1 X1\nM112\n", "cube.gcode", 409, "forbidden_command"),
        (b"", "cube.gcode", 409, "empty_file"),
    ],
    ids=["STL", "emergency stop", "empty"],
)
def test_refused_file_is_told_in_a_sentence_that_slicers_show(now_lab, content, name, status, code):
    answer = send(now_lab.machine, key_of(now_lab.person), content, name=name)

    assert (answer.status_code, answer.json()["codes"]) == (status, [code])
    assert answer.json()["error"].endswith(".")
    assert not PrintFile.objects.exists()


def test_without_a_name_it_goes_where_its_person_has_their_time(now_lab):
    other = make_machine(site=now_lab.machine.site)
    make_printer(other, now_lab.server.url, now_lab.server.api_key)

    send(None, key_of(now_lab.person))

    assert PrintJob.objects.get().machine == now_lab.machine


def test_machine_without_a_printer_is_not_found(now_lab):
    Printer.objects.update(is_enabled=False)

    assert send(now_lab.machine, key_of(now_lab.person)).status_code == 404


def test_form_without_a_file_is_refused(now_lab):
    url = reverse("slicer-receive", args=[now_lab.machine.slug])

    answer = Client(headers={"x-api-key": key_of(now_lab.person)}).post(url, {"print": "true"})

    assert answer.status_code == 400

"""Print jobs over the API: the same services, the same refusals, in codes and sentences."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from printing.models import JobState, PrintCommand, PrintFile, PrintJob
from reservations.models import Reservation
from tests.factories import make_person, minutes
from tests.printing.builders import GCODE, fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def now_lab(lab):
    """The lab at the present moment, for the API looks at the clock."""
    lab.now = timezone.now()
    Reservation.objects.update(start=lab.now - minutes(30), end=lab.now + minutes(90))
    return lab


def program(person):
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client


def send(lab, person, content=GCODE):
    body = {"machine": lab.machine.slug, "file": SimpleUploadedFile("../a b.gcode", content)}
    return program(person).post(reverse("api-print-jobs"), body)


def test_sent_file_becomes_a_job(now_lab):
    answer = send(now_lab, now_lab.person)

    job = PrintJob.objects.get()
    assert answer.status_code == 201
    assert answer.json() | {"created_at": None} == {
        "reference": job.reference,
        "machine": now_lab.machine.slug,
        "file": "a_b.gcode",
        "reservation": now_lab.reservation.reference,
        "state": "queued",
        "progress_pct": 0.0,
        "time_left_s": None,
        "time_left_origin": "",
        "layer": None,
        "layers": None,
        "estimated_s": None,
        "filament_g": None,
        "error_code": "",
        "error": "",
        "created_at": None,
        "started_at": None,
        "ended_at": None,
    }


@pytest.mark.parametrize(
    ("content", "is_holder", "codes"),
    [
        (b"solid cube\n", True, ["not_gcode"]),
        (b"G1 X1\nM112\nM500\n", True, ["forbidden_command", "forbidden_command"]),
        (GCODE, False, ["no_reservation"]),
    ],
    ids=["not G-code", "two forbidden commands", "no reservation"],
)
def test_refusal_has_every_code_and_keeps_nothing(now_lab, content, is_holder, codes):
    answer = send(now_lab, now_lab.person if is_holder else make_person(), content)

    assert answer.status_code == 409
    assert [denial["code"] for denial in answer.json()["denials"]] == codes
    assert all(denial["message"] and denial["next_step"] for denial in answer.json()["denials"])
    assert not PrintFile.objects.exists()


def test_failed_job_tells_code_and_sentence(now_lab):
    job = now_lab.queue()
    PrintJob.objects.update(state=JobState.FAILED, error_code="file_missing")

    found = program(now_lab.person).get(reverse("api-print-job", args=[job.reference])).json()

    assert (found["state"], found["error_code"]) == ("failed", "file_missing")
    assert found["error"] == "The file is no longer on the server. Please upload it again."


def test_action_is_written_down_for_the_worker(now_lab):
    job = now_lab.queue()
    PrintJob.objects.update(state=JobState.PRINTING)
    path = reverse("api-print-job-action", args=[job.reference, "pause"])

    answers = [program(now_lab.person).post(path).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert [(row.kind, row.asked_by) for row in PrintCommand.objects.all()] == [("pause", now_lab.person)]
    assert now_lab.server.requests == []


def test_action_that_comes_too_late_is_a_conflict(now_lab):
    job = now_lab.queue()
    PrintJob.objects.update(state=JobState.FINISHED)

    answer = program(now_lab.person).post(reverse("api-print-job-action", args=[job.reference, "cancel"]))

    assert answer.status_code == 409
    assert [denial["code"] for denial in answer.json()["denials"]] == ["wrong_state"]
    assert fresh(job).state == JobState.FINISHED


def test_job_of_another_is_not_found(now_lab):
    job = now_lab.queue()
    other = program(make_person())

    assert other.get(reverse("api-print-job", args=[job.reference])).status_code == 404
    assert other.post(reverse("api-print-job-action", args=[job.reference, "cancel"])).status_code == 404
    assert job.reference not in other.get(reverse("api-print-jobs")).content.decode()
    assert fresh(job).state == JobState.QUEUED

"""Time left, and what it was reckoned from: on the print's page, in the farm, at the machine and in the API."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from fablab.machine_status import machine_statuses
from people.models import Role
from printing.models import PrintJob
from reservations.models import Reservation
from tests.factories import make_staff, minutes

pytestmark = pytest.mark.django_db
WORDS = {
    "printer": ("by the printer itself"),
    "slicer": ("by the slicer’s estimate"),
    "analysis": ("by the commands in the file"),
    "earlier": ("by earlier prints of this file"),
    "file": ("a guess from how much of the file is done"),
}


@pytest.fixture
def job(lab):
    """One that prints at the present moment."""
    lab.now = timezone.now()
    Reservation.objects.update(start=lab.now - minutes(30), end=lab.now + minutes(90))
    made = lab.printing()
    PrintJob.objects.update(time_left=minutes(12))
    return made


def pages_of(lab):
    """What the print's person and the team read of it."""
    boss = make_staff(site=lab.machine.site, role=Role.FAB_MANAGER)
    job = PrintJob.objects.get()
    places = {
        "print": (lab.person, job.get_absolute_url()),
        "machine": (lab.person, reverse("machine-prints", args=[lab.machine.slug])),
        "farm": (boss, reverse("manage-prints")),
    }
    found = {}
    for name, (person, url) in places.items():
        browser = Client(headers={"accept-language": "en"})
        browser.force_login(person)
        found[name] = browser.get(url).content.decode()
    return found


@pytest.mark.parametrize(("origin", "words"), WORDS.items(), ids=WORDS)
def test_time_left_says_what_it_was_reckoned_from(lab, job, origin, words, in_english):
    PrintJob.objects.update(time_left_origin=origin)

    (status,) = machine_statuses([lab.machine], lab.now)

    assert status.detail.endswith(f"({words})")
    assert {name: f"({words})" in page for name, page in pages_of(lab).items()} == dict.fromkeys(
        ("print", "machine", "farm"), True
    )


@pytest.mark.parametrize("origin", ["", "oracle"], ids=["nobody says", "a word of another day"])
def test_time_left_of_unknown_origin_stands_alone(lab, job, origin, in_english):
    PrintJob.objects.update(time_left_origin=origin)

    (status,) = machine_statuses([lab.machine], lab.now)

    assert status.detail.startswith("Done at")
    assert "(" not in status.detail
    assert all("12 min left" in page for page in pages_of(lab).values())


def test_api_tells_the_origin_with_the_time(lab, job):
    PrintJob.objects.update(time_left_origin="slicer")
    program = Client()
    program.force_login(lab.person)
    url = reverse("api-print-job", args=[job.reference])

    told = program.get(url).json()
    PrintJob.objects.update(time_left=None)
    silent = program.get(url).json()

    assert (told["time_left_s"], told["time_left_origin"]) == (720, "slicer")
    assert (silent["time_left_s"], silent["time_left_origin"]) == (None, "")


def test_origins_have_words_in_every_language(lab, job):
    for origin, words in WORDS.items():
        with translation.override("en"):
            assert PrintJob(time_left_origin=origin).time_left_by == words

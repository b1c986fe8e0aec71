"""What people read on the pages of their prints, and what the pages refuse."""

import datetime as dt
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from PIL import Image

from fablab.lib.references import new_reference
from people.models import Role
from printing.errors import WrongJobState
from printing.files import thumbnail_path
from printing.messages import FAILURES, failure_words
from printing.models import JobState, Printer, PrintFile, PrintJob, PrintJobEvent
from printing.rules import Code
from printing.submitting import KEPT_MOST_BYTES
from reservations.models import Reservation, Status
from tests.factories import make_machine, make_person, make_staff, minutes
from tests.printing.builders import GCODE, fresh, long_ago, make_printer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]
AT_THE_END = {
    JobState.FINISHED: [""],
    JobState.FAILED: [
        "file_missing",
        "printer_rejected",
        "printer_conflict",
        "printer_error",
        "connection_lost",
        "too_many_tries",
        "said_by_person",
    ],
    JobState.CANCELLED: ["", "stopped_at_printer", "said_by_person"],
    JobState.LOST: ["lost"],
    JobState.WITHDRAWN: [""],
}
ENDS = [(state, code) for state, codes in AT_THE_END.items() for code in codes]


@pytest.fixture
def now_lab(lab):
    """The lab at the present moment, for pages look at the clock."""
    lab.now = timezone.now()
    Reservation.objects.update(start=lab.now - minutes(30), end=lab.now + minutes(90))
    lab.reservation.refresh_from_db()
    return lab


def browser(person):
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client


def page(person, job):
    answer = browser(person).get(job.get_absolute_url())
    assert answer.status_code == 200
    return answer


def set_state(job, **fields):
    PrintJob.objects.filter(pk=job.pk).update(**fields)
    return fresh(job)


def send(lab, person, content=GCODE, name="cube.gcode", machine=None):
    file = SimpleUploadedFile(name, content)
    return browser(person).post(reverse("print-upload", args=[(machine or lab.machine).slug]), {"file": file})


@pytest.mark.parametrize(("state", "code"), ENDS, ids=[f"{state} {code or 'plain'}" for state, code in ENDS])
def test_end_is_said_in_words(now_lab, state, code):
    job = set_state(now_lab.queue(), state=state, error_code=code)

    text = page(now_lab.person, job).content.decode()

    assert escape(str(state.label)) in text
    assert escape(failure_words(code)) in text
    assert code not in FAILURES or "The print failed." not in text


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_its_page_and_its_word(now_lab, state):
    job = set_state(now_lab.queue(), state=state)

    answer = page(now_lab.person, job)

    assert escape(str(state.label)) in answer.content.decode()
    assert answer.context["may_pause"] is (state == JobState.PRINTING)
    assert answer.context["may_resume"] is (state == JobState.PAUSED)


WAITS = {
    Code.NOT_CHECKED_IN: lambda lab: Reservation.objects.update(status=Status.CONFIRMED),
    Code.NO_RESERVATION: lambda lab: Reservation.objects.update(status=Status.CANCELLED, cancelled_at=lab.now),
    Code.BED_NOT_CLEAR: lambda lab: Printer.objects.update(is_bed_clear=False),
    Code.RESERVATION_TOO_SHORT: lambda lab: PrintFile.objects.update(estimated=dt.timedelta(days=9)),
    Code.PRINTER_AWAY: lambda lab: Printer.objects.update(unreachable_since=lab.now, connection=""),
    Code.PRINTER_BUSY: lambda lab: Printer.objects.update(connection="printing"),
    Code.PRINTER_IN_ERROR: lambda lab: Printer.objects.update(connection="error"),
}


@pytest.mark.parametrize("code", WAITS)
def test_waiting_job_says_what_it_waits_for(now_lab, code):
    job = now_lab.queue()
    Printer.objects.update(connection="operational")
    WAITS[code](now_lab)

    answer = page(now_lab.person, job)

    assert [sentence.code for sentence in answer.context["waits_for"]] == [code]
    (sentence,) = answer.context["waits_for"]
    assert escape(sentence.message) in answer.content.decode()
    assert escape(sentence.next_step) in answer.content.decode()


def test_printing_job_says_since_when_the_printer_is_silent(now_lab):
    job = set_state(now_lab.queue(), state=JobState.PRINTING)
    Printer.objects.update(unreachable_since=now_lab.now, error_code="printer_unreachable")

    text = page(now_lab.person, job).content.decode()

    assert "The printer has not answered since" in text
    assert "The print may well be going on." in text


def test_printing_job_knows_that_something_else_answers(now_lab):
    job = set_state(now_lab.queue(), state=JobState.PRINTING)
    Printer.objects.update(error_code="printer_protocol")

    assert page(now_lab.person, job).context["printer_trouble"] == failure_words("printer_protocol")


def test_lost_job_asks_how_it_ended_and_takes_the_answer(now_lab):
    job = set_state(now_lab.queue(), state=JobState.LOST, error_code="lost")
    client = browser(now_lab.person)

    text = client.get(job.get_absolute_url()).content.decode()
    client.post(reverse("print-job-action", args=[job.reference, "finished"]))

    assert "How did it end?" in text
    assert fresh(job).state == JobState.FINISHED


def test_htmx_gets_the_live_part_only(now_lab):
    job = now_lab.queue()

    text = browser(now_lab.person).get(job.get_absolute_url(), headers={"hx-request": "true"}).content.decode()

    assert text.strip().startswith('<div id="live"')
    assert "<html" not in text


def test_sent_file_is_queued(now_lab):
    answer = send(now_lab, now_lab.person, name="../pièce.gcode")

    job = PrintJob.objects.get()
    assert answer.headers["Location"] == job.get_absolute_url()
    assert (job.state, job.file.name, job.person) == (JobState.QUEUED, "piece.gcode", now_lab.person)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"solid cube\n", Code.NOT_GCODE), (b"G1 X1\nM112\n", Code.FORBIDDEN_COMMAND), (None, Code.TOO_LARGE)],
    ids=["not G-code", "emergency stop", "too large"],
)
def test_refused_file_says_why_and_is_not_kept(now_lab, settings, content, code):
    settings.UPLOAD_MAX_MB = 1
    answer = send(now_lab, now_lab.person, content or GCODE + b"G1 X1\n" * 200_000)

    (sentence,) = answer.context["denials"]
    assert (answer.status_code, sentence.code) == (409, code)
    assert escape(sentence.message) in answer.content.decode()
    assert not PrintFile.objects.exists()


def test_file_without_a_reservation_becomes_a_draft_with_times_that_fit(now_lab):
    answer = send(now_lab, make_person())

    job = PrintJob.objects.get()
    text = browser(job.person).get(answer.url).content.decode()
    assert job.state == JobState.DRAFT
    assert "When shall it be printed?" in text


def test_form_sent_again_after_a_broken_line_prints_once(now_lab):
    where = reverse("print-upload", args=[now_lab.machine.slug])
    web = browser(now_lab.person)
    key = web.get(where).context["form"]["key"].value()

    first, again, other = (
        web.post(where, {"file": SimpleUploadedFile("cube.gcode", content), "key": key})
        for content in (GCODE, GCODE, GCODE + b"G1 X2\n")
    )

    assert first.url == again.url != other.url
    assert PrintJob.objects.count() == PrintFile.objects.count() == 2


def test_form_sent_again_is_not_refused_for_what_it_sent_itself(now_lab, monkeypatch):
    where = reverse("print-upload", args=[now_lab.machine.slug])
    # Without a reservation it stays a draft.
    person, form = make_person(), {"key": "11111111-2222-3333-4444-555555555555"}
    web = browser(person)
    monkeypatch.setattr("printing.submitting.DRAFTS_MOST", 1)

    answers = [web.post(where, form | {"file": SimpleUploadedFile("cube.gcode", GCODE)}) for _ in range(2)]
    PrintFile.objects.update(size_bytes=KEPT_MOST_BYTES)
    answers.append(web.post(where, form | {"file": SimpleUploadedFile("cube.gcode", GCODE)}))
    other = send(now_lab, person)

    assert [answer.status_code for answer in (*answers, other)] == [302, 302, 302, 409]
    assert PrintJob.objects.count() == 1


def test_form_sent_twice_at_once_leads_to_the_print_that_the_other_one_handed_in(now_lab, monkeypatch):
    def taken(**_wish):
        raise WrongJobState("wrong_state")

    monkeypatch.setattr("printing.views.submit_job", taken)

    answer = send(now_lab, now_lab.person)

    assert (answer.status_code, answer.url) == (302, PrintJob.objects.get().get_absolute_url())


def test_empty_form_is_sent_back(now_lab):
    answer = browser(now_lab.person).post(reverse("print-upload", args=[now_lab.machine.slug]), {})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("owner", 200),
        ("supervisor", 200),
        ("supervisor of another site", 404),
        ("member", 404),
        ("nobody", 302),
    ],
)
def test_job_is_seen_by_its_person_and_by_staff_of_the_site(now_lab, who, status):
    job = now_lab.queue()
    site = now_lab.machine.unit.site
    people = {
        "owner": lambda: now_lab.person,
        "supervisor": lambda: make_staff(site=site),
        "supervisor of another site": lambda: make_staff(site=make_machine().unit.site),
        "member": lambda: make_staff(site=site, role=Role.MEMBER),
    }
    client = browser(people[who]()) if who in people else Client()

    for path in (job.get_absolute_url(), reverse("print-job-action", args=[job.reference, "cancel"])):
        method = client.get if path == job.get_absolute_url() else client.post
        expected = 302 if status == 200 and path != job.get_absolute_url() else status
        assert method(path).status_code == expected
    assert fresh(job).state == (JobState.WITHDRAWN if status == 200 else JobState.QUEUED)


def test_action_needs_a_post(now_lab):
    job = now_lab.queue()

    answer = browser(now_lab.person).get(reverse("print-job-action", args=[job.reference, "cancel"]))

    assert (answer.status_code, fresh(job).state) == (405, JobState.QUEUED)


def test_action_that_comes_too_late_says_so(now_lab):
    job = set_state(now_lab.queue(), state=JobState.FINISHED)

    answer = browser(now_lab.person).post(reverse("print-job-action", args=[job.reference, "pause"]), follow=True)

    assert "The print has moved on meanwhile" in answer.content.decode()
    assert fresh(job).state == JobState.FINISHED


def test_bed_is_said_to_be_clear(now_lab):
    job = set_state(now_lab.queue(), state=JobState.FINISHED)
    PrintJobEvent.objects.create(job=job, new=JobState.STARTING, at=now_lab.now)
    Printer.objects.update(is_bed_clear=False)

    browser(now_lab.person).post(reverse("print-bed-clear", args=[job.reference]))

    assert now_lab.row().is_bed_clear


def test_thumbnail_is_a_picture_and_nothing_else(now_lab):
    job = now_lab.queue()
    path = reverse("print-thumbnail", args=[job.reference])
    missing = browser(now_lab.person).get(path).status_code
    Image.new("RGB", (4, 4)).save(thumbnail_path(job.file), "PNG")

    answer = browser(now_lab.person).get(path)

    assert missing == 404
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert Image.open(io.BytesIO(b"".join(answer.streaming_content))).size == (4, 4)
    assert browser(make_person()).get(path).status_code == 404


def test_page_and_form_ask_nothing_of_the_printer(now_lab):
    make_printer(make_machine(), now_lab.server.url, "key")
    job = now_lab.queue()

    page(now_lab.person, job)
    send(now_lab, now_lab.person)

    assert now_lab.server.requests == []


def test_bed_is_not_said_to_be_clear_by_somebody_whose_print_was_earlier(now_lab):
    mine = set_state(now_lab.queue(), state=JobState.FINISHED)
    theirs = PrintJob.objects.get(pk=mine.pk)
    theirs.pk, theirs.reference, theirs.person = None, new_reference(), make_person()
    theirs.save(force_insert=True)
    Printer.objects.update(is_bed_clear=False)
    long_ago(now_lab.reservation)

    answer = browser(now_lab.person).post(reverse("print-bed-clear", args=[mine.reference]))

    assert (answer.status_code, now_lab.row().is_bed_clear) == (403, False)

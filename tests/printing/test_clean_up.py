"""Files leave the printer's own storage some days after their print, and never in anybody's way."""

import datetime as dt

import pytest

from people.forgetting import forget_person
from printing.clean_up import AGAIN_AFTER, STAYS, TRIES, next_to_remove
from printing.dispatch import visit
from printing.models import JobState, Printer, PrintJob, SentFile
from printing.services import move_job
from tests.contract.fake_moonraker import FakeMoonraker
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.contract.fake_prusalink import FakePrusaLink
from tests.factories import make_machine
from tests.printing.builders import TINY, fresh

pytestmark = pytest.mark.django_db
KINDS = {"octoprint": FakeOctoPrint, "moonraker": FakeMoonraker, "prusalink": FakePrusaLink}


@pytest.fixture(params=KINDS)
def any_lab(request, lab):
    """Each kind of printer."""
    if request.param != "octoprint":
        lab.server.stop()
        lab.server = KINDS[request.param]()
        lab.remote = lab.server.printer
        Printer.objects.update(kind=request.param, base_url=lab.server.url)
    return lab


def printed(lab):
    """A print that has come to its end, and was taken off."""
    job = lab.printing()
    lab.remote.going_since -= 60
    lab.ticks(2)
    lab.clear_bed()
    assert fresh(job).state == JobState.FINISHED
    return fresh(job)


def later(lab, gone):
    """A look at the printer when so long has gone by, whatever the reservation says by then."""
    lab.now += gone
    visit(lab.row(), now=lab.now, timeouts=TINY)


def deletions(lab):
    return [path for method, path, _headers in lab.server.requests if method == "DELETE" and "directory" not in path]


def there(lab, job):
    return any(name.replace("@", "/") == job.remote_path for name in lab.remote.files)


def test_file_leaves_the_printer_three_days_after_its_print(any_lab):
    job = printed(any_lab)

    later(any_lab, STAYS - dt.timedelta(minutes=1))
    before = there(any_lab, job)
    later(any_lab, dt.timedelta(minutes=2))
    later(any_lab, dt.timedelta(minutes=2))

    assert (before, there(any_lab, job)) == (True, False)
    assert (fresh(job).remote_path, SentFile.objects.count()) == ("", 0)
    assert len(deletions(any_lab)) == 1


def test_one_file_leaves_at_a_look_the_oldest_first(lab):
    first, second = printed(lab), printed(lab)

    later(lab, STAYS + dt.timedelta(minutes=1))
    seen = (there(lab, first), there(lab, second))
    later(lab, dt.timedelta(seconds=30))

    assert seen == (False, True)
    assert not there(lab, second)


def test_nothing_is_removed_while_something_prints(lab):
    job = printed(lab)
    lab.now += STAYS + dt.timedelta(minutes=1)
    lab.remote.files["by-hand.gcode"] = b"G4 S90\n"
    lab.remote.start("by-hand.gcode")

    lab.ticks(2)

    assert there(lab, job)
    assert deletions(lab) == []


def test_lost_print_keeps_its_file_until_somebody_says_how_it_ended(lab):
    job = lab.printing()
    job = move_job(job, JobState.LOST, now=lab.now)

    assert next_to_remove(lab.row(), lab.now + STAYS) is None
    job = move_job(job, JobState.FAILED, now=lab.now)
    assert next_to_remove(lab.row(), lab.now + STAYS).job == job


def test_print_that_was_never_sent_has_nothing_to_remove(lab):
    lab.ask(lab.queue(), "cancel")

    assert next_to_remove(lab.row(), lab.now + STAYS) is None


def test_file_that_cannot_be_removed_is_tried_on_five_days_and_then_left(lab, monkeypatch):
    job, refused = printed(lab), []
    monkeypatch.setattr(
        "printing.backends.octoprint.OctoPrintBackend.delete",
        lambda backend, path: (refused.append(path), refuse(backend, path)),
    )
    later(lab, STAYS)

    for _ in range(20):
        later(lab, AGAIN_AFTER / 2)

    assert there(lab, job)
    assert len(refused) == TRIES
    assert not SentFile.objects.exists()
    assert (lab.row().error_code, lab.row().failures) == ("", 0)


def test_refusal_keeps_nobody_waiting(lab, monkeypatch):
    printed(lab)
    monkeypatch.setattr("printing.backends.octoprint.OctoPrintBackend.delete", refuse)
    Printer.objects.update(is_unattended=True)
    lab.now += STAYS
    waiting = lab.queue()

    lab.ticks(2)

    assert fresh(waiting).state == JobState.PRINTING


def test_file_that_somebody_took_off_counts_as_removed(any_lab):
    printed(any_lab)
    any_lab.remote.files.clear()

    later(any_lab, STAYS)

    assert not SentFile.objects.exists()


def test_file_of_somebody_who_was_erased_leaves_at_once(lab):
    job = printed(lab)

    forget_person(job.person)
    later(lab, dt.timedelta(minutes=1))

    assert not there(lab, job)
    assert not SentFile.objects.exists()


def test_file_that_is_printed_elsewhere_after_all_leaves_at_once(lab):
    job = lab.queue()
    lab.ticks(1)
    lab.remote.cancel()
    PrintJob.objects.filter(pk=job.pk).update(state=JobState.QUEUED, machine=make_machine())

    later(lab, dt.timedelta(minutes=1))

    assert not there(lab, job)
    assert fresh(job).remote_path == job.remote_path


def refuse(_backend, _remote_path):
    from printing.backends import PrinterConflict

    raise PrinterConflict("in use", status=409)

"""Minutes by what the printer itself counts, of each kind; without pauses, and whatever a printer tells."""

import datetime as dt
from datetime import UTC

import pytest

from printing.backends import LastPrint, PrinterConnection, PrinterStatus
from printing.maintenance import with_care
from printing.models import JobState, Printer, PrintFile, PrintJob, PrintPrice
from printing.services import move_job, resolve_lost
from printing.told import note_last, note_told, paused, printing_time
from tests.contract.fake_moonraker import FakeMoonraker
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.contract.fake_prusalink import FakePrusaLink
from tests.factories import make_staff, minutes
from tests.printing.builders import Lab, fresh

pytestmark = pytest.mark.django_db
KINDS = {"octoprint": FakeOctoPrint, "moonraker": FakeMoonraker, "prusalink": FakePrusaLink}
SECOND = dt.timedelta(seconds=1)
PRINT = 30 * SECOND


@pytest.fixture(params=KINDS)
def any_lab(request, lab):
    """Each kind of printer, with a file of half a minute."""
    if request.param != "octoprint":
        lab.server.stop()
        lab.server = KINDS[request.param]()
        lab.remote = lab.server.printer
        Printer.objects.update(kind=request.param, base_url=lab.server.url)
    return lab


def pass_time(lab: Lab, seconds: float) -> None:
    """At the printer and here."""
    if lab.remote.going_since is not None:
        lab.remote.going_since -= seconds
    lab.tick(seconds)


def about(expected):
    """Fakes run by the real clock between two looks, and a look comes two seconds late."""
    return pytest.approx(expected.total_seconds(), abs=3)


def counted(job):
    return fresh(job).printed.total_seconds()


def test_print_counts_its_minutes(any_lab):
    job = any_lab.printing()
    pass_time(any_lab, 20)
    pass_time(any_lab, 12)

    assert fresh(job).state == JobState.FINISHED
    assert counted(job) == about(PRINT)


def test_end_out_of_reach_is_no_printing(any_lab):
    PrintPrice.objects.create(site=any_lab.machine.site, base_cents=0, hour_cents=6000, kg_cents=0)
    job = any_lab.printing()
    pass_time(any_lab, 12)
    any_lab.server.fault = "bad_gateway"
    any_lab.ticks(20, seconds=60)
    any_lab.server.fault = ""
    any_lab.remote.going_since -= 60
    any_lab.ticks(3)

    ended = fresh(job)
    assert (ended.state, ended.ended_at) == (JobState.FINISHED, ended.ended_at)
    assert ended.ended_at - ended.started_at > minutes(20)
    assert counted(job) == about(PRINT)
    assert ended.cost_cents == pytest.approx(50, abs=5)


def test_pause_is_no_printing(any_lab):
    job = any_lab.printing()
    pass_time(any_lab, 10)
    any_lab.ask(job, "pause")
    any_lab.ticks(2)
    any_lab.tick(2 * 3600)
    any_lab.ask(job, "resume")
    any_lab.ticks(2)
    pass_time(any_lab, 22)

    assert fresh(job).state == JobState.FINISHED
    assert counted(job) == about(PRINT)
    assert with_care(Printer.objects.all(), any_lab.now).get().printed_since.total_seconds() == about(PRINT)


def test_print_stopped_in_a_pause_counts_until_the_pause(any_lab):
    job = any_lab.printing()
    pass_time(any_lab, 10)
    any_lab.ask(job, "pause")
    any_lab.ticks(2)
    any_lab.tick(3600)
    any_lab.ask(job, "cancel")
    any_lab.ticks(4)

    assert fresh(job).state == JobState.CANCELLED
    assert counted(job) == about(10 * SECOND)


def test_print_lost_from_sight_counts_what_it_was_seen_to_print(any_lab):
    job = any_lab.printing()
    pass_time(any_lab, 15)
    any_lab.server.fault = "bad_gateway"
    any_lab.ticks(20, seconds=60)
    any_lab.server.fault = ""
    any_lab.remote.vanish()
    any_lab.remote.is_connected = True
    if hasattr(any_lab.remote, "history"):
        any_lab.remote.history.clear()
    any_lab.ticks(4)
    lost = fresh(job)
    assert lost.state == JobState.LOST

    resolve_lost(job=lost, outcome=JobState.FAILED, by=make_staff(site=any_lab.machine.site), now=any_lab.now)

    assert counted(job) == about(15 * SECOND)


@pytest.mark.parametrize(
    ("estimated", "expected"),
    [(minutes(25), minutes(25)), (minutes(5), minutes(10)), (None, minutes(60)), (minutes(600), minutes(60))],
    ids=["as the slicer foretold", "longer than foretold", "nobody foretold", "no longer than it could"],
)
def test_print_that_ended_unseen_went_on_for_what_was_left(lab, estimated, expected):
    job = lab.printing()
    PrintFile.objects.filter(pk=job.file_id).update(estimated=estimated)
    begun = fresh(job).started_at
    PrintJob.objects.update(told_time=minutes(10), told_at=begun + minutes(10))

    ended = move_job(fresh(job), JobState.FINISHED, now=begun + minutes(60))

    assert ended.printed == expected


@pytest.mark.parametrize(
    ("told_s", "expected"),
    [(0, minutes(30)), (10**15, minutes(30)), (600, minutes(10)), (None, minutes(30))],
    ids=["nothing at all", "older than the universe", "ten minutes", "no word"],
)
def test_nonsense_of_a_printer_counts_no_more_than_was_seen(lab, told_s, expected):
    job = lab.printing()
    end = job.started_at + minutes(30)
    said = PrinterStatus(
        PrinterConnection.OPERATIONAL, remote_path=job.remote_path, completion_pct=100.0, print_time_s=told_s
    )

    note_told(job, said, end)
    ended = move_job(job, JobState.FINISHED, now=end)

    # What went by between the start's command and the first look may be counted by the printer.
    assert expected <= ended.printed <= expected + 2 * SECOND


@pytest.mark.parametrize(
    ("ended_after", "expected"),
    [(minutes(12), minutes(12)), (minutes(-5), minutes(30)), (minutes(31), minutes(30)), (minutes(10**6), minutes(30))],
    ids=["while it was out of reach", "before it began", "in the future", "in another century"],
)
def test_printer_that_knows_only_its_end_is_believed_where_that_can_be(lab, ended_after, expected):
    job = lab.printing()
    PrintJob.objects.update(told_time=None, told_at=None)
    job = fresh(job)
    end = job.started_at + minutes(30)
    last = LastPrint(is_success=False, ended_at=(job.started_at + ended_after).astimezone(UTC))

    note_last(job, last, end)
    ended = move_job(job, JobState.FAILED, now=end)

    assert ended.printed == expected


def test_word_on_another_file_is_not_noted(lab):
    job = lab.printing()
    PrintJob.objects.update(told_time=None, told_at=None)
    other = PrinterStatus(PrinterConnection.PRINTING, remote_path="other.gcode", print_time_s=500)

    note_told(fresh(job), other, lab.now)

    assert fresh(job).told_time is None


def test_pauses_are_told_from_the_events(lab):
    job = lab.printing()
    begun = job.started_at
    for state, at in ((JobState.PAUSED, 10), (JobState.PRINTING, 25), (JobState.PAUSED, 40)):
        job = move_job(job, state, now=begun + minutes(at))

    assert paused(job, begun + minutes(30)) == minutes(15)
    assert paused(job, begun + minutes(60)) == minutes(35)
    PrintJob.objects.update(told_time=None)
    assert printing_time(fresh(job), begun + minutes(60)) == minutes(25)

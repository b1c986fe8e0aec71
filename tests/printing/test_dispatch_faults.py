"""Visits to a printer that misbehaves, and workers that are killed: nothing is lost, nothing is started twice."""

import pytest

from printing.files import stored_path
from printing.messages import failure_words
from printing.models import JobState, Printer, PrintJob
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.printing.builders import LIFE, fresh, states

pytestmark = pytest.mark.django_db
FAULTS = {
    "hang": "printer_unreachable",
    "bad_gateway": "printer_unreachable",
    "reset": "printer_unreachable",
    "html": "printer_protocol",
    "redirect": "printer_protocol",
}


def end_of(job):
    """Where it ended and why."""
    found = fresh(job)
    return found.state, found.error_code


@pytest.mark.parametrize(("fault", "code"), FAULTS.items(), ids=FAULTS)
def test_fault_never_ends_a_running_print(lab, fault, code):
    job = lab.printing()

    lab.server.fault, lab.server.redirect_to = fault, "http://127.0.0.1:9"
    lab.ticks(4)
    during, printer = fresh(job), lab.row()
    lab.server.fault = ""
    lab.tick()
    lab.remote.pass_time(30)
    lab.tick()

    assert (during.state, during.misses) == (JobState.PRINTING, 0)
    assert (printer.error_code, printer.failures) == (code, 4)
    assert (printer.unreachable_since is not None) == (code == "printer_unreachable")
    assert failure_words(code) != failure_words("no such code")
    assert (lab.row().error_code, lab.row().unreachable_since) == ("", None)
    assert states(job) == [*LIFE, JobState.FINISHED]
    assert len(lab.remote.starts) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_leaves_a_waiting_job_in_the_queue(lab, fault):
    lab.server.fault, lab.server.redirect_to = fault, "http://127.0.0.1:9"
    job = lab.queue()

    lab.ticks(3)

    assert end_of(job) == (JobState.QUEUED, "")


def test_redirect_never_takes_the_key_elsewhere(lab):
    other = FakeOctoPrint()
    lab.server.fault, lab.server.redirect_to = "redirect", other.url
    lab.queue()

    lab.ticks(2)
    other.stop()

    assert lab.server.requests
    assert other.requests == []


def test_wrong_key_is_told_apart_and_ends_nothing(lab):
    job = lab.printing()
    lab.server.api_key = "changed-on-the-printer"

    lab.ticks(3)

    assert (lab.row().error_code, lab.row().unreachable_since) == ("printer_auth", None)
    assert end_of(job) == (JobState.PRINTING, "")


def test_key_that_cannot_be_read_is_told_apart(lab):
    Printer.objects.update(api_key_sealed="sealed by another installation")
    job = lab.queue()

    lab.tick()

    assert (lab.row().error_code, end_of(job)) == ("secret_unreadable", (JobState.QUEUED, ""))


def test_print_that_ended_while_out_of_reach_is_finished(lab):
    job = lab.printing()

    lab.server.fault = "reset"
    lab.ticks(2)
    lab.remote.pass_time(30)
    lab.server.fault = ""
    lab.tick()

    assert end_of(job) == (JobState.FINISHED, "")


def test_print_that_ended_before_the_server_was_restarted_is_finished_by_its_record(lab):
    job = lab.printing()
    lab.remote.pass_time(30)
    lab.remote.state()

    lab.remote.vanish()
    lab.ticks(3)

    assert end_of(job) == (JobState.FINISHED, "")


@pytest.mark.parametrize("years", [0, -20], ids=["right", "without a clock of its own"])
def test_record_counts_whatever_the_printers_clock_says(lab, years):
    job = lab.printing()
    lab.remote.pass_time(30)
    lab.remote.state()
    lab.remote.last_prints[job.remote_path]["date"] += years * 31_557_600

    lab.remote.vanish()
    lab.ticks(3)

    assert end_of(job) == (JobState.FINISHED, "")


def test_trouble_in_following_a_print_keeps_nobody_from_stopping_it(lab, monkeypatch):
    job = lab.printing()
    lab.ask(job, "cancel")
    monkeypatch.setattr("printing.watch.layer_of", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        lab.tick()

    assert (fresh(job).state, lab.remote.state()) == (JobState.CANCELLING, "Operational")


def test_power_cut_ends_as_lost_and_a_person_says_how(lab):
    job = lab.printing()

    lab.remote.vanish()
    lab.ticks(2)
    seen_twice = fresh(job).state
    lab.tick()
    lost_at = lab.now

    assert seen_twice == JobState.PRINTING
    assert end_of(job) == (JobState.LOST, "lost")
    assert fresh(job).ended_at == lost_at
    assert not lab.row().is_bed_clear


def test_other_file_on_the_printer_ends_as_lost(lab):
    job = lab.printing()
    lab.remote.vanish()
    lab.remote.is_connected = True
    lab.remote.files["by-hand.gcode"] = b"G4 S60\n"
    lab.remote.start("by-hand.gcode")

    lab.ticks(3)

    assert end_of(job) == (JobState.LOST, "lost")
    assert lab.remote.state() == "Printing"


@pytest.mark.parametrize(
    ("error", "code"), [("Thermal Runaway", "printer_error"), ("", "connection_lost")], ids=["with text", "without"]
)
def test_printers_own_error_ends_as_failed(lab, error, code):
    job = lab.printing()

    lab.remote.fail(error)
    lab.tick()

    assert end_of(job) == (JobState.FAILED, code)
    assert fresh(job).error_detail == error
    assert not lab.row().is_bed_clear


def test_printer_switched_off_right_after_the_end_is_no_failure(lab):
    job = lab.printing()
    lab.remote.pass_time(30)
    lab.remote.state()

    lab.remote.fail("SerialException")
    lab.tick()

    assert end_of(job) == (JobState.FINISHED, "")


def test_printer_in_error_is_not_reconnected_by_itself(lab):
    lab.remote.fail("Thermal Runaway")
    job = lab.queue()

    lab.ticks(3)

    assert fresh(job).state == JobState.QUEUED
    assert not [path for method, path, _headers in lab.server.requests if method == "POST"]


@pytest.mark.parametrize(
    ("fault", "state"), [("full", JobState.DISPATCHING), ("dies after writing", JobState.STARTING)]
)
def test_upload_that_ends_unclear_is_repeated_once_the_printer_is_well(lab, fault, state):
    job = lab.queue()
    lab.remote.files.fault = fault

    lab.tick()
    first = fresh(job).state
    lab.tick()
    second = fresh(job).state
    lab.remote.files.fault = ""
    lab.tick()

    assert (first, second) == (JobState.DISPATCHING, state)
    assert fresh(job).state in (JobState.STARTING, JobState.PRINTING)
    assert lab.remote.starts == [job.remote_path]


def test_upload_is_given_up_after_five_tries_in_half_an_hour(lab):
    job = lab.queue()
    lab.remote.files.fault = "full"
    began = lab.now

    for _ in range(5):
        lab.tick((lab.row().next_poll_at - lab.now).total_seconds())

    assert end_of(job) == (JobState.FAILED, "too_many_tries")
    assert (lab.now - began).total_seconds() / 60 == pytest.approx(30, abs=1)
    assert lab.remote.starts == []
    assert lab.row().is_bed_clear


def test_stop_during_the_tries_starts_nothing(lab):
    job = lab.queue()
    lab.remote.files.fault = "full"
    lab.tick()

    lab.ask(fresh(job), "cancel")
    lab.remote.files.fault = ""
    lab.tick()

    assert end_of(job) == (JobState.CANCELLED, "")
    assert job.events.last().moved_by == lab.person
    assert lab.remote.starts == []


@pytest.mark.parametrize("content", [None, b"G1"], ids=["gone", "cut short"])
def test_file_that_is_no_longer_whole_on_disk_fails_with_its_reason(lab, content):
    job = lab.queue()
    path = stored_path(job.file)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)

    lab.tick()

    assert end_of(job) == (JobState.FAILED, "file_missing")
    assert lab.remote.uploads == []


def test_file_that_the_printer_refuses_fails_with_its_reason(lab):
    job = lab.queue()
    PrintJob.objects.update(remote_path=f"fablab/{job.reference}/cube.stl")

    lab.tick()

    assert end_of(job) == (JobState.FAILED, "printer_rejected")
    assert lab.row().is_bed_clear

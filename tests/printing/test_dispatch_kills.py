"""A worker killed at any moment, and starts whose answer never came: never uploaded or started twice."""

import pytest

from printing.backends import OctoPrintBackend
from printing.models import JobState, PrintCommand, PrintJob
from tests.printing.builders import GCODE, fresh, states

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", ["dispatching", "uploaded", "starting", "printing", "paused", "cancelling"])
def test_worker_killed_in_a_state_goes_on_from_it(lab, state):
    job = lab.queue()
    leave_in(lab, job, state)

    lab.ticks(5)
    lab.remote.pass_time(30) if lab.remote.going_since else None
    lab.ticks(3)

    expected = {"paused": JobState.PAUSED, "cancelling": JobState.CANCELLED}.get(state, JobState.FINISHED)
    assert fresh(job).state == expected
    assert len(lab.remote.uploads) == 1
    assert lab.remote.starts == [job.remote_path]


def leave_in(lab, job, state):
    """What a killed worker leaves: the printer as the state says it, our row at that state, nothing in memory."""
    lab.remote.files[job.remote_path] = GCODE
    lab.remote.uploads.append({"path": job.remote_path, "userdata": {}})
    if state not in ("dispatching", "uploaded"):
        lab.remote.start(job.remote_path)
    if state == "paused":
        lab.remote.pause("pause")
    PrintJob.objects.update(state=state, started_at=lab.now if state in ("printing", "paused") else None)
    if state == "cancelling":
        PrintCommand.objects.create(job=job, kind="cancel", asked_at=lab.now)


def test_stop_asked_of_an_uploaded_job_while_no_worker_ran_starts_nothing(lab):
    job = lab.queue()
    leave_in(lab, job, "uploaded")
    lab.ask(fresh(job), "cancel")

    lab.ticks(2)

    assert fresh(job).state == JobState.CANCELLED
    assert lab.remote.starts == []
    assert lab.row().is_bed_clear


@pytest.mark.parametrize(("fault", "starts"), [("dies before", 2), ("dies after", 1)], ids=["it never ran", "it runs"])
def test_start_without_an_answer_is_repeated_only_if_it_never_ran(lab, fault, starts):
    job = lab.queue()
    lab.remote.start_fault = fault
    lab.remote.selected = job.remote_path
    lab.tick()

    lab.remote.start_fault = ""
    lab.ticks(3)
    lab.remote.pass_time(30)
    lab.ticks(2)

    assert fresh(job).state == JobState.FINISHED
    assert len(lab.remote.starts) == starts


def test_start_without_an_answer_is_not_repeated_after_somebody_stopped_the_print(lab):
    job = lab.queue()
    lab.remote.start_fault = "dies after"
    lab.tick()

    lab.server.fault = "reset"
    lab.ticks(2)
    lab.remote.cancel()
    lab.server.fault = ""
    lab.ticks(4)

    assert (fresh(job).state, fresh(job).error_code) == (JobState.CANCELLED, "stopped_at_printer")
    assert lab.remote.starts == [job.remote_path]
    assert not lab.row().is_bed_clear


def test_start_without_an_answer_and_without_a_trace_is_lost(lab):
    job = lab.queue()
    lab.remote.start_fault = "dies before"

    lab.ticks(5)

    assert fresh(job).state == JobState.LOST
    assert len(lab.remote.starts) == 1
    assert not lab.row().is_bed_clear


def test_start_that_is_clearly_refused_waits_for_its_turn_again(lab):
    job = lab.queue()
    lab.remote.state, state = lambda: "Operational", lab.remote.state
    lab.remote.is_connected = False

    lab.tick()
    refused = fresh(job).state, job.events.last().reason
    lab.remote.state, lab.remote.is_connected = state, True
    lab.tick()

    assert refused == (JobState.QUEUED, "printer_conflict")
    assert fresh(job).state == JobState.STARTING
    assert len(lab.remote.uploads) == len(lab.remote.starts) == 1


def test_start_that_is_refused_for_ever_fails_with_its_reason(lab):
    job = lab.queue()
    lab.remote.state = lambda: "Operational"
    lab.remote.is_connected = False

    lab.ticks(6)

    assert (fresh(job).state, fresh(job).error_code) == (JobState.FAILED, "printer_conflict")
    assert states(job).count("starting") == 5


class Killed(BaseException):
    """The worker's process ends here."""


@pytest.mark.parametrize("call", ["upload", "select_and_start", "cancel"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_worker_killed_around_a_request_neither_repeats_nor_forgets_it(lab, monkeypatch, call, when):
    job = lab.printing() if call == "cancel" else lab.queue()
    if call == "cancel":
        lab.ask(job, "cancel")
    elif when == "before" and call == "select_and_start":
        lab.remote.selected = job.remote_path
    kill_once(monkeypatch, call, when)

    with pytest.raises(Killed):
        lab.tick()
    lab.ticks(6)

    assert fresh(job).state == (JobState.CANCELLED if call == "cancel" else JobState.PRINTING)
    assert len(lab.remote.uploads) == len(lab.remote.starts) == 1


def kill_once(monkeypatch, call, when):
    original = getattr(OctoPrintBackend, call)

    def killed(*arguments):
        monkeypatch.setattr(OctoPrintBackend, call, original)
        if when == "after":
            original(*arguments)
        raise Killed

    monkeypatch.setattr(OctoPrintBackend, call, killed)

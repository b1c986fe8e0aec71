"""A printer that is taken out of service in the midst of a print: the print is seen to its end, and nothing begins."""

import pytest

from iot.models import StopReason, UsageSession
from printing.models import JobState, Printer, PrintJob
from tests.printing.builders import LIFE, fresh, states

pytestmark = pytest.mark.django_db


def take_out(lab):
    Printer.objects.update(is_enabled=False)


def test_running_print_is_seen_to_its_end_and_its_time_is_counted(lab):
    job = lab.printing()
    take_out(lab)

    lab.remote.pass_time(30)
    lab.tick()

    assert states(job) == [*LIFE, JobState.FINISHED]
    session = UsageSession.objects.get()
    assert (session.end, session.stop_reason) == (lab.now, StopReason.JOB_FINISHED)


def test_running_print_can_still_be_stopped(lab):
    job = lab.printing()
    take_out(lab)

    lab.ask(job, "cancel")
    lab.ticks(2)

    assert fresh(job).state == JobState.CANCELLED
    assert lab.remote.state() == "Operational"


def test_nothing_more_is_sent_and_what_is_stopped_before_ends(lab):
    job = lab.queue()
    PrintJob.objects.update(state=JobState.DISPATCHING)
    take_out(lab)

    lab.ticks(3)
    waiting = fresh(job)
    lab.ask(waiting, "cancel")
    lab.tick()

    assert (waiting.state, fresh(job).state) == (JobState.DISPATCHING, JobState.CANCELLED)
    assert lab.remote.uploads == lab.remote.starts == []


def test_what_was_being_sent_goes_on_once_it_is_back(lab):
    job = lab.queue()
    PrintJob.objects.update(state=JobState.DISPATCHING)
    take_out(lab)
    lab.tick()

    Printer.objects.update(is_enabled=True)
    lab.tick()

    assert fresh(job).state == JobState.STARTING


def test_nothing_in_its_queue_begins_and_nobody_connects_it(lab):
    job = lab.queue()
    lab.remote.is_connected = False
    take_out(lab)

    lab.ticks(3)

    assert fresh(job).state == JobState.QUEUED
    assert not [path for method, path, _headers in lab.server.requests if method == "POST"]

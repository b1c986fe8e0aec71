"""Whole prints on a real OctoPrint with its virtual printer, and what becomes of them when it breaks."""

import contextlib
import datetime as dt
import http.client
import json
import time
from pathlib import Path

import pytest

from fablab.lib.secretbox import seal
from iot.models import StopReason, UsageSession
from printing.dispatch import visit
from printing.messages import failure_words
from printing.models import JobState, Printer
from tests.contract.octoprint_fixture import octoprint_server  # noqa: F401 (a fixture)
from tests.printing.builders import LIFE, Lab, fresh, states

pytestmark = [pytest.mark.serial, pytest.mark.django_db]

SAMPLES = Path(__file__).parent / "samples"
LONG = b"G28\n" + b"G1 X10 F60000\nG4 S1\n" * 60
MOST_WAIT_S = 60


class RealLab(Lab):
    """The lab, with the real server in place of the fake one; the clock is the wall's."""

    def __init__(self, octoprint):
        super().__init__()
        self.octoprint = octoprint
        Printer.objects.update(base_url=octoprint.url, api_key_sealed=seal(octoprint.api_key))

    def tick_until(self, is_so):
        deadline = time.monotonic() + MOST_WAIT_S
        while not is_so():
            assert time.monotonic() < deadline
            self.now += dt.timedelta(seconds=0.5)
            visit(self.row(), now=self.now)
            time.sleep(0.5)

    def until(self, job, *wanted):
        """Visits every half second until the job is in one of these states."""
        self.tick_until(lambda: fresh(job).state in wanted)
        return fresh(job)

    def start_long_print(self):
        job = self.queue(LONG)
        self.until(job, JobState.PRINTING)
        return job

    def command(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.octoprint.port, timeout=10)
        with contextlib.closing(connection):
            headers = {"X-Api-Key": self.octoprint.api_key, "Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            assert connection.getresponse().status == 204


@pytest.fixture
def lab(octoprint_server, db, printers_allowed):  # noqa: F811 (the fixture's name)
    """The printer is connected, or will be by the first visits."""
    made = RealLab(octoprint_server)
    yield made
    made.server.stop()
    with contextlib.suppress(OSError, AssertionError):
        made.command("/api/job", {"command": "cancel"})


def test_whole_print_of_a_cube(lab):
    job = lab.queue((SAMPLES / "cube20_fast.gcode").read_bytes())

    ended = lab.until(job, JobState.FINISHED, JobState.FAILED, JobState.LOST, JobState.CANCELLED)

    assert states(job) == [*LIFE, JobState.FINISHED]
    assert (ended.progress_pct, ended.error_code) == (100, "")
    assert UsageSession.objects.get().stop_reason == StopReason.JOB_FINISHED
    assert not lab.row().is_bed_clear


def test_stop_in_the_middle_then_the_next_print(lab):
    job = lab.start_long_print()
    lab.tick_until(lambda: fresh(job).progress_pct > 0)

    lab.ask(fresh(job), "cancel")
    stopped = lab.until(job, JobState.CANCELLED, JobState.FAILED, JobState.LOST)
    after = lab.queue(b"G28\nG1 X5 F60000\nG4 S1\n")
    lab.clear_bed()
    ended = lab.until(after, JobState.FINISHED, JobState.FAILED, JobState.LOST)

    assert (stopped.state, stopped.error_code) == (JobState.CANCELLED, "")
    assert states(job) == [*LIFE, JobState.CANCELLING, JobState.CANCELLED]
    assert ended.state == JobState.FINISHED


def test_pause_and_resume(lab):
    job = lab.start_long_print()

    lab.ask(fresh(job), "pause")
    lab.until(job, JobState.PAUSED)
    lab.ask(fresh(job), "resume")
    lab.until(job, JobState.PRINTING)
    lab.ask(fresh(job), "cancel")
    lab.until(job, JobState.CANCELLED)

    # "Pausing" and "Resuming" count as printing.
    expected = [*LIFE, JobState.PAUSED, JobState.PRINTING, JobState.CANCELLING, JobState.CANCELLED]
    assert states(job) == expected


def test_link_to_the_printer_breaks(lab):
    job = lab.start_long_print()

    lab.command("/api/printer/command", {"command": "!!DEBUG:drop_connection"})
    ended = lab.until(job, JobState.FAILED, JobState.LOST, JobState.CANCELLED, JobState.FINISHED)

    assert ended.state == JobState.FAILED
    assert ended.error_code in ("printer_error", "connection_lost")
    assert failure_words(ended.error_code) != failure_words("unknown")
    assert not lab.row().is_bed_clear
    lab.command("/api/connection", {"command": "connect", "port": "VIRTUAL"})


def test_server_killed_in_the_middle_of_a_print(lab):
    job = lab.start_long_print()

    lab.octoprint.kill()
    for _ in range(5):
        lab.now += dt.timedelta(seconds=2)
        visit(lab.row(), now=lab.now)
    away, printer_away = fresh(job), lab.row()
    lab.octoprint.start()
    ended = lab.until(job, *(set(JobState) - {JobState.PRINTING}))

    assert (away.state, printer_away.error_code) == (JobState.PRINTING, "printer_unreachable")
    assert printer_away.unreachable_since is not None
    assert (ended.state, ended.error_code) == (JobState.LOST, "lost")
    assert lab.row().unreachable_since is None
    assert not lab.row().is_bed_clear


def test_print_started_by_hand_is_left_alone(lab):
    lab.tick_until(lambda: lab.row().connection == "operational")
    by_hand = lab.queue(LONG)
    lab.until(by_hand, JobState.PRINTING)
    # Our row forgets it: on the printer it is now anybody's print.
    type(by_hand).objects.filter(pk=by_hand.pk).update(state=JobState.WITHDRAWN)
    job = lab.queue()

    for _ in range(4):
        lab.tick()

    assert fresh(job).state == JobState.QUEUED
    assert lab.row().connection == "printing"
    assert not lab.row().is_bed_clear

"""A lab whose printer is a real OctoPrint with its virtual printer, of each version in turn; the clock moves faster."""

import contextlib
import datetime as dt
import http.client
import json
import time

import pytest

from fablab.lib.secretbox import seal
from printing.dispatch import visit
from printing.messages import failure_words
from printing.models import JobState, Printer
from printing.octoprint_server import DEFAULT_VERSION
from printing.success import successes
from tests.contract.octoprint_fixture import EACH_OCTOPRINT
from tests.printing.builders import TINY, Lab, fresh

# A minute in short waits: what is told to the virtual printer takes effect after the line that it is at.
LONG = b"G28\n" + b"G1 X10 F60000\nG4 P200\n" * 300
SHORT = b"G28\nG1 X5 F60000\nG4 P200\n"
MOST_WAIT_S = 60
LOOK_EVERY_S = 0.2
OVER = (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED, JobState.LOST)


class RealLab(Lab):
    """The lab, with the real server in place of the fake one."""

    def __init__(self, octoprint):
        super().__init__()
        self.server.stop()
        self.octoprint = octoprint
        self.timeouts = None
        Printer.objects.update(base_url=octoprint.url, api_key_sealed=seal(octoprint.api_key))

    @property
    def keeps_error_texts(self):
        """OctoPrint 2.0 has lost them a moment later."""
        return self.octoprint.version == DEFAULT_VERSION

    def tick(self, seconds=2):
        self.now += dt.timedelta(seconds=seconds)
        visit(self.row(), now=self.now, timeouts=self.timeouts)

    def tick_until(self, is_so):
        deadline = time.monotonic() + MOST_WAIT_S
        while not is_so():
            assert time.monotonic() < deadline
            self.tick(0.5)
            time.sleep(LOOK_EVERY_S)

    def until(self, job, *wanted):
        """Visits until the job is in one of these states."""
        self.tick_until(lambda: fresh(job).state in wanted)
        return fresh(job)

    def end_of(self, job):
        """Where it ends, and why in words."""
        ended = self.until(job, *OVER)
        return ended.state, failure_words(ended.error_code)

    def start_long_print(self):
        job = self.queue(LONG)
        self.until(job, JobState.PRINTING)
        return job

    def out_of_reach_for(self, minutes):
        """The visits of so many minutes, as far apart as the worker makes them."""
        began = self.now
        self.timeouts = TINY
        while self.now - began < dt.timedelta(minutes=minutes):
            self.tick((self.row().next_poll_at - self.now).total_seconds())
            assert self.row().error_code == "printer_unreachable"
        self.timeouts = None
        self.now = self.row().next_poll_at

    def failures_counted(self):
        counted = successes([self.machine.unit.site_id], self.now).printers
        return sum(one.failed for one in counted)

    def asked(self, method, path, body=None):
        """What the server answers to somebody who uses OctoPrint itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self.octoprint.port, timeout=10)
        with contextlib.closing(connection):
            headers = {"X-Api-Key": self.octoprint.api_key, "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def command(self, path, **body):
        assert self.asked("POST", path, body)[0] == 204

    def send_line(self, line):
        """A line to the printer; the virtual one takes `!!DEBUG:…` as an order to break."""
        self.command("/api/printer/command", command=line)

    def job_state(self):
        return json.loads(self.asked("GET", "/api/job")[1])["state"]

    def wait_until_printer(self, *states):
        """Looks at OctoPrint itself: the lab is not asked."""
        deadline = time.monotonic() + MOST_WAIT_S
        while (found := self.job_state()) not in states:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def connect_by_hand(self):
        """What a manager does in OctoPrint, having looked at the printer."""
        self.command("/api/connection", command="connect", port="VIRTUAL")
        self.wait_until_printer("Operational")


@pytest.fixture(params=EACH_OCTOPRINT)
def lab(request, db, printers_allowed, in_english):
    """The printer is idle, or offline until the first visits connect it."""
    made = RealLab(request.getfixturevalue(request.param))
    if made.job_state() in ("Offline after error", "Error"):
        made.connect_by_hand()
    yield made
    made.asked("POST", "/api/job", {"command": "cancel"})
    made.wait_until_printer("Operational", "Offline", "Offline after error")

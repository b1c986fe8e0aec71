"""A real OctoPrint out of reach for ten minutes in mid-print: the job goes on, and ends right when it is back."""

import contextlib
import os
import select
import signal
import socket
import socketserver
import threading

import pytest

from printing.models import JobState, Printer
from tests.contract.octoprint_fixture import next_octoprint_server, octoprint_server  # noqa: F401 (fixtures)
from tests.printing.builders import LIFE, fresh, states
from tests.printing.real_octoprint import LONG, lab  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.serial, pytest.mark.django_db]

# Two seconds: long enough to be seen printing, over before it is back.
BRIEF = b"G28\n" + b"G1 X10 F60000\nG4 P200\n" * 10


class Wire(socketserver.ThreadingTCPServer):
    """The network between lab and printer."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, far_port, near_port=0):
        super().__init__(("127.0.0.1", near_port), _Pipe)
        self.far_port = far_port
        self.near_port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def cut(self):
        self.shutdown()
        self.server_close()


class _Pipe(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.server.far_port)) as far:
            other = {self.request: far, far: self.request}
            while True:
                for end in select.select(list(other), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    other[end].sendall(data)


@pytest.fixture
def cut_off(lab):  # noqa: F811
    """Ten minutes without a network; `what_happens` is done to the printer meanwhile."""
    wire = Wire(lab.octoprint.port)
    Printer.objects.update(base_url=f"http://127.0.0.1:{wire.near_port}")

    def cut_off(what_happens):
        nonlocal wire
        wire.cut()
        what_happens(lab)
        lab.out_of_reach_for(minutes=10)
        wire = Wire(lab.octoprint.port, wire.near_port)

    yield cut_off
    wire.cut()


def finishes(lab):  # noqa: F811
    lab.wait_until_printer("Operational")


def breaks(lab):  # noqa: F811
    lab.send_line("!!DEBUG:trigger_fatal_error_marlin")
    lab.wait_until_printer("Offline after error")


def is_disconnected(lab):  # noqa: F811
    lab.command("/api/connection", command="disconnect")
    lab.wait_until_printer("Offline")


def is_stopped(lab):  # noqa: F811
    lab.command("/api/job", command="cancel")
    lab.wait_until_printer("Operational")


# How it ends, why, and after how many looks: what shows nothing but a file that is not printing is asked again twice.
MEANWHILE = {
    "it finishes": (finishes, JobState.FINISHED, "", 1),
    "it breaks": (breaks, JobState.FAILED, "printer_error", 1),
    # As after a stop and a plug that was pulled: nobody there can tell the two apart but a person.
    "its link is closed": (is_disconnected, JobState.LOST, "lost", 3),
    "it is stopped": (is_stopped, JobState.CANCELLED, "stopped_at_printer", 3),
}


@pytest.mark.parametrize(("what_happens", "state", "code", "looks"), MEANWHILE.values(), ids=MEANWHILE)
def test_print_out_of_reach_for_ten_minutes_ends_right(lab, cut_off, what_happens, state, code, looks):  # noqa: F811
    if code == "printer_error" and not lab.keeps_error_texts:
        code = "connection_lost"
    job = lab.queue(BRIEF if what_happens is finishes else LONG)
    lab.until(job, JobState.PRINTING)

    cut_off(what_happens)
    away, printer = fresh(job), lab.row()
    lab.ticks(looks)

    assert (away.state, away.misses) == (JobState.PRINTING, 0)
    assert printer.unreachable_since is not None
    assert states(job) == [*LIFE, state]
    assert fresh(job).error_code == code
    assert lab.failures_counted() == (state == JobState.FAILED)


def test_stop_that_is_asked_for_meanwhile_is_carried_out(lab, cut_off):  # noqa: F811
    job = lab.start_long_print()

    cut_off(lambda lab: lab.ask(fresh(job), "cancel"))
    asked = fresh(job).state
    ended = lab.end_of(job)

    assert asked == JobState.PRINTING
    assert ended == (JobState.CANCELLED, "")
    assert lab.failures_counted() == 0


def test_server_that_hangs_for_ten_minutes_goes_on_with_the_print(lab):  # noqa: F811
    job = lab.start_long_print()

    os.killpg(lab.octoprint.pid, signal.SIGSTOP)
    try:
        lab.out_of_reach_for(minutes=10)
    finally:
        os.killpg(lab.octoprint.pid, signal.SIGCONT)
    before_pct = fresh(job).progress_pct
    lab.tick_until(lambda: fresh(job).progress_pct > before_pct)

    assert states(job) == LIFE
    assert lab.row().unreachable_since is None

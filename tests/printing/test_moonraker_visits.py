"""The worker visits a Klipper printer and a Prusa one: a job goes from the queue to its end, as with OctoPrint."""

import pytest

from printing.models import JobState
from printing.rest_told import use_told
from reservations.evidence import Use
from tests.contract.fake_moonraker import FakeMoonraker
from tests.contract.fake_prusalink import FakePrusaLink
from tests.factories import minutes
from tests.printing.builders import LIFE, Lab, fresh, states

FAKES = {"moonraker": FakeMoonraker, "prusalink": FakePrusaLink}


@pytest.fixture(params=FAKES)
def other_lab(request, db, printers_allowed):
    made = Lab()
    made.server.stop()
    made.server = FAKES[request.param]()
    made.remote = made.server.printer
    made.printer.kind, made.printer.base_url = request.param, made.server.url
    made.printer.save()
    yield made
    made.server.stop()


def test_job_goes_from_the_queue_to_a_finished_print(other_lab):
    job = other_lab.printing()

    other_lab.remote.going_since -= 60
    other_lab.tick()

    assert states(job) == [*LIFE, JobState.FINISHED]
    assert fresh(job).remote_path.endswith("/cube.gcode")


def test_printer_that_was_just_connected_tells_nothing_of_the_time_before(other_lab):
    """Else a reservation would be released as not come to, on the word of what nobody had heard yet."""
    connected_at = other_lab.now

    other_lab.tick()
    before = use_told(other_lab.machine.pk, connected_at - minutes(15), other_lab.now)
    heard_at = other_lab.now
    other_lab.ticks(30, seconds=30)

    assert before is Use.UNKNOWN
    assert use_told(other_lab.machine.pk, heard_at, other_lab.now) is Use.IDLE


def test_pause_resume_and_stop_are_obeyed(other_lab):
    job = other_lab.printing()

    for command in ("pause", "resume", "cancel"):
        other_lab.ask(job, command)
        other_lab.ticks(2)

    assert states(job)[len(LIFE) :] == [
        JobState.PAUSED,
        JobState.PRINTING,
        JobState.CANCELLING,
        JobState.CANCELLED,
    ]


def test_absurd_figures_of_a_printer_keep_nobody_from_stopping_it(other_lab):
    job = other_lab.printing()
    other_lab.remote.layers = 99_999_999_999
    other_lab.remote.estimate_s = 999_999_999_999_999

    other_lab.ask(job, "cancel")
    other_lab.ticks(2)

    assert (fresh(job).state, fresh(job).layers) == (JobState.CANCELLED, None)


def test_print_that_ends_while_the_printer_cannot_be_reached_ends_right_when_it_is_back(other_lab):
    job = other_lab.printing()
    other_lab.server.fault = "bad_gateway"
    other_lab.ticks(10, seconds=60)
    assert fresh(job).state == JobState.PRINTING

    other_lab.remote.going_since -= 60
    other_lab.server.fault = ""
    other_lab.tick()

    assert fresh(job).state == JobState.FINISHED


def test_print_stopped_at_the_printer_is_cancelled_and_no_failure(other_lab):
    job = other_lab.printing()

    other_lab.remote.cancel()
    other_lab.ticks(4)

    assert fresh(job).state == JobState.CANCELLED

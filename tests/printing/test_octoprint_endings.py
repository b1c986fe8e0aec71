"""What OctoPrint leaves of a print that did not come to its end: broken off or stopped, told without its record."""

import pytest

from printing.backends.octoprint_answers import has_broken_off
from printing.models import JobState
from tests.printing.builders import LIFE, fresh, states

OURS = "fablab/1/cube.gcode"

# GET /api/job as 1.11.8 and 2.0.0rc7 answered after each.
ANSWERS = {
    "thermal runaway, 1.11": (True, "Offline after error", None, "Thermal Runaway, system stopped!"),
    "thermal runaway, 2.0": (True, "Offline after error", None, None),
    "link closed": (True, "Offline", None, None),
    "stopped": (False, "Operational", OURS, None),
    "connected anew": (False, "Operational", None, None),
    "still stopping": (False, "Cancelling", OURS, None),
}


@pytest.mark.parametrize(("is_broken", "state", "path", "error"), ANSWERS.values(), ids=ANSWERS)
def test_closed_link_without_a_file_is_a_print_that_broke_off(is_broken, state, path, error):
    answer = {"job": {"file": {"path": path}}, "progress": {"completion": None}, "state": state, "error": error}

    assert has_broken_off(answer) == is_broken


@pytest.mark.django_db
def test_link_closed_in_a_print_ends_it_as_failed(lab):
    job = lab.printing()

    lab.remote.cancel()
    lab.remote.vanish()
    lab.ticks(3)

    assert states(job) == [*LIFE, JobState.FAILED]
    assert fresh(job).error_code == "connection_lost"


@pytest.mark.django_db
def test_stop_in_octoprint_is_no_failure(lab):
    job = lab.printing()

    lab.remote.cancel()
    lab.ticks(3)

    assert states(job) == [*LIFE, JobState.CANCELLED]
    assert fresh(job).error_code == "stopped_at_printer"


@pytest.mark.django_db
def test_stop_and_then_switched_off_is_no_failure(lab):
    job = lab.printing()

    lab.ask(job, "cancel")
    lab.tick()
    lab.remote.fail("SerialException")
    lab.tick()

    assert states(job) == [*LIFE, JobState.CANCELLING, JobState.CANCELLED]
    assert fresh(job).error_code == ""


@pytest.mark.django_db
def test_link_found_closed_after_a_silence_is_asked_of_a_person(lab):
    job = lab.printing()

    lab.remote.cancel()
    lab.remote.vanish()
    lab.tick(seconds=600)
    lab.ticks(2)

    assert states(job) == [*LIFE, JobState.LOST]
    assert fresh(job).error_code == "lost"

"""Whole prints on real OctoPrints with their virtual printer, of the version of today and of the one to come."""

import datetime as dt
import time
from pathlib import Path

import pytest

from iot.models import StopReason, UsageSession
from printing.clean_up import STAYS
from printing.models import JobState
from tests.contract.octoprint_fixture import next_octoprint_server, octoprint_server  # noqa: F401 (fixtures)
from tests.printing.builders import LIFE, fresh, states
from tests.printing.real_octoprint import LONG, OVER, SHORT, lab  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.serial, pytest.mark.django_db]

SAMPLES = Path(__file__).parent / "samples"


def test_whole_print_of_a_cube(lab):  # noqa: F811
    job = lab.queue((SAMPLES / "cube20_fast.gcode").read_bytes())

    ended = lab.until(job, *OVER)

    assert states(job) == [*LIFE, JobState.FINISHED]
    assert (ended.progress_pct, ended.error_code) == (100, "")
    assert UsageSession.objects.get().stop_reason == StopReason.JOB_FINISHED
    assert not lab.row().is_bed_clear


def test_stop_in_the_middle_then_the_next_print(lab):  # noqa: F811
    job = lab.start_long_print()
    lab.tick_until(lambda: fresh(job).progress_pct > 0)

    lab.ask(fresh(job), "cancel")
    stopped = lab.until(job, *OVER)
    after = lab.queue(SHORT)
    lab.clear_bed()
    ended = lab.until(after, *OVER)

    assert (stopped.state, stopped.error_code) == (JobState.CANCELLED, "")
    assert states(job) == [*LIFE, JobState.CANCELLING, JobState.CANCELLED]
    assert ended.state == JobState.FINISHED
    assert lab.failures_counted() == 0


def test_pause_and_resume(lab):  # noqa: F811
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


def test_print_counts_what_octoprint_counts_and_its_file_is_removed_later(lab):  # noqa: F811
    job = lab.start_long_print()
    lab.ask(fresh(job), "pause")
    lab.until(job, JobState.PAUSED)
    lab.now += dt.timedelta(hours=2)
    lab.ask(fresh(job), "resume")
    lab.until(job, JobState.PRINTING)
    lab.ask(fresh(job), "cancel")
    ended = lab.until(job, JobState.CANCELLED)
    lab.now += STAYS
    lab.tick()

    assert ended.ended_at - ended.started_at > dt.timedelta(hours=2)
    assert dt.timedelta() <= ended.printed < dt.timedelta(minutes=2)
    assert fresh(job).remote_path == ""


def test_print_started_by_hand_is_left_alone(lab):  # noqa: F811
    lab.tick_until(lambda: lab.row().connection == "operational")
    by_hand = lab.queue(LONG)
    lab.until(by_hand, JobState.PRINTING)
    # Our row forgets it: on the printer it is now anybody's print.
    type(by_hand).objects.filter(pk=by_hand.pk).update(state=JobState.WITHDRAWN)
    job = lab.queue()

    for _ in range(4):
        lab.tick()
        time.sleep(0.1)

    assert fresh(job).state == JobState.QUEUED
    assert lab.row().connection == "printing"
    assert not lab.row().is_bed_clear

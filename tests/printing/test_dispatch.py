"""Visits to a printer that behaves: from the queue to the end, one step at a time."""

import datetime as dt

import pytest

from iot.models import StopReason, UsageSession
from printing.dispatch import ACTIVE_EVERY, IDLE_EVERY, WAITING_EVERY
from printing.models import JobState, PrintCommand, Printer
from printing.services import last_on_bed
from reservations.life import check_in
from reservations.models import Status
from reservations.services import cancel_reservation
from tests.factories import make_person
from tests.printing.builders import LIFE, Lab, book, fresh, states

pytestmark = pytest.mark.django_db
FINISHED = [*LIFE, JobState.FINISHED]


@pytest.fixture
def unattended(printers_allowed):
    """A lab whose person has not checked in."""
    made = Lab(has_checked_in=False)
    yield made
    made.server.stop()


def test_print_goes_from_the_queue_to_its_end(lab):
    job = lab.queue()

    lab.tick()
    sent = fresh(job)
    lab.remote.pass_time(15)
    lab.tick()
    halfway = fresh(job)
    lab.remote.pass_time(15)
    lab.tick()
    ended = fresh(job)

    assert (sent.state, halfway.state, ended.state) == (JobState.STARTING, JobState.PRINTING, JobState.FINISHED)
    assert states(job) == FINISHED
    assert 45 < halfway.progress_pct < 60
    assert dt.timedelta(seconds=10) < halfway.time_left < dt.timedelta(seconds=16)
    assert (ended.progress_pct, ended.time_left, ended.error_code) == (100, None, "")
    assert (ended.started_at, ended.ended_at) == (lab.now - dt.timedelta(seconds=2), lab.now)
    assert lab.remote.uploads == [{"path": job.remote_path, "userdata": {"job": job.reference}}]
    assert lab.remote.starts == [job.remote_path]


def test_print_is_a_use_of_the_machine_under_its_reservation(lab):
    job = lab.printing()
    open_session = UsageSession.objects.get()
    lab.remote.pass_time(30)
    lab.tick()

    session = UsageSession.objects.get()
    assert open_session.end is None
    assert fresh(job).usage_session == session
    assert (session.source, session.stop_reason) == (UsageSession.Source.PRINT_JOB, StopReason.JOB_FINISHED)
    assert (session.reservation, session.person) == (lab.reservation, lab.person)
    assert session.end == lab.now


def test_session_that_power_opened_is_joined_and_left_to_power(lab):
    power = UsageSession.objects.create(
        machine=lab.machine, source=UsageSession.Source.POWER, start=lab.now, last_busy_at=lab.now
    )

    job = lab.printing()
    lab.remote.pass_time(30)
    lab.tick()

    session = UsageSession.objects.get()
    assert fresh(job).state == JobState.FINISHED
    assert (session.pk, session.end, session.last_busy_at) == (power.pk, None, lab.now)


def test_job_waits_for_its_person_to_check_in(unattended):
    job = unattended.queue()

    unattended.ticks(3)
    before = fresh(job).state
    check_in(reservation=unattended.reservation, now=unattended.now)
    unattended.tick()

    assert (before, fresh(job).state) == (JobState.QUEUED, JobState.STARTING)


def test_next_job_waits_until_the_bed_is_clear(lab):
    first, second = lab.queue(), lab.queue()
    lab.ticks(2)
    lab.remote.pass_time(30)
    lab.ticks(3)

    waiting = fresh(second).state
    lab.clear_bed()
    lab.tick()

    assert (fresh(first).state, waiting) == (JobState.FINISHED, JobState.QUEUED)
    assert lab.remote.starts == [first.remote_path, second.remote_path]


def test_print_too_short_to_be_seen_still_counts_as_use_and_lies_on_the_bed(lab):
    job = lab.queue()

    lab.tick()
    lab.remote.pass_time(30)
    lab.tick()

    assert states(job) == FINISHED
    assert not lab.row().is_bed_clear
    assert UsageSession.objects.get().stop_reason == StopReason.JOB_FINISHED


def test_person_who_is_there_goes_before_an_older_job(lab):
    away = make_person()
    book(lab.machine, away, "11:00", "12:00")
    older = lab.queue(person=away)
    lab.now += dt.timedelta(minutes=1)
    newer = lab.queue()

    lab.tick()

    assert (fresh(older).state, fresh(newer).state) == (JobState.QUEUED, JobState.STARTING)


def test_job_of_a_cancelled_reservation_goes_with_the_next_one(unattended):
    job = unattended.queue()
    cancel_reservation(reservation=unattended.reservation, by=unattended.person, now=unattended.now)
    unattended.tick()
    stranded = fresh(job).state

    again = book(unattended.machine, unattended.person)
    check_in(reservation=again, now=unattended.now)
    unattended.tick()

    assert stranded == JobState.QUEUED
    assert (fresh(job).state, fresh(job).reservation) == (JobState.STARTING, again)


def test_offline_printer_is_connected_and_then_prints(lab):
    lab.remote.is_connected = False
    job = lab.queue()

    lab.tick()
    waiting = fresh(job).state
    lab.tick()

    assert (waiting, fresh(job).state) == (JobState.QUEUED, JobState.STARTING)


def test_pause_and_resume_are_each_sent_once(lab):
    job = lab.printing()

    lab.ask(job, "pause")
    lab.ask(job, "pause")
    lab.ticks(3)
    paused = fresh(job).state
    lab.ask(fresh(job), "resume")
    lab.ticks(3)

    assert (paused, fresh(job).state) == (JobState.PAUSED, JobState.PRINTING)
    assert list(job.commands.values_list("kind", "attempts", "result")) == [("pause", 1, "done"), ("resume", 1, "done")]
    assert posts(lab, "/api/job") == 2


def posts(lab, path):
    return sum(method == "POST" and found == path for method, found, _headers in lab.server.requests)


def test_stop_ends_the_print_once_however_often_it_is_asked(lab):
    job = lab.printing()

    lab.ask(job, "cancel")
    lab.ask(job, "cancel")
    lab.tick()
    lab.ask(fresh(job), "cancel")
    lab.ticks(2)

    assert states(job) == [*LIFE, JobState.CANCELLING, JobState.CANCELLED]
    assert job.events.get(new=JobState.CANCELLING).moved_by == lab.person
    assert set(job.commands.values_list("result", flat=True)) <= {"done", "job_ended"}
    assert not lab.row().is_bed_clear
    assert UsageSession.objects.get().stop_reason == StopReason.NORMAL


def test_stop_that_the_printer_did_not_take_is_asked_again(lab):
    job = lab.printing()
    lab.remote.cancel, cancel = lambda: None, lab.remote.cancel

    lab.ask(job, "cancel")
    lab.ticks(2)
    still = fresh(job).state
    lab.remote.cancel = cancel
    lab.ticks(2, seconds=10)

    assert (still, fresh(job).state) == (JobState.CANCELLING, JobState.CANCELLED)


def test_stop_before_the_start_is_seen_does_stop_it(lab):
    job = lab.queue()
    lab.tick()
    lab.ask(fresh(job), "cancel")

    lab.ticks(2)

    assert fresh(job).state == JobState.CANCELLED
    assert not lab.row().is_bed_clear


def test_stop_that_comes_after_the_end_leaves_it_finished(lab):
    job = lab.printing()
    lab.ask(job, "cancel")
    lab.remote.pass_time(30)

    lab.tick()

    assert fresh(job).state == JobState.FINISHED
    assert PrintCommand.objects.get().result == "job_ended"


def test_queued_job_is_withdrawn_without_a_word_to_the_printer(lab):
    job = lab.queue()

    withdrawn = lab.ask(job, "cancel")
    lab.tick()

    assert withdrawn.state == JobState.WITHDRAWN
    assert lab.remote.uploads == lab.remote.starts == []
    assert lab.row().is_bed_clear


def test_print_stopped_at_the_printer_ends_as_stopped(lab):
    job = lab.printing()

    lab.remote.cancel()
    lab.ticks(3)

    assert (fresh(job).state, fresh(job).error_code) == (JobState.CANCELLED, "stopped_at_printer")


def test_print_of_another_is_left_alone_and_its_piece_must_be_taken_off(lab):
    lab.remote.files["by-hand.gcode"] = b"G4 S60\n"
    lab.remote.start("by-hand.gcode")
    job = lab.queue()

    lab.ticks(3)
    during = fresh(job).state, lab.remote.selected
    lab.remote.pass_time(60)
    lab.ticks(2)
    after = fresh(job).state
    lab.clear_bed()
    lab.tick()

    assert during == (JobState.QUEUED, "by-hand.gcode")
    assert after == JobState.QUEUED
    assert fresh(job).state == JobState.STARTING
    assert posts(lab, "/api/job") == 0


def test_piece_of_another_is_nobody_s_of_ours_until_it_is_taken_off(lab):
    job = lab.printing()
    lab.remote.pass_time(60)
    lab.ticks(2)
    lab.clear_bed()
    lab.remote.files["foreign.gcode"] = b"G4 S60\n"
    lab.remote.start("foreign.gcode")

    lab.tick()
    during = last_on_bed(lab.machine)
    lab.remote.pass_time(60)
    lab.tick()
    lab.clear_bed()

    assert during is None
    assert last_on_bed(lab.machine) == job


def test_person_who_left_during_the_upload_keeps_the_place_but_nothing_starts(lab):
    job = lab.queue()
    type(lab.reservation).objects.filter(pk=lab.reservation.pk).update(status=Status.COMPLETED)
    type(job).objects.filter(pk=job.pk).update(state=JobState.UPLOADED)

    lab.tick()

    assert (fresh(job).state, job.events.last().reason) == (JobState.QUEUED, "no_reservation")
    assert lab.remote.starts == []


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda lab: lab.printing(), ACTIVE_EVERY),
        (lambda lab: (lab.queue(), lab.row(), Printer.objects.update(is_bed_clear=False)), WAITING_EVERY),
        (lambda lab: None, IDLE_EVERY),
    ],
    ids=["printing", "waiting", "idle"],
)
def test_next_look_comes_as_soon_as_it_matters(lab, prepare, expected):
    prepare(lab)

    lab.tick()

    assert lab.row().next_poll_at == lab.now + expected

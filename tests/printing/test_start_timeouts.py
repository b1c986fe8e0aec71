"""Whatever happens around the request that starts a print, it begins once at most: 1,000 draws, in five parts.

`make soak ARGS="-k thousand"` draws others, and as many as one likes.
"""

import datetime as dt
import time
from collections import Counter

import pytest
from django.db import connection

from printing.backends import OctoPrintBackend, Timeouts
from printing.dispatch import visit
from printing.loop import claim_due
from printing.models import JobState, Printer
from tests.printing.builders import fresh, states
from tests.printing.start_world import KINDS, Round, World, is_taken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("printers_allowed")]
ROUNDS = 200
SEEDS = (2026, 2027, 2028, 2029, 2030)
# Withdrawn: stopped while it waited for its turn again after a clear refusal.
AT_REST = {JobState.FINISHED, JobState.FAILED, JobState.CANCELLED, JobState.LOST, JobState.WITHDRAWN}


@pytest.fixture
def world(request, monkeypatch):
    made = World(getattr(request, "param", SEEDS[0]), monkeypatch)
    yield made
    made.stop()


def faults_of(world: World, played: Round) -> list[str]:
    """What must never be, of one round."""
    job, found = fresh(played.job), []
    started, keeps_no_history = world.started(played), played.kind == "prusalink"
    if started > 1:
        found.append(f"started {started} times")
    if job.state not in AT_REST:
        found.append(f"left {job.state}")
    if job.state == JobState.FINISHED and started != 1:
        found.append("finished without a start")
    if is_taken(world, played.kind):
        found.append("the printer stays taken")
    # PrusaLink forgets a print once it is over: what nobody saw running, nobody can tell the end of.
    is_forgotten = keeps_no_history and (played.was_killed_later or not played.was_seen_running)
    if job.state == JobState.LOST and started and not is_forgotten:
        found.append("lost though it ran")
    if played.was_running_at_the_end:
        found.append(f"{job.state} while it runs")
    return found


def play(world: World, rounds: int) -> Counter[str]:
    """Rounds, the kinds in turn; fails with all that was broken, and returns how the jobs ended."""
    broken, ends = [], Counter()
    for number in range(rounds):
        kind = list(KINDS)[number % len(KINDS)]
        played = world.play(kind)
        broken += [f"{number}: {fault}: {played}" for fault in faults_of(world, played)]
        ends[str(fresh(played.job).state)] += 1
        world.clean_up(kind)
    assert broken == []
    return ends


@pytest.mark.slow
@pytest.mark.parametrize("world", SEEDS, indirect=True)
def test_time_outs_around_the_start_never_start_twice(world):
    ends = play(world, ROUNDS)

    assert ends[JobState.FINISHED] > ROUNDS / 3
    assert set(ends) <= AT_REST


@pytest.mark.parametrize("meanwhile", ["nobody", "hurry"])
@pytest.mark.parametrize("kind", KINDS)
def test_print_that_begins_after_the_time_out_is_neither_given_up_nor_begun_again(world, kind, meanwhile):
    played = world.play(kind, fault="starts later", meanwhile=meanwhile, late_s=10, bad_looks=[])

    assert fresh(played.job).state == JobState.FINISHED
    assert world.started(played) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_stop_before_a_late_start_stops_it_when_it_comes(world, kind):
    played = world.play(kind, fault="starts later", meanwhile="stop", late_s=10, bad_looks=[])

    assert fresh(played.job).state == JobState.CANCELLED
    assert world.started(played) == 1
    assert not played.was_running_at_the_end


@pytest.mark.parametrize("kind", ["moonraker", "prusalink"])
def test_stop_of_a_start_that_never_came_ends_as_stopped(world, kind):
    played = world.play(kind, fault="never arrives", meanwhile="stop", bad_looks=[])

    assert fresh(played.job).state == JobState.CANCELLED
    assert world.started(played) == 0


def test_klipper_that_goes_as_the_print_begins_is_not_asked_again(world):
    played = world.play("moonraker", fault="printer's server goes as it begins", meanwhile="nobody", bad_looks=[])

    assert fresh(played.job).state == JobState.FAILED
    assert world.started(played) == 1


def test_what_has_changed_during_the_upload_keeps_it_from_starting(lab, monkeypatch):
    send = OctoPrintBackend.upload

    def send_slowly(*arguments):
        send(*arguments)
        # Somebody has printed by hand meanwhile, and left it on the bed.
        Printer.objects.update(is_bed_clear=False)

    monkeypatch.setattr(OctoPrintBackend, "upload", send_slowly)
    job = lab.queue()

    lab.tick()

    assert states(job)[-2:] == [JobState.UPLOADED, JobState.QUEUED]
    assert lab.remote.starts == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"is_enabled": False}, id="taken out of service"),
        pytest.param({"nozzle_mm": 0.8}, id="another nozzle"),
        pytest.param({"most_nozzle_c": 100}, id="another limit"),
    ],
)
def test_what_the_team_set_during_the_upload_counts(lab, monkeypatch, changes):
    send = OctoPrintBackend.upload

    def send_slowly(*arguments):
        send(*arguments)
        Printer.objects.update(**changes)

    monkeypatch.setattr(OctoPrintBackend, "upload", send_slowly)
    job = lab.queue(b"; nozzle_diameter = 0.4\nM104 S200\nG28\nG1 X10\n")

    lab.tick()

    assert states(job)[-2:] == [JobState.UPLOADED, JobState.QUEUED]
    assert lab.remote.starts == []


def test_next_look_is_counted_from_the_end_of_one_that_took_long(lab):
    lab.server.fault, slow = "hang", Timeouts(connect_s=0.3, read_s=1.1, upload_s=1.1)
    began_s = time.monotonic()

    visit(lab.row(), now=lab.now, timeouts=slow)

    took = dt.timedelta(seconds=int(time.monotonic() - began_s))
    row = lab.row()
    assert row.next_poll_at == lab.now + took + row.retry_delay()


def test_printer_is_never_free_and_due_as_before(lab):
    seen = []

    def note(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if sql.startswith('UPDATE "printing_printer"'):
            seen.append(Printer.objects.values_list("claimed_until", "next_poll_at").get(pk=lab.printer.pk))
        return answer

    Printer.objects.update(claimed_until=lab.now + dt.timedelta(minutes=1))
    row = lab.row()
    with connection.execute_wrapper(note):
        visit(row, now=lab.now)

    assert [due for claimed_until, due in seen if claimed_until is None and due <= lab.now] == []
    assert seen[-1][0] is None


def test_printer_that_is_being_visited_here_is_not_claimed_again(lab):
    Printer.objects.update(next_poll_at=lab.now, claimed_until=None)

    assert claim_due(lab.now, 8, but={lab.printer.pk}) == []
    assert claim_due(lab.now, 8, but={lab.printer.pk + 1}) == [lab.printer.pk]

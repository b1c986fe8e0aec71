"""The worker's loop on a real database with real commits: each printer once, no wish lost, no deadlock."""

import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from printing.dispatch import visit
from printing.errors import WrongJobState
from printing.loop import CLAIM_FOR, claim_due, renew_claims, run
from printing.messages import failure_words
from printing.models import JobState, PrintCommand, Printer, PrintJob
from printing.services import ask, move_job
from reservations.models import Reservation
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.factories import NOW, make_machine
from tests.printing.builders import TINY, fresh, make_printer, states

pytestmark = [
    pytest.mark.serial,
    # Naming the apps makes Django empty tables with CASCADE: the partitioned readings are not its own.
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]
MOST_WAIT_S = 20


def at_once(actions):
    """Run them all from one starting gun, each on a connection of its own."""
    gun = threading.Barrier(len(actions))

    def go(action):
        try:
            gun.wait(timeout=30)
            return action()
        except WrongJobState:
            return None
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(go, actions))


def printers(count, **fields):
    made = [make_printer(make_machine(), f"http://10.0.0.{n}", "key") for n in range(1, count + 1)]
    Printer.objects.filter(pk__in=[row.pk for row in made]).update(**({"next_poll_at": NOW} | fields))
    return [row.pk for row in made]


def wait_until(is_so):
    deadline = time.monotonic() + MOST_WAIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_two_workers_never_claim_the_same_printer():
    due = printers(20)

    claims = at_once([lambda: claim_due(NOW, 8) + claim_due(NOW, 8)] * 4)

    claimed = [pk for claim in claims for pk in claim]
    assert sorted(claimed) == sorted(due)


@pytest.mark.parametrize(
    ("fields", "is_claimed"),
    [
        ({}, True),
        ({"next_poll_at": NOW + dt.timedelta(seconds=1)}, False),
        ({"is_enabled": False}, False),
        ({"claimed_until": NOW + dt.timedelta(seconds=1)}, False),
        ({"claimed_until": NOW - dt.timedelta(seconds=1)}, True),
    ],
    ids=["due", "not yet", "out of service", "with another worker", "its worker was killed"],
)
def test_printer_is_claimed_when_it_is_due_and_free(fields, is_claimed):
    due = printers(1, **fields)

    assert claim_due(NOW, 8) == (due if is_claimed else [])


def test_printer_out_of_service_is_claimed_as_long_as_a_print_of_ours_has_it(lab):
    job = lab.queue()
    Printer.objects.update(is_enabled=False, next_poll_at=NOW)

    idle = claim_due(NOW, 8)
    PrintJob.objects.update(state=JobState.PRINTING)

    assert (idle, claim_due(NOW, 8)) == ([], [lab.printer.pk])
    PrintJob.objects.filter(pk=job.pk).update(state=JobState.FINISHED)
    assert claim_due(NOW + CLAIM_FOR * 2, 8) == []


def test_claims_that_have_waited_longest_come_first():
    late, later = printers(2)
    Printer.objects.filter(pk=later).update(next_poll_at=NOW - dt.timedelta(hours=1))

    assert claim_due(NOW, 1) == [later]
    assert claim_due(NOW, 1) == [late]
    assert claim_due(NOW + CLAIM_FOR, 1) == []


def test_renewed_claim_lasts_while_an_ended_one_stays_ended():
    visited, ended = printers(2)
    claim_due(NOW, 8)
    Printer.objects.filter(pk=ended).update(claimed_until=None)

    renew_claims({visited, ended}, NOW + CLAIM_FOR)

    assert claim_due(NOW + CLAIM_FOR * 1.5, 8) == [ended]


def test_wish_during_a_visit_is_not_overwritten_by_it(lab):
    lab.server.fault = "hang"
    wished_at = lab.now + dt.timedelta(milliseconds=1)
    visitor = threading.Thread(target=lambda: (visit(lab.row(), now=lab.now, timeouts=TINY), connection.close()))

    visitor.start()
    wait_until(lambda: lab.server.requests)
    Printer.objects.update(next_poll_at=wished_at)
    visitor.join()

    assert lab.row().next_poll_at == wished_at
    assert lab.row().unreachable_since == lab.now


def test_visits_by_two_workers_at_once_start_one_print(lab):
    """Claims prevent this; should one run out in the middle of a long upload, the states still do."""
    job = lab.queue()

    def one_visit():
        visit(lab.row(), now=lab.now, timeouts=TINY)

    at_once([one_visit] * 4)
    lab.tick()

    assert fresh(job).state == JobState.PRINTING
    assert lab.remote.starts == [job.remote_path]
    assert states(job).count(JobState.STARTING) == 1


def test_job_withdrawn_while_the_worker_takes_it_is_either_and_never_a_deadlock(lab):
    outcomes = set()
    for _ in range(15):
        job = lab.queue()

        at_once(
            [
                lambda job=job: ask(job=job, kind=PrintCommand.Kind.CANCEL, by=lab.person, now=lab.now),
                lambda job=job: move_job(job, JobState.DISPATCHING, now=lab.now),
            ]
        )

        asked = job.commands.filter(kind="cancel", done_at=None).exists()
        outcomes.add((fresh(job).state, asked))
        PrintJob.objects.filter(pk=job.pk).update(state=JobState.CANCELLED)

    # Either it was withdrawn, or the worker has it and knows that it is to be stopped.
    assert outcomes <= {(JobState.WITHDRAWN, False), (JobState.DISPATCHING, True)}


@pytest.fixture
def worker():
    """Starts the loop in a thread of its own; it ends with the test."""
    stopping = threading.Event()
    thread = threading.Thread(target=run, args=[stopping])
    yield thread.start
    stopping.set()
    thread.join()


def still_running():
    """The loop lives by the real clock: the lab's reservations last until after it."""
    Reservation.objects.update(end=timezone.now() + dt.timedelta(hours=2))


def test_loop_prints_to_the_end_while_another_printer_hangs(lab, worker):
    hanging = FakeOctoPrint()
    hanging.fault = "hang"
    silent = make_printer(make_machine(), hanging.url, hanging.api_key)
    job = lab.queue(b"G28\nG1 X1\nG4 S1\n")
    still_running()
    Printer.objects.update(next_poll_at=timezone.now())

    worker()
    wait_until(lambda: fresh(job).state == JobState.FINISHED)
    still_claimed = Printer.objects.get(pk=silent.pk).claimed_until
    hanging.stop()
    wait_until(lambda: Printer.objects.get(pk=silent.pk).claimed_until is None)

    assert still_claimed is not None
    assert Printer.objects.get(pk=silent.pk).error_code == "printer_unreachable"
    assert lab.remote.starts == [job.remote_path]


def test_visit_that_breaks_off_is_logged_and_the_loop_goes_on(lab, worker, caplog):
    job = lab.queue()
    broken = make_printer(make_machine(), "http://127.0.0.1:9", "key")
    Printer.objects.filter(pk=broken.pk).update(kind="teleporter")
    still_running()
    Printer.objects.update(next_poll_at=timezone.now())

    worker()
    wait_until(lambda: fresh(job).state == JobState.STARTING)
    wait_until(lambda: caplog.records)

    assert f"The visit of printer {broken.pk} broke off" in caplog.text
    wait_until(lambda: Printer.objects.get(pk=broken.pk).error_code)
    found = Printer.objects.get(pk=broken.pk)
    assert (found.error_code, found.failures, found.claimed_until) == ("visit_failed", 1, None)
    assert found.next_poll_at > timezone.now()
    assert failure_words("visit_failed") != failure_words("no such code")

"""Somebody acts on a print while the team hangs another spool in its printer: both are done, and neither reads an
error. The one has locked the print, the other the printer."""

import datetime as dt
import threading
import time

import pytest
from django.conf import settings
from django.db import connection, transaction

from printing.models import JobState, PrintCommand, Printer, PrintJob
from printing.moving import move_to
from printing.queue import hold_job
from printing.services import ask
from printing.spools import forget_looks
from tests.factories import make_machine
from tests.printing.builders import fresh, make_printer

pytestmark = [
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
    pytest.mark.serial,
]
MOST_WAIT_S = 20
LATER = dt.timedelta(minutes=5)


def hold(lab, job):
    return lambda: hold_job(job=job, is_held=True, by=lab.person, now=lab.now + LATER)


def stop(lab, job):
    PrintJob.objects.filter(pk=job.pk).update(state=JobState.UPLOADED)
    return lambda: ask(job=job, kind=PrintCommand.Kind.CANCEL, by=lab.person, now=lab.now + LATER)


def move(lab, job):
    other = make_machine(site=lab.machine.site, category=lab.machine.category)
    make_printer(other, "http://10.0.0.9", "key")
    Printer.objects.update(is_unattended=True)
    return lambda: move_to(job=job, machine=other, by=lab.person, now=lab.now + LATER)


def wait_until_somebody_waits_for_a_lock():
    deadline = time.monotonic() + MOST_WAIT_S
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone()[0]:
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("deed_of", [hold, stop, move])
def test_print_and_printer_are_changed_at_once_without_a_deadlock(lab, deed_of):
    raised = []
    deed = deed_of(lab, lab.queue())

    def act():
        try:
            deed()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    with transaction.atomic():
        # As where a spool is hung: the printer first, then the prints that wait for it.
        list(Printer.objects.select_for_update().filter(pk=lab.printer.pk))
        thread.start()
        wait_until_somebody_waits_for_a_lock()
        forget_looks([lab.machine.pk])
    thread.join(timeout=MOST_WAIT_S)

    assert raised == []
    assert lab.row().next_poll_at == lab.now + LATER


def test_print_that_is_moved_wakes_both_printers(lab):
    job = lab.queue()

    move(lab, job)()

    assert fresh(job).machine != lab.machine
    assert set(Printer.objects.values_list("next_poll_at", flat=True)) == {lab.now + LATER}

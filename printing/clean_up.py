"""Files of prints that are over are taken off the printer's own storage, some days later and only by the worker."""

import datetime as dt
import logging

from django.db.models import Exists, F, OuterRef

from printing.backends import PrinterBackend, PrinterError, PrinterStatus
from printing.models import JobState, Printer, PrintJob, PrintJobEvent
from printing.models.job import ENDED

log = logging.getLogger(__name__)

# So long somebody may want to look at it there, or print it once more by hand.
STAYS = dt.timedelta(days=3)
AGAIN_AFTER = dt.timedelta(days=1)
TRIES = 5


def clean_up(printer: Printer, status: PrinterStatus, backend: PrinterBackend, now: dt.datetime) -> None:
    """Take one file off an idle printer: the oldest that is due. What the printer refuses is tried again on other days,
    five times in all, and then left there.

    Never raises a PrinterError: that a file stays is a blemish, no failure.
    """
    job = next_to_remove(printer, now) if status.connection.is_ready else None
    if job is None:
        return
    tries = job.removal_tries + 1
    try:
        backend.delete(job.remote_path)
    except PrinterError as error:
        log.info("%s keeps the file of print %s (%s), try %s.", printer, job.reference, error.code, tries)
        PrintJob.objects.filter(pk=job.pk).update(removal_tries=tries)
    else:
        PrintJob.objects.filter(pk=job.pk).update(removal_tries=tries, removed_at=now)


def next_to_remove(printer: Printer, now: dt.datetime) -> PrintJob | None:
    """The ended job whose file has lain on this printer longest beyond its days; None where there is none.

    One whose file another job there still needs waits.
    """
    was_sent = PrintJobEvent.objects.filter(job=OuterRef("pk"), new=JobState.DISPATCHING)
    others = PrintJob.objects.filter(machine=printer.machine_id, remote_path=OuterRef("remote_path"))
    needed = others.exclude(pk=OuterRef("pk")).exclude(state__in=sorted(ENDED))
    over = PrintJob.objects.filter(
        machine=printer.machine_id, state__in=sorted(ENDED), removed_at=None, removal_tries__lt=TRIES,
        ended_at__lte=now - STAYS - F("removal_tries") * AGAIN_AFTER,
    ).exclude(remote_path="")  # fmt: skip
    return over.filter(Exists(was_sent), ~Exists(needed)).order_by("ended_at", "pk").first()

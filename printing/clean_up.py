"""Files of prints that are over are taken off the printer's own storage, some days later and only by the worker."""

import datetime as dt
import logging

from django.db import transaction
from django.db.models import Q

from printing.backends import PrinterBackend, PrinterError, PrinterStatus
from printing.models import Printer, PrintJob, SentFile
from printing.models.job import ENDED

log = logging.getLogger(__name__)

# So long somebody may want to look at it there, or print it once more by hand.
STAYS = dt.timedelta(days=3)
AGAIN_AFTER = dt.timedelta(days=1)
TRIES = 5


def note_sent(job: PrintJob, now: dt.datetime) -> None:
    """Its file is about to lie on its printer. Sending it again is once."""
    SentFile.objects.get_or_create(machine=job.machine, path=job.remote_path, defaults={"job": job, "sent_at": now})


def clean_up(printer: Printer, status: PrinterStatus, backend: PrinterBackend, now: dt.datetime) -> None:
    """Take one file off an idle printer: the oldest that is due. What the printer refuses is tried again on other days,
    five times in all, and then left there.

    Never raises a PrinterError: that a file stays is a blemish, no failure.
    """
    sent = next_to_remove(printer, now) if status.connection.is_ready else None
    if sent is None:
        return
    try:
        backend.delete(sent.path)
    except PrinterError as error:
        sent.tries, sent.next_try_at = sent.tries + 1, now + AGAIN_AFTER
        log.info("%s keeps a file of ours (%s), try %s.", printer, error.code, sent.tries)
        if sent.tries < TRIES:
            sent.save(update_fields=["tries", "next_try_at"])
            return
    with transaction.atomic():
        # Nobody looks for it there any more; the name in it need not be kept.
        if sent.job_id is not None:
            PrintJob.objects.filter(pk=sent.job_id, machine=sent.machine_id).update(remote_path="")
        sent.delete()


def next_to_remove(printer: Printer, now: dt.datetime) -> SentFile | None:
    """The file that has lain on this printer longest of those that are due; None where there is none.

    Due is what ended some days ago; at once what its person was erased from, and what is printed elsewhere.
    """
    is_over = Q(job__state__in=sorted(ENDED))
    is_due = Q(job=None) | ~Q(job__machine=printer.machine_id) | is_over & Q(job__person=None)
    is_due |= is_over & Q(job__ended_at__lte=now - STAYS)
    may_try = Q(next_try_at=None) | Q(next_try_at__lte=now)
    return SentFile.objects.filter(is_due, may_try, machine=printer.machine_id).order_by("sent_at", "pk").first()

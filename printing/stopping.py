"""A print that does not stop: asked again a few times, and then a person must press the button at the machine."""

import contextlib
import datetime as dt

from django.db.models import QuerySet

from printing.backends import PrinterBackend, PrinterConflict
from printing.models import PrintCommand, PrintJob
from printing.notices import tell_unheeded

# The first repetition comes at the next look: a stop that was asked before the print had begun is nothing to a printer.
AGAIN_AFTER = dt.timedelta(seconds=10)
TRIES = 6


def stop_again(job: PrintJob, backend: PrinterBackend, now: dt.datetime) -> None:
    """The printer goes on printing a job that is being stopped: ask it again, six times in all; then tell the team.

    Raises:
        PrinterError: no clear answer; it counts as asked.
    """
    command = _stops(job).last() or PrintCommand(job=job, kind=PrintCommand.Kind.CANCEL, asked_at=now, attempts=1)
    if command.attempts > 1 and command.done_at is not None and now - command.done_at < AGAIN_AFTER:
        return
    if command.attempts >= TRIES:
        tell_unheeded(job, now)
        return
    command.attempts, command.done_at, command.result = command.attempts + 1, now, "done"
    command.save()
    with contextlib.suppress(PrinterConflict):
        backend.cancel()


def tell_if_unheeded(job: PrintJob, now: dt.datetime) -> None:
    """The team, once, where the printer has not taken the wish to stop in six tries."""
    if is_unheeded(job):
        tell_unheeded(job, now)


def is_unheeded(job: PrintJob) -> bool:
    """Whether the job goes on although the printer was asked six times to stop it."""
    return job.is_active and _stops(job).filter(attempts__gte=TRIES).exists()


def _stops(job: PrintJob) -> QuerySet[PrintCommand]:
    return PrintCommand.objects.filter(job=job, kind=PrintCommand.Kind.CANCEL).order_by("pk")

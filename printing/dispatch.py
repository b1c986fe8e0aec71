"""One look at one printer: read its state, carry out what was asked, move its job along.

Only the worker calls this. Commands are never repeated blindly: after an unclear answer the printer's state is
read again. A printer that does not answer ends no job: see docs/print-jobs.md.
"""

import datetime as dt
import logging

from django.conf import settings

from fablab.lib.live import announce_machines
from fablab.lib.secretbox import SecretUnreadable, unseal
from printing.backends import (
    PrinterBackend,
    PrinterConflict,
    PrinterConnection,
    PrinterError,
    PrinterRejected,
    PrinterStatus,
    PrinterUnreachable,
    Timeouts,
    make_backend,
)
from printing.files import stored_path
from printing.models import ACTIVE, JobState, PrintCommand, Printer, PrintJob
from printing.rules import StartFacts, start_denials
from printing.services import move_job
from reservations.models import Status

log = logging.getLogger(__name__)

ACTIVE_EVERY = dt.timedelta(seconds=2)
IDLE_EVERY = dt.timedelta(seconds=30)
WAITING_EVERY = dt.timedelta(seconds=5)
MISSES_MOST = 2
UPLOAD_TRIES = 5


def visit(printer: Printer, *, now: dt.datetime, timeouts: Timeouts | None = None) -> None:
    """Look at the printer once and write down what was found; sets when to look again."""
    due_at = printer.next_poll_at
    job = active_job(printer) or next_job(printer)
    was = (printer.unreachable_since is not None, printer.connection, printer.error_code)
    try:
        backend = _backend(printer, timeouts)
        status = backend.status()
        _answered(printer, status, now)
        if job is not None:
            job = _drive(printer, job, status, backend, now)
        elif status.connection == PrinterConnection.OFFLINE:
            backend.connect()
    except PrinterError as error:
        _failed(printer, error.code, now, is_away=isinstance(error, PrinterUnreachable))
    except SecretUnreadable:
        _failed(printer, "secret_unreadable", now, is_away=False)
    printer.claimed_until = None
    printer.save(
        update_fields=[
            "claimed_until",
            "last_answer_at",
            "unreachable_since",
            "failures",
            "error_code",
            "connection",
        ]
    )
    # A page may have asked for an earlier look meanwhile: its wish stands.
    Printer.objects.filter(pk=printer.pk, next_poll_at=due_at).update(next_poll_at=now + _delay(printer, job))
    if was != (printer.unreachable_since is not None, printer.connection, printer.error_code):
        announce_machines([printer.machine_id])


def _backend(printer: Printer, timeouts: Timeouts | None) -> PrinterBackend:
    return make_backend(
        printer.kind,
        url=printer.base_url,
        api_key=unseal(printer.api_key_sealed),
        networks=settings.PRINTER_NETWORKS,
        timeouts=timeouts or Timeouts(),
    )


def active_job(printer: Printer) -> PrintJob | None:
    """The job that has the printer."""
    rows = PrintJob.objects.filter(machine=printer.machine_id, state__in=ACTIVE)
    return rows.select_related("file", "reservation").first()


def next_job(printer: Printer) -> PrintJob | None:
    """The queued job whose turn it is: those whose person is there first, then the oldest."""
    rows = PrintJob.objects.filter(machine=printer.machine_id, state=JobState.QUEUED)
    waiting = list(rows.select_related("file", "reservation").order_by("created_at"))
    return next((job for job in waiting if is_checked_in(job)), waiting[0] if waiting else None)


def is_checked_in(job: PrintJob) -> bool:
    """Whether the job's reservation is in use."""
    return job.reservation is not None and job.reservation.status == Status.IN_USE


def _answered(printer: Printer, status: PrinterStatus, now: dt.datetime) -> None:
    if printer.unreachable_since is not None:
        log.info("%s answers again.", printer)
    printer.last_answer_at, printer.unreachable_since = now, None
    printer.failures, printer.error_code = 0, ""
    printer.connection = status.connection.value


def _failed(printer: Printer, code: str, now: dt.datetime, *, is_away: bool) -> None:
    if printer.error_code != code:
        log.warning("%s: %s", printer, code)
    printer.failures = min(printer.failures + 1, 1000)
    printer.error_code = code
    if is_away and printer.unreachable_since is None:
        printer.unreachable_since = now


def _delay(printer: Printer, job: PrintJob | None) -> dt.timedelta:
    if printer.failures:
        return printer.retry_delay()
    if job is not None and job.state in ACTIVE:
        return ACTIVE_EVERY
    return WAITING_EVERY if job is not None and job.state == JobState.QUEUED else IDLE_EVERY


def _drive(
    printer: Printer, job: PrintJob, status: PrinterStatus, backend: PrinterBackend, now: dt.datetime
) -> PrintJob:
    if job.state == JobState.QUEUED:
        facts = StartFacts(is_checked_in(job), printer.is_bed_clear, status.connection.is_ready, True)
        if start_denials(facts):
            if status.connection == PrinterConnection.OFFLINE:
                backend.connect()
            return job
        job = move_job(job, JobState.DISPATCHING, now=now, misses=0)
    if job.state == JobState.DISPATCHING:
        job = _send(job, backend, now)
    if job.state == JobState.UPLOADED:
        return _start(job, backend, now)
    if job.state in ACTIVE and job.state != JobState.DISPATCHING:
        job = _watch(job, status, backend, now)
        _obey(job, backend, now)
    return job


def _send(job: PrintJob, backend: PrinterBackend, now: dt.datetime) -> PrintJob:
    """Upload; the same file already there counts as sent, so that an unclear end may be repeated."""
    if _pending(job, PrintCommand.Kind.CANCEL, now) is not None:
        return move_job(job, JobState.CANCELLED, now=now)
    path = stored_path(job.file)
    if not path.exists():
        return move_job(job, JobState.FAILED, now=now, reason="file_missing")
    try:
        backend.upload(path, job.remote_path, {"job": job.reference})
    except PrinterRejected as error:
        return move_job(job, JobState.FAILED, now=now, reason=error.code)
    except PrinterError as error:
        job.misses += 1
        job.save(update_fields=["misses"])
        if job.misses >= UPLOAD_TRIES:
            return move_job(job, JobState.FAILED, now=now, reason="too_many_tries", detail=error.code)
        raise
    return move_job(job, JobState.UPLOADED, now=now, misses=0)


def _start(job: PrintJob, backend: PrinterBackend, now: dt.datetime) -> PrintJob:
    """The intent is written down before the command: after a crash the state is read, never the command repeated."""
    job = move_job(job, JobState.STARTING, now=now)
    try:
        backend.select_and_start(job.remote_path)
    except PrinterConflict:
        log.info("%s: start refused, reading the printer's state again", job.reference)
    except PrinterRejected as error:
        return move_job(job, JobState.FAILED, now=now, reason=error.code)
    return job


def _watch(job: PrintJob, status: PrinterStatus, backend: PrinterBackend, now: dt.datetime) -> PrintJob:
    """Bring the job into line with what the printer says."""
    is_ours = status.remote_path == job.remote_path
    if is_ours and status.connection.is_busy:
        return _running(job, status, now)
    if status.connection == PrinterConnection.ERROR:
        return move_job(job, JobState.FAILED, now=now, reason="connection_lost", detail=status.error_text)
    if is_ours and status.completion_pct is not None and status.completion_pct >= 100:
        return move_job(job, JobState.FINISHED, now=now)
    if job.state == JobState.CANCELLING and not status.connection.is_busy:
        return move_job(job, JobState.CANCELLED, now=now)
    return _missing(job, status, backend, now, is_ours=is_ours)


def _running(job: PrintJob, status: PrinterStatus, now: dt.datetime) -> PrintJob:
    state = {
        PrinterConnection.PAUSED: JobState.PAUSED,
        PrinterConnection.CANCELLING: JobState.CANCELLING,
    }.get(status.connection, JobState.PRINTING)
    if job.state == JobState.CANCELLING:
        state = JobState.CANCELLING
    if job.state != state:
        job = move_job(job, state, now=now)
    progress = min(max(status.completion_pct or 0.0, 0.0), 100.0)
    left = dt.timedelta(seconds=status.time_left_s) if status.time_left_s is not None else None
    if (round(progress, 1), left, 0) != (round(job.progress_pct, 1), job.time_left, job.misses):
        job.progress_pct, job.time_left, job.misses = progress, left, 0
        job.save(update_fields=["progress_pct", "time_left", "misses"])
        announce_machines([job.machine_id])
    return job


def _missing(
    job: PrintJob, status: PrinterStatus, backend: PrinterBackend, now: dt.datetime, *, is_ours: bool
) -> PrintJob:
    """Not running, not finished: asked again twice, then settled by what the printer remembers of the file."""
    job.misses += 1
    job.save(update_fields=["misses"])
    if job.misses <= MISSES_MOST:
        return job
    if job.state == JobState.STARTING and is_ours and status.connection.is_ready:
        # It was selected and never ran: the one case in which starting again is safe.
        return _start(move_job(job, JobState.UPLOADED, now=now, misses=0), backend, now)
    last = backend.last_print(job.remote_path)
    began = job.started_at or job.created_at
    if last is not None and last.ended_at >= began - dt.timedelta(minutes=1):
        if last.is_success:
            return move_job(job, JobState.FINISHED, now=now)
        return move_job(job, JobState.CANCELLED, now=now, reason="stopped_at_printer")
    if is_ours and status.connection.is_ready and job.state != JobState.STARTING:
        return move_job(job, JobState.CANCELLED, now=now, reason="stopped_at_printer")
    return move_job(job, JobState.LOST, now=now, reason="lost")


def _pending(job: PrintJob, kind: PrintCommand.Kind, now: dt.datetime) -> PrintCommand | None:
    command = PrintCommand.objects.filter(job=job, kind=kind, done_at=None).first()
    if command is not None:
        command.done_at, command.result = now, "done"
        command.save(update_fields=["done_at", "result"])
    return command


def _obey(job: PrintJob, backend: PrinterBackend, now: dt.datetime) -> None:
    """Carry out what people asked of the running job, oldest first; what makes no sense any more is closed."""
    for command in PrintCommand.objects.filter(job=job, done_at=None).order_by("pk"):
        if job.state not in ACTIVE:
            command.result = "job_ended"
        else:
            command.attempts += 1
            command.save(update_fields=["attempts"])
            command.result = _carry_out(job, command, backend, now)
        command.done_at = now
        command.save(update_fields=["done_at", "result", "attempts"])


def _carry_out(job: PrintJob, command: PrintCommand, backend: PrinterBackend, now: dt.datetime) -> str:
    try:
        if command.kind == PrintCommand.Kind.PAUSE:
            backend.pause()
        elif command.kind == PrintCommand.Kind.RESUME:
            backend.resume()
        else:
            backend.cancel()
            move_job(job, JobState.CANCELLING, now=now, by=command.asked_by)
    except PrinterConflict as error:
        return error.code
    return "done"

"""The job that has the printer: brought into line with what the printer says, and with what people asked.

Every end needs evidence; what has none is `lost`, and a person says how it ended. See docs/print-jobs.md.
"""

import datetime as dt

from fablab.lib.live import announce_machines
from printing.backends import (
    LastPrint,
    PrinterBackend,
    PrinterConflict,
    PrinterConnection,
    PrinterRejected,
    PrinterStatus,
)
from printing.layers import layer_of
from printing.models import ACTIVE, JobState, PrintCommand, PrintJob
from printing.services import move_job
from printing.stopping import stop_again
from printing.told import note_last

MISSES_MOST = 2
STOPPING = frozenset({PrinterConnection.CANCELLING, PrinterConnection.FINISHING})


def watch(
    job: PrintJob,
    status: PrinterStatus,
    backend: PrinterBackend,
    now: dt.datetime,
    *,
    patience: dt.timedelta,
    was_away: bool = False,
) -> PrintJob:
    """Move a job that was started to where the printer's state shows it to be.

    `patience`: a start without an answer may still take effect for so long. `was_away`: the printer was silent until a
    moment ago, and somebody may have stopped the print there meanwhile.

    Raises:
        PrinterError: the printer was asked something more and did not answer well; the job is as it was.
    """
    is_ours = status.remote_path == job.remote_path
    if is_ours and status.connection.is_busy:
        return _running(job, status, backend, now)
    if is_ours and status.completion_pct is not None and status.completion_pct >= 100:
        return _ended(job, JobState.FINISHED, now)
    if status.connection == PrinterConnection.ERROR:
        last = note_last(job, backend.last_print(job.remote_path), now)
        if last is not None or not was_away:
            return _broken(job, status, last, now)
    has_run = job.started_at is not None or (is_ours and status.last_print is not None)
    if job.state == JobState.CANCELLING and not status.connection.is_busy and has_run:
        return _stopped(job, now)
    return _missing(job, status, backend, now, is_ours=is_ours, patience=patience, was_away=was_away)


def _ended(job: PrintJob, new: JobState, now: dt.datetime, reason: str = "", detail: str = "") -> PrintJob:
    """Over before it was ever seen printing: it was printed all the same, so the machine was used."""
    if job.state == JobState.STARTING:
        job = move_job(job, JobState.PRINTING, now=now)
    return move_job(job, new, now=now, reason=reason, detail=detail)


def _stopped(job: PrintJob, now: dt.datetime) -> PrintJob:
    """Cancelled, for the reason that its stopping had: a person's wish has none."""
    asked = job.events.filter(new=JobState.CANCELLING).order_by("pk").last()
    return move_job(job, JobState.CANCELLED, now=now, reason=asked.reason if asked is not None else "")


def _broken(job: PrintJob, status: PrinterStatus, last: LastPrint | None, now: dt.datetime) -> PrintJob:
    if last is not None and last.is_success:
        # Done, and then switched off: that looks like an error too.
        return _ended(job, JobState.FINISHED, now)
    if job.state == JobState.CANCELLING:
        # Stopped by a person, and switched off before we looked again.
        return _stopped(job, now)
    reason = "printer_error" if status.error_text else "connection_lost"
    return _ended(job, JobState.FAILED, now, reason=reason, detail=status.error_text)


def _running(job: PrintJob, status: PrinterStatus, backend: PrinterBackend, now: dt.datetime) -> PrintJob:
    if job.state == JobState.CANCELLING:
        if status.connection not in STOPPING:
            # The printer was asked before the print had begun, or did not take it.
            stop_again(job, backend, now)
    else:
        job = _at_state(job, status.connection, now)
    progress = min(max(status.completion_pct or 0.0, 0.0), 100.0)
    left = dt.timedelta(seconds=status.time_left_s) if status.time_left_s is not None else None
    layer, layers = layer_of(job, status)
    seen = (round(progress, 1), left, 0, layer)
    if seen != (round(job.progress_pct, 1), job.time_left, job.misses, job.layer):
        job.progress_pct, job.time_left, job.misses = progress, left, 0
        job.time_left_origin = status.time_left_origin[:12]
        job.layer, job.layers = layer, layers
        job.save(update_fields=["progress_pct", "time_left", "time_left_origin", "layer", "layers", "misses"])
        announce_machines([job.machine_id])
    return job


def _at_state(job: PrintJob, connection: PrinterConnection, now: dt.datetime) -> PrintJob:
    if job.state == JobState.STARTING:
        job = move_job(job, JobState.PRINTING, now=now)
    if connection == PrinterConnection.CANCELLING:
        return move_job(job, JobState.CANCELLING, now=now, reason="stopped_at_printer")
    seen = JobState.PAUSED if connection == PrinterConnection.PAUSED else JobState.PRINTING
    # Most looks find what was there before: that takes no lock.
    return job if job.state == seen else move_job(job, seen, now=now)


def _missing(
    job: PrintJob,
    status: PrinterStatus,
    backend: PrinterBackend,
    now: dt.datetime,
    *,
    is_ours: bool,
    patience: dt.timedelta,
    was_away: bool,
) -> PrintJob:
    """Not running, not finished: asked again twice, then settled by what the printer remembers of the file."""
    job.misses = min(job.misses + 1, 1000)
    job.save(update_fields=["misses"])
    if job.misses <= MISSES_MOST:
        return job
    # No other job ever has this path: whatever ended there is this print, whatever the printer's clock says.
    last = note_last(job, backend.last_print(job.remote_path), now)
    if last is not None and last.is_success:
        return _ended(job, JobState.FINISHED, now)
    if last is not None and job.state == JobState.CANCELLING:
        return _stopped(job, now)
    if last is not None and last.is_error:
        is_link_closed = status.connection == PrinterConnection.OFFLINE and not status.error_text
        if is_link_closed and was_away and last.is_inferred:
            # Stopped and then switched off leaves the same: a person who looks at the bed knows better.
            return move_job(job, JobState.LOST, now=now, reason="lost")
        reason = "connection_lost" if is_link_closed else "printer_error"
        return _ended(job, JobState.FAILED, now, reason=reason, detail=status.error_text)
    if last is not None:
        return _ended(job, JobState.CANCELLED, now, reason="stopped_at_printer")
    if _may_still_start(job, now, patience):
        # Wishes of people make us look sooner: three looks may lie within two seconds.
        return job
    if job.state == JobState.CANCELLING and not status.connection.is_busy:
        return _stopped(job, now)
    if is_ours and status.connection.is_ready:
        if job.state == JobState.STARTING:
            # It was selected and never ran: the one case in which starting again is safe.
            return move_job(job, JobState.UPLOADED, now=now, reason="never_ran", misses=0)
        return move_job(job, JobState.CANCELLED, now=now, reason="stopped_at_printer")
    return move_job(job, JobState.LOST, now=now, reason="lost")


def _may_still_start(job: PrintJob, now: dt.datetime, patience: dt.timedelta) -> bool:
    if job.started_at is not None:
        return False
    begun = job.events.filter(new=JobState.STARTING).order_by("pk").last()
    return begun is not None and now - begun.at < patience


def obey(job: PrintJob, status: PrinterStatus, backend: PrinterBackend, now: dt.datetime) -> PrintJob:
    """Carry out what people asked of the running job, oldest first; what makes no sense any more is closed.

    While the printer prints something else, a wish waits until it is known what became of our print: the printer would
    stop whatever runs.

    Raises:
        PrinterError: no clear answer: asked again at the next visit, for each of the three may be repeated.
    """
    if job.state in ACTIVE and status.connection.is_busy and status.remote_path not in (None, job.remote_path):
        return job
    for command in PrintCommand.objects.filter(job=job, done_at=None).order_by("pk"):
        if job.state not in ACTIVE:
            command.result = "job_ended"
        else:
            command.attempts += 1
            command.save(update_fields=["attempts"])
            command.result = _carry_out(command, backend)
            if command.kind == PrintCommand.Kind.CANCEL:
                job = move_job(job, JobState.CANCELLING, now=now, by=command.asked_by)
        command.done_at = now
        command.save(update_fields=["done_at", "result"])
    return job


def _carry_out(command: PrintCommand, backend: PrinterBackend) -> str:
    try:
        if command.kind == PrintCommand.Kind.PAUSE:
            backend.pause()
        elif command.kind == PrintCommand.Kind.RESUME:
            backend.resume()
        else:
            backend.cancel()
    except (PrinterConflict, PrinterRejected) as error:
        return error.code
    return "done"

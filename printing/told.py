"""What the printer itself counts of a print: noted while it runs and at its end, held against what was seen of it."""

import datetime as dt

from django.db.models import QuerySet

from printing.backends import LastPrint, PrinterStatus
from printing.models import JobState, PrintJob, PrintJobEvent

# Often enough for a print that ends unseen; its last word is noted in any case.
NOTED_EVERY = dt.timedelta(seconds=10)
NOTHING = dt.timedelta()


def note_told(job: PrintJob, status: PrinterStatus, now: dt.datetime) -> None:
    """Write down what the printer says of this job's minutes and filament; nothing where it speaks of another file."""
    if status.remote_path != job.remote_path:
        return
    if status.connection.is_busy:
        if job.told_at is None or now - job.told_at >= NOTED_EVERY:
            _note(job, status.print_time_s, status.filament_used_mm, now)
        return
    last = status.last_print
    told_s = last.print_time_s if last is not None else None
    used_mm = last.filament_used_mm if last is not None else None
    _note(
        job,
        told_s if told_s is not None else status.print_time_s,
        used_mm if used_mm is not None else status.filament_used_mm,
        now,
    )


def note_last(job: PrintJob, last: LastPrint | None, now: dt.datetime) -> LastPrint | None:
    """The printer's record of the job's print, once its minutes are written down; where it has none, its end."""
    if last is None:
        return None
    told_s = last.print_time_s
    if told_s is None and job.started_at is not None and job.started_at <= last.ended_at <= now:
        told_s = int((last.ended_at - job.started_at - paused(job, last.ended_at)).total_seconds())
    _note(job, told_s, last.filament_used_mm, now)
    return last


def printing_time(job: PrintJob, now: dt.datetime) -> dt.timedelta:
    """How long the ended job really printed: by the printer's own count, else as it was seen, without its pauses.

    Never less than nothing, and never more than went by since the printer was told to start it.
    """
    if job.started_at is None:
        return NOTHING
    end = job.ended_at or now
    rests = paused(job, end)
    told = job.told_time
    is_finished = job.state == JobState.FINISHED
    if told is None or (is_finished and not told):
        return max(end - job.started_at - rests, NOTHING)
    if is_finished and job.told_at is not None and job.told_at < end:
        told += _unseen(job, told, end - job.told_at)
    begun = _events(job).filter(new=JobState.STARTING, at__lte=job.started_at).last()
    most = end - (begun.at if begun is not None else job.started_at) - rests
    return max(min(told, most), NOTHING)


def paused(job: PrintJob, until: dt.datetime) -> dt.timedelta:
    """How long it was seen to stand still."""
    total, since = NOTHING, None
    for event in _events(job):
        at = min(event.at, until)
        if since is not None:
            total, since = total + (at - since), None
        if event.new == JobState.PAUSED:
            since = at
    return total + (until - since if since is not None else NOTHING)


def _unseen(job: PrintJob, told: dt.timedelta, gone: dt.timedelta) -> dt.timedelta:
    """It went on to its end after the printer's last word: for what was left by the slicer's estimate, at most."""
    if job.file.estimated is None:
        return gone
    return min(gone, max(job.file.estimated - told, NOTHING))


def _events(job: PrintJob) -> QuerySet[PrintJobEvent]:
    return job.events.order_by("at", "pk")


def _note(job: PrintJob, told_s: int | None, used_mm: float | None, now: dt.datetime) -> None:
    fields: dict[str, object] = {}
    if told_s is not None:
        # Whatever a printer says, no print is longer than the time since it was handed in.
        fields = {"told_time": min(dt.timedelta(seconds=min(told_s, 10**9)), now - job.created_at), "told_at": now}
    if used_mm is not None:
        fields["used_mm"] = used_mm
    if fields:
        for name, value in fields.items():
            setattr(job, name, value)
        PrintJob.objects.filter(pk=job.pk).update(**fields)

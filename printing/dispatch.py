"""One look at one printer: read its state, carry out what was asked, move its job along.

Only the worker calls this; `watch.py` follows a job once it was started. Commands are never repeated blindly:
after an unclear answer the printer's state is read again. A printer that does not answer ends no job: see
docs/print-jobs.md.
"""

import datetime as dt
import logging
import time

from django.conf import settings
from django.db import transaction

from fablab.lib.denials import Denial
from fablab.lib.live import announce_machines
from fablab.lib.secretbox import SecretUnreadable, unseal
from iot.heat import HOT_C, note_nozzle
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
from printing.clean_up import clean_up, note_sent
from printing.errors import WrongJobState
from printing.files import stored_path
from printing.models import ACTIVE, JobState, PrintCommand, Printer, PrintJob
from printing.notices import tell_bed_waits
from printing.other_prints import BUSY, follow_other
from printing.rules import Code, start_denials
from printing.services import last_on_bed, move_job, take_over
from printing.stopping import tell_if_unheeded
from printing.told import note_told
from printing.turns import next_job, one_at_a_time, reservation_for, start_facts
from printing.watch import obey, watch

log = logging.getLogger(__name__)

ACTIVE_EVERY = dt.timedelta(seconds=2)
IDLE_EVERY = dt.timedelta(seconds=30)
WAITING_EVERY = dt.timedelta(seconds=5)
# What a visit writes down of the printer.
WRITTEN = (
    "claimed_until", "last_answer_at", "returned_at", "unreachable_since", "failures", "error_code", "connection",
    "nozzle_c", "nozzle_target_c", "bed_c", "bed_target_c",
)  # fmt: skip
# What the team sets, and what people say of the bed: read again after an upload, which may take minutes.
SETTINGS = [
    field.name
    for field in Printer._meta.concrete_fields
    if field.name not in (*WRITTEN, "id", "machine", "next_poll_at")
]
# Longer than any pause between two looks: nobody knows what was done there meanwhile.
SILENCE = dt.timedelta(minutes=1)
UPLOAD_TRIES = 5
# Doubling: five tries take half an hour, in which an overloaded or full printer may be helped.
UPLOAD_AGAIN = dt.timedelta(minutes=2)
START_TRIES = 5
# Moonraker's word when Klipper is gone: perhaps before it heard of the start, perhaps in the midst of it.
UNAVAILABLE = 503
VISIT_FAILED = "visit_failed"


def visit(printer: Printer, *, now: dt.datetime, timeouts: Timeouts | None = None) -> None:
    """Look at the printer once and write down what was found; sets when to look again."""
    began_s, due_at = time.monotonic(), printer.next_poll_at
    timeouts = timeouts or Timeouts()
    job = active_job(printer) or (next_job(printer, now) if printer.is_enabled else None)
    was = (printer.unreachable_since is not None, printer.connection, printer.error_code)
    try:
        backend = _backend(printer, timeouts)
        status = backend.status(with_temperatures=_is_hot_or_works(printer, job))
        _answered(printer, status, now)
        follow_other(printer, job, status, now)
        if job is not None:
            job = _drive(printer, job, status, backend, now, began_s, patience=_patience(timeouts))
        elif status.connection == PrinterConnection.OFFLINE and printer.is_enabled:
            backend.connect()
        if job is None or job.state not in ACTIVE:
            clean_up(printer, status, backend, now)
    except PrinterError as error:
        _failed(printer, error.code, now, is_away=isinstance(error, PrinterUnreachable))
        job = active_job(printer) or job
        if job is not None:
            tell_if_unheeded(job, now)
    except SecretUnreadable:
        _failed(printer, "secret_unreadable", now, is_away=False)
    except WrongJobState as error:
        # A person withdrew it between our look and our move: the next visit sees that.
        log.info("%s: %s", printer, error)
    # Counted from the end: what took as long as the delay would else be asked again without a rest.
    next_poll_at = _by_now(now, began_s) + _delay(printer, job)
    # A page may have asked for an earlier look meanwhile: its wish stands.
    Printer.objects.filter(pk=printer.pk, next_poll_at=due_at).update(next_poll_at=next_poll_at)
    # Last: whoever finds it free must not find it due as before.
    printer.claimed_until = None
    printer.save(update_fields=WRITTEN)
    if was != (printer.unreachable_since is not None, printer.connection, printer.error_code):
        announce_machines([printer.machine_id])


def broke_off(printer: Printer, *, now: dt.datetime) -> None:
    """Write down that the visit of `printer` ended in an error that nobody thought of: what it read is given up, the
    page says so, and the next look is a retry."""
    fresh = Printer.objects.get(pk=printer.pk)
    is_new = fresh.error_code != VISIT_FAILED
    _failed(fresh, VISIT_FAILED, now, is_away=False)
    Printer.objects.filter(pk=fresh.pk, next_poll_at=printer.next_poll_at).update(
        next_poll_at=now + fresh.retry_delay()
    )
    fresh.claimed_until = None
    fresh.save(update_fields=["failures", "error_code", "claimed_until"])
    if is_new:
        announce_machines([fresh.machine_id])


def _by_now(now: dt.datetime, began_s: float) -> dt.datetime:
    """What time it has become in a visit that began at `now`, in whole seconds."""
    return now + dt.timedelta(seconds=int(time.monotonic() - began_s))


def _patience(timeouts: Timeouts) -> dt.timedelta:
    """How long a command may lie about at the printer's server after we ceased to wait for its answer."""
    return dt.timedelta(seconds=2 * timeouts.read_s)


def _backend(printer: Printer, timeouts: Timeouts) -> PrinterBackend:
    return make_backend(
        printer.kind,
        url=printer.base_url,
        api_key=unseal(printer.api_key_sealed),
        networks=settings.PRINTER_NETWORKS,
        timeouts=timeouts,
    )


def active_job(printer: Printer) -> PrintJob | None:
    """The job that has the printer."""
    rows = PrintJob.objects.filter(machine=printer.machine_id, state__in=ACTIVE)
    return rows.select_related("file", "reservation", "person", "machine__unit__site").first()


def _waits_for(printer: Printer, job: PrintJob, status: PrinterStatus, now: dt.datetime) -> list[Denial]:
    """What the job waits for; an empty list lets it start."""
    return start_denials(start_facts(job, printer, connection=status.connection, is_reachable=True, now=now))


def _is_hot_or_works(printer: Printer, job: PrintJob | None) -> bool:
    """How hot it is matters while it works, be it not for us, and after that until it has cooled down."""
    works = (job is not None and job.state in ACTIVE) or printer.connection in BUSY
    return works or (printer.nozzle_c is not None and printer.nozzle_c >= HOT_C)


def _answered(printer: Printer, status: PrinterStatus, now: dt.datetime) -> None:
    if printer.unreachable_since is not None:
        log.info("%s answers again.", printer)
    if printer.last_answer_at is None or now - printer.last_answer_at > SILENCE:
        printer.returned_at = now
    printer.last_answer_at, printer.unreachable_since = now, None
    printer.failures, printer.error_code = 0, ""
    printer.connection = status.connection.value
    if status.nozzle_c is not None and max(status.nozzle_c, printer.nozzle_c or 0.0) >= HOT_C:
        note_nozzle(machine_id=printer.machine_id, nozzle_c=status.nozzle_c, now=now)
    printer.nozzle_c, printer.nozzle_target_c = status.nozzle_c, status.nozzle_target_c
    printer.bed_c, printer.bed_target_c = status.bed_c, status.bed_target_c


def _failed(printer: Printer, code: str, now: dt.datetime, *, is_away: bool) -> None:
    if printer.error_code != code:
        log.warning("%s: %s", printer, code)
    printer.failures = min(printer.failures + 1, 1000)
    printer.error_code = code
    if is_away and printer.unreachable_since is None:
        printer.unreachable_since = now


def _delay(printer: Printer, job: PrintJob | None) -> dt.timedelta:
    if job is not None and job.state == JobState.DISPATCHING and job.misses:
        return UPLOAD_AGAIN * 2 ** (job.misses - 1)
    if printer.failures:
        return printer.retry_delay()
    if job is not None and job.state in ACTIVE:
        return ACTIVE_EVERY
    return WAITING_EVERY if job is not None and job.state == JobState.QUEUED else IDLE_EVERY


def _drive(
    printer: Printer,
    job: PrintJob,
    status: PrinterStatus,
    backend: PrinterBackend,
    now: dt.datetime,
    began_s: float,
    *,
    patience: dt.timedelta,
) -> PrintJob:
    if job.state == JobState.QUEUED:
        if denials := _waits_for(printer, job, status, now):
            if status.connection == PrinterConnection.OFFLINE:
                backend.connect()
            _ask_for_bed(printer, job, denials, now)
            return job
        reservation = reservation_for(job, printer, now)
        job = take_over(job, printer.machine, now=now)
        job = move_job(job, JobState.DISPATCHING, now=now, misses=0, reservation=reservation)
    if job.state in (JobState.STARTING, JobState.PRINTING, JobState.PAUSED, JobState.CANCELLING):
        note_told(job, status, now)
        was_away = _was_away(printer, job, now)
        try:
            job = watch(job, status, backend, now, patience=patience, was_away=was_away)
        except (PrinterError, WrongJobState):
            raise
        except Exception:
            # Whatever is odd about the news of it, people can stop it.
            if (still := active_job(printer)) is not None:
                obey(still, status, backend, now)
            raise
        job = obey(job, status, backend, now)
    if job.state == JobState.DISPATCHING:
        job = _send(printer, job, backend, now)
        if job.state == JobState.UPLOADED:
            # It may have taken minutes: whether the job may start is asked of the present.
            now, status = _by_now(now, began_s), backend.status()
            printer.refresh_from_db(fields=SETTINGS)
    if job.state == JobState.UPLOADED:
        job = _start(printer, job, status, backend, now)
    return job


def _was_away(printer: Printer, job: PrintJob, now: dt.datetime) -> bool:
    """Whether it was silent until a moment ago, and the job had been started before that."""
    if printer.returned_at is None or now - printer.returned_at >= SILENCE:
        return False
    return job.events.filter(new=JobState.STARTING, at__lt=printer.returned_at).exists()


def _ask_for_bed(printer: Printer, job: PrintJob, denials: list[Denial], now: dt.datetime) -> None:
    """Only the bed is in the way, and what lies on it is somebody else's: they are asked to take it off, once."""
    if [denial.code for denial in denials] != [Code.BED_NOT_CLEAR]:
        return
    last = last_on_bed(printer.machine)
    if last is not None and last.person_id != job.person_id:
        tell_bed_waits(last, now)


def _stopped_before_start(job: PrintJob, now: dt.datetime) -> PrintJob | None:
    with transaction.atomic():
        command = job.commands.filter(kind=PrintCommand.Kind.CANCEL, done_at=None).first()
        if command is None:
            return None
        command.done_at, command.result = now, "done"
        command.save(update_fields=["done_at", "result"])
        return move_job(job, JobState.CANCELLED, now=now, by=command.asked_by)


def _send(printer: Printer, job: PrintJob, backend: PrinterBackend, now: dt.datetime) -> PrintJob:
    """Upload; the same file already there counts as sent, so that an unclear end may be repeated."""
    if stopped := _stopped_before_start(job, now):
        return stopped
    if not printer.is_enabled:
        # Part of the file may be there: it goes on once the printer is back, or is stopped by a person.
        return job
    path = stored_path(job.file)
    try:
        if path.stat().st_size != job.file.size_bytes:
            return move_job(job, JobState.FAILED, now=now, reason="file_missing")
        note_sent(job, now)
        backend.upload(path, job.remote_path, {"job": job.reference})
    except OSError:
        return move_job(job, JobState.FAILED, now=now, reason="file_missing")
    except PrinterRejected as error:
        return move_job(job, JobState.FAILED, now=now, reason=error.code)
    except PrinterError as error:
        job.misses += 1
        job.save(update_fields=["misses"])
        if job.misses >= UPLOAD_TRIES:
            return move_job(job, JobState.FAILED, now=now, reason="too_many_tries", detail=error.code)
        raise
    return move_job(job, JobState.UPLOADED, now=now, misses=0)


def _start(
    printer: Printer, job: PrintJob, status: PrinterStatus, backend: PrinterBackend, now: dt.datetime
) -> PrintJob:
    """The intent is written down before the command: after a crash the state is read, never the command repeated."""
    if stopped := _stopped_before_start(job, now):
        return stopped
    if not printer.is_enabled:
        # Taken out of service while the file was on its way.
        return move_job(job, JobState.QUEUED, now=now, reason=Code.NO_PRINTER)
    with one_at_a_time(printer):
        # The upload took its time: the person may have left meanwhile, the printer be in use.
        if denials := _waits_for(printer, job, status, now):
            return move_job(job, JobState.QUEUED, now=now, reason=denials[0].code)
        job = move_job(job, JobState.STARTING, now=now)
    try:
        backend.select_and_start(job.remote_path)
    except PrinterConflict as error:
        if error.status == UNAVAILABLE:
            return job
        return _refused(job, backend, error.code, now)
    except PrinterRejected as error:
        return move_job(job, JobState.FAILED, now=now, reason=error.code)
    return job


def _refused(job: PrintJob, backend: PrinterBackend, code: str, now: dt.datetime) -> PrintJob:
    """A clear no: it did not start and may wait for its turn again. An unclear answer never comes here."""
    status = backend.status()
    if status.connection.is_busy and status.remote_path == job.remote_path:
        return job
    if job.events.filter(new=JobState.QUEUED, reason=code).count() + 1 >= START_TRIES:
        return move_job(job, JobState.FAILED, now=now, reason=code)
    return move_job(job, JobState.QUEUED, now=now, reason=code)

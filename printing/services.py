"""Writes about print jobs. Pages write intents here; only the worker talks to printers."""

import datetime as dt
from typing import Any

from django.db import transaction

from fablab.lib.live import announce_machines
from iot.models import StopReason, UsageSession
from iot.sessions import close_session, locked_states, open_session
from machines.models import Machine
from people.models import Person
from printing.errors import PrintRefused, WrongJobState
from printing.models import ACTIVE, JobState, PrintCommand, Printer, PrintFile, PrintJob, PrintJobEvent
from printing.models.job import ENDED
from printing.rules import JobFacts, job_denials
from reservations.models import Reservation, Status

STOP_REASONS = {
    JobState.FINISHED: StopReason.JOB_FINISHED,
    JobState.FAILED: StopReason.NORMAL,
    JobState.CANCELLED: StopReason.NORMAL,
    JobState.LOST: StopReason.AGENT_LOST,
}


def queue_job(*, file: PrintFile, machine: Machine, person: Person, by: Person, now: dt.datetime) -> PrintJob:
    """Put the file into the machine's queue, under the person's reservation of it.

    Side effects in order: insert the job and its first event; wake the worker; announce the machine.

    Raises:
        PrintRefused: with every reason.
    """
    reservation = current_reservation(machine, person, now)
    facts = JobFacts(
        has_printer=Printer.objects.filter(machine=machine, is_enabled=True).exists(),
        reservation_start=reservation.start if reservation else None,
        reservation_end=reservation.end if reservation else None,
        estimated=file.estimated,
    )
    denials = job_denials(facts=facts, now=now)
    if denials:
        raise PrintRefused(denials)
    with transaction.atomic():
        job = PrintJob.objects.create(
            machine=machine,
            file=file,
            person=person,
            team=reservation.team if reservation else None,
            reservation=reservation,
            state=JobState.QUEUED,
            created_at=now,
        )
        job.remote_path = f"fablab/{job.reference}/{file.name}"
        job.save(update_fields=["remote_path"])
        PrintJobEvent.objects.create(job=job, new=JobState.QUEUED, at=now, moved_by=by)
        _wake(machine, now)
        announce_machines([machine.pk])
    return job


def current_reservation(machine: Machine, person: Person, now: dt.datetime) -> Reservation | None:
    """The person's reservation of the machine that runs, else their next one."""
    rows = Reservation.objects.filter(
        machine=machine, holder=person, end__gt=now, status__in=[Status.CONFIRMED, Status.IN_USE]
    )
    return rows.select_related("team").order_by("start").first()


def move_job(
    job: PrintJob,
    new: JobState,
    *,
    now: dt.datetime,
    by: Person | None = None,
    reason: str = "",
    detail: str = "",
    **fields: Any,
) -> PrintJob:
    """Move the job to a state and write down why; the machine's session follows. Moving to the same state is nothing.

    Raises:
        WrongJobState: the job has ended.
    """
    with transaction.atomic():
        states = locked_states([job.machine_id])
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        if fresh.state in ENDED and new != fresh.state:
            raise WrongJobState(f"The job is {fresh.state}.")
        if new == fresh.state:
            return fresh
        PrintJobEvent.objects.create(
            job=fresh, old=fresh.state, new=new, at=now, moved_by=by, reason=reason[:60], detail=detail[:300]
        )
        fresh.state = new
        for name, value in fields.items():
            setattr(fresh, name, value)
        _stamp(fresh, new, now, reason, detail)
        if states:
            _session_follows(fresh, new, now)
        fresh.save()
        announce_machines([fresh.machine_id])
    return fresh


def _stamp(job: PrintJob, new: JobState, now: dt.datetime, reason: str, detail: str) -> None:
    if new == JobState.PRINTING and job.started_at is None:
        job.started_at = now
    if new in ENDED or new == JobState.LOST:
        job.ended_at, job.time_left = now, None
        job.error_code, job.error_detail = reason[:40], detail[:300]
    if new == JobState.FINISHED:
        job.progress_pct, job.error_code = 100, ""
    if job.started_at is not None and (new in ENDED or new == JobState.LOST):
        Printer.objects.filter(machine=job.machine_id).update(is_bed_clear=False)


def _session_follows(job: PrintJob, new: JobState, now: dt.datetime) -> None:
    """A print is use: it opens the machine's session, or joins the one that power opened, and ends its own."""
    if new == JobState.PRINTING and job.usage_session_id is None:
        running = UsageSession.objects.filter(machine=job.machine_id, end=None).first()
        if running is None:
            running = open_session(
                machine_id=job.machine_id, at=now, source=UsageSession.Source.PRINT_JOB, person=job.person
            )
        job.usage_session = running
    session = job.usage_session
    if new in STOP_REASONS and session is not None and session.end is None:
        session.last_busy_at = max(session.last_busy_at, now)
        if session.source == UsageSession.Source.PRINT_JOB:
            close_session(session, at=now, reason=STOP_REASONS[new])


def ask(*, job: PrintJob, kind: PrintCommand.Kind, by: Person, now: dt.datetime) -> PrintJob:
    """Ask for a pause, a resumption or the end of a job. A job that has not begun is withdrawn at once.

    Raises:
        WrongJobState: it cannot be asked of this job now.
    """
    with transaction.atomic():
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        if kind == PrintCommand.Kind.CANCEL and fresh.state in (JobState.DRAFT, JobState.QUEUED):
            return move_job(fresh, JobState.WITHDRAWN, now=now, by=by)
        allowed = {
            PrintCommand.Kind.PAUSE: {JobState.PRINTING},
            PrintCommand.Kind.RESUME: {JobState.PAUSED},
            PrintCommand.Kind.CANCEL: ACTIVE,
        }[kind]
        if fresh.state not in allowed:
            raise WrongJobState(f"The job is {fresh.state}.")
        PrintCommand.objects.get_or_create(
            job=fresh, kind=kind, done_at=None, defaults={"asked_by": by, "asked_at": now}
        )
        _wake(fresh.machine, now)
        announce_machines([fresh.machine_id])
    return fresh


def confirm_bed_clear(*, machine: Machine, by: Person, now: dt.datetime) -> None:
    """The plate is free again: the next job may start."""
    Printer.objects.filter(machine=machine).update(is_bed_clear=True, next_poll_at=now)
    announce_machines([machine.pk])


def resolve_lost(*, job: PrintJob, outcome: JobState, by: Person, now: dt.datetime) -> PrintJob:
    """Say how a job that was lost from sight really ended: finished, failed or stopped.

    Raises:
        WrongJobState: it is not lost, or the outcome is none of the three.
    """
    if job.state != JobState.LOST or outcome not in (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED):
        raise WrongJobState(f"The job is {job.state}.")
    return move_job(job, outcome, now=now, by=by, reason="" if outcome == JobState.FINISHED else "lost")


def _wake(machine: Machine, now: dt.datetime) -> None:
    Printer.objects.filter(machine=machine).update(next_poll_at=now)

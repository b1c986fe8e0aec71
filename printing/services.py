"""Writes about print jobs. Pages write intents here; only the worker talks to printers."""

import datetime as dt
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from fablab.lib.live import announce_machines
from iot.models import StopReason, UsageSession
from iot.sessions import close_session, locked_states, open_session
from machines.models import Machine
from people.models import Person
from people.permissions import is_staff
from printing.accounting import settle_job, spool_at
from printing.errors import PrintRefused, WrongJobState
from printing.models import ACTIVE, BackendKind, JobState, PrintCommand, Printer, PrintJob, PrintJobEvent
from printing.models.job import BEFORE_ITS_TURN, ENDED, MAY_HAVE_BEGUN, MOVES
from printing.notices import nobody_is_asked, tell_moved
from printing.other_prints import end_other, prints_other
from printing.rules import JobFacts, job_denials
from printing.signals import print_settled
from reservations.models import Participant, Reservation, Status

MAY_HAVE_USED = frozenset({JobState.FINISHED, JobState.FAILED})
STOP_REASONS = {
    JobState.FINISHED: StopReason.JOB_FINISHED,
    JobState.FAILED: StopReason.NORMAL,
    JobState.CANCELLED: StopReason.NORMAL,
    JobState.LOST: StopReason.AGENT_LOST,
}


def check_may_send(*, machine: Machine, person: Person, now: dt.datetime) -> None:
    """Ask before a large file is stored for nothing: does the machine take files, and has the person its time?

    Raises:
        PrintRefused: with every reason that does not depend on the file.
    """
    printer = Printer.objects.filter(machine=machine, is_enabled=True).first()
    reservation = current_reservation(machine, person, now)
    facts = JobFacts(
        has_printer=printer is not None,
        reservation_start=reservation.start if reservation else None,
        reservation_end=reservation.end if reservation else None,
        estimated=None,
        is_unattended=printer is not None and printer.is_unattended,
    )
    if denials := job_denials(facts=facts, now=now):
        raise PrintRefused(denials)


def held_reservation(job: PrintJob, now: dt.datetime) -> Reservation | None:
    """The job's reservation while that is open, else the person's running or next one of the machine.

    So a file whose reservation was missed or cancelled is not stranded: it goes with the next one.
    """
    own = job.reservation
    if own is not None and own.machine_id == job.machine_id and own.status in (Status.CONFIRMED, Status.IN_USE):
        return own
    return current_reservation(job.machine, job.person, now) if job.person is not None else None


def current_reservation(machine: Machine, person: Person, now: dt.datetime) -> Reservation | None:
    """The person's reservation of the machine that runs, or their team's in which they take part; else the next."""
    comes = Q(pk__in=Participant.objects.filter(person=person).values("reservation"))
    rows = Reservation.objects.filter(
        Q(holder=person) | comes, machine=machine, end__gt=now, status__in=[Status.CONFIRMED, Status.IN_USE]
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
    """Move the job on from the state in which the caller saw it, and write down why; the machine's session follows.

    Moving to the state it is in already is nothing.

    Raises:
        WrongJobState: somebody else moved it meanwhile, or there is no such move.
    """
    with transaction.atomic():
        locked_states([job.machine_id])
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        old = JobState(fresh.state)
        if fresh.machine_id != job.machine_id or old != job.state:
            # Also where it stands already: of two printers that take it, one has it.
            raise WrongJobState(f"The job is {old} elsewhere, or was moved from {job.state}.")
        if new == old:
            return fresh
        if new not in MOVES[old]:
            raise WrongJobState(f"The job is {old}: it does not go from {job.state} to {new}.")
        PrintJobEvent.objects.create(
            job=fresh, old=old, new=new, at=now, moved_by=by, reason=reason[:60], detail=detail[:300]
        )
        fresh.state = new
        for name, value in fields.items():
            setattr(fresh, name, value)
        _stamp(fresh, old, now, reason, detail)
        _session_follows(fresh, new, now)
        if new in ENDED and fresh.printed is None:
            settle_job(fresh, now)
        fresh.save()
        if old == JobState.AWAITING_APPROVAL:
            nobody_is_asked(fresh, now)
        tell_moved(fresh, by, now)
        if new in ENDED:
            print_settled.send(PrintJob, job=fresh)
        announce_machines([fresh.machine_id])
    return fresh


def take_over(job: PrintJob, machine: Machine, *, now: dt.datetime) -> PrintJob:
    """Give a queued job that takes any printer of its model to this one; nothing where it is there already.

    Raises:
        WrongJobState: another printer was quicker, or it was withdrawn.
    """
    if job.machine_id == machine.pk:
        return job
    with transaction.atomic():
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        if (fresh.state, fresh.machine_id, fresh.takes_any) != (JobState.QUEUED, job.machine_id, True):
            raise WrongJobState(f"The job is {fresh.state}.")
        fresh.machine, fresh.reservation, fresh.start_asked_at = machine, None, None
        fresh.save(update_fields=["machine", "reservation", "start_asked_at"])
        announce_machines([job.machine_id, machine.pk])
    return fresh


def _stamp(job: PrintJob, old: JobState, now: dt.datetime, reason: str, detail: str) -> None:
    is_over = job.state in ENDED or job.state == JobState.LOST
    if job.state == JobState.PRINTING and job.started_at is None:
        job.started_at, job.spool = now, spool_at(job)
    if old == JobState.LOST and job.started_at is None and job.state in MAY_HAVE_USED:
        # Lost before it was seen printing: it began when it was asked to.
        begun = job.events.filter(new=JobState.STARTING).last()
        job.started_at = begun.at if begun is not None else None
    if job.state == JobState.QUEUED and old != JobState.DRAFT:
        # Whoever looked at the machine looked before this.
        job.start_asked_at = None
    if is_over:
        # What a person says of a lost job comes later; the print ended when it was lost.
        job.ended_at, job.time_left = job.ended_at or now, None
        job.error_code, job.error_detail = reason[:40], detail[:300]
    if job.state == JobState.FINISHED:
        job.progress_pct, job.error_code = 100, ""
    # Not after LOST: somebody may have cleared the bed before saying how it ended.
    if is_over and old in MAY_HAVE_BEGUN:
        Printer.objects.filter(machine=job.machine_id).update(is_bed_clear=False, has_other_print=False)


def _session_follows(job: PrintJob, new: JobState, now: dt.datetime) -> None:
    """A print is use: it opens the machine's session, or joins the one that power opened, and ends its own."""
    if new == JobState.PRINTING and job.usage_session_id is None:
        # Of a print that was not sent from here: it is over, or this one had not begun.
        end_other(job.machine_id, now, reason=StopReason.NORMAL)
        running = UsageSession.objects.filter(machine=job.machine_id, end=None).first()
        if running is None:
            running = open_session(
                machine_id=job.machine_id, at=now, source=UsageSession.Source.PRINT_JOB, person=job.person
            )
        job.usage_session = running
    session = job.usage_session
    if new in STOP_REASONS and session is not None and session.end is None:
        session.last_busy_at = max(session.last_busy_at, now)
        session.save(update_fields=["last_busy_at"])
        if session.source == UsageSession.Source.PRINT_JOB:
            close_session(session, at=now, reason=STOP_REASONS[new])


def ask(*, job: PrintJob, kind: PrintCommand.Kind, by: Person, now: dt.datetime) -> PrintJob:
    """Ask for a pause, a resumption or the end of a job. A job that has not begun is withdrawn at once.

    Raises:
        WrongJobState: it cannot be asked of this job now.
    """
    with transaction.atomic():
        # In the order of move_job, which the worker may call at this moment: the other order is a deadlock.
        locked_states([job.machine_id])
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        if kind == PrintCommand.Kind.CANCEL and fresh.state in BEFORE_ITS_TURN:
            return move_job(fresh, JobState.WITHDRAWN, now=now, by=by)
        if Printer.objects.filter(machine=fresh.machine_id, kind=BackendKind.BY_HAND).exists():
            raise WrongJobState("Somebody runs it by hand: no worker would carry it out.")
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
        # Later: whoever hangs a spool locks the printer before the prints that wait for it.
        transaction.on_commit(partial(wake, fresh.machine, now))
        announce_machines([fresh.machine_id])
    return fresh


def may_clear_bed(*, machine: Machine, person: Person, now: dt.datetime) -> bool:
    """Who may say that the bed is clear: the team, whose print lies on it, and who has the machine now; nobody while
    the printer prints what was not sent from here."""
    if _prints_other(machine):
        return False
    if is_staff(person, machine):
        return True
    last = last_on_bed(machine)
    if last is not None and last.person_id == person.pk:
        return True
    held = current_reservation(machine, person, now)
    return held is not None and held.status == Status.IN_USE


def _prints_other(machine: Machine) -> bool:
    printer = Printer.objects.filter(machine=machine).first()
    return printer is not None and prints_other(printer)


def last_on_bed(machine: Machine) -> PrintJob | None:
    """Whose thing lies on the bed, if it is not clear: the last job that the printer was told to start; None where it
    printed something since that was not sent from here."""
    if Printer.objects.filter(machine=machine, has_other_print=True).exists():
        return None
    begun = PrintJobEvent.objects.filter(job__machine=machine, new=JobState.STARTING).order_by("-at", "-pk")
    last = begun.select_related("job__person", "job__machine__unit__site").first()
    return last.job if last is not None else None


def confirm_bed_clear(*, machine: Machine, by: Person, now: dt.datetime) -> bool:
    """The plate is free again: the next job may start. False, and nothing, while it prints what was not sent from here:
    the page was older than that."""
    if _prints_other(machine):
        return False
    Printer.objects.filter(machine=machine).update(is_bed_clear=True, has_other_print=False, next_poll_at=now)
    announce_machines([machine.pk])
    return True


def resolve_lost(*, job: PrintJob, outcome: JobState, by: Person, now: dt.datetime) -> PrintJob:
    """Say how a job that was lost from sight really ended: finished, failed or stopped.

    Raises:
        WrongJobState: it is not lost, or the outcome is none of the three.
    """
    if job.state != JobState.LOST or outcome not in (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED):
        raise WrongJobState(f"The job is {job.state}.")
    return move_job(job, outcome, now=now, by=by, reason="said_by_person")


def wake(machine: Machine, now: dt.datetime) -> None:
    """Have the worker look at its printer at once."""
    Printer.objects.filter(machine=machine).update(next_poll_at=now)

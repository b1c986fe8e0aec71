"""The queue in people's hands: who comes first, what waits, what begins now; and what they say of it afterwards."""

import datetime as dt
from dataclasses import replace
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from fablab.lib.live import announce_machines
from iot.sessions import locked_states
from people.errors import NotAllowed
from people.models import Person
from people.permissions import is_staff
from printing.backends import PrinterConnection
from printing.errors import PrintRefused, WrongJobState
from printing.models import ACTIVE, JobState, Outcome, Printer, PrintJob, Why
from printing.models.job import SAYABLE
from printing.rules import start_denials
from printing.services import move_job, wake
from printing.signals import print_settled
from printing.turns import start_facts

# What a printer's server does in turn, done by a person at once.
BY_HAND = (JobState.DISPATCHING, JobState.UPLOADED, JobState.STARTING, JobState.PRINTING)


def put_first(*, job: PrintJob, is_first: bool, by: Person, now: dt.datetime) -> PrintJob:
    """Before all others, or back among them by age.

    Raises:
        NotAllowed: `by` is not of the team there.
        WrongJobState: it does not wait for its turn.
    """
    if not is_staff(by, job.machine):
        raise NotAllowed("not_of_the_team", _("Only the team there puts a print first."))
    return _set(job, now, is_first=is_first)


def hold_job(*, job: PrintJob, is_held: bool, by: Person, now: dt.datetime) -> PrintJob:
    """Let others pass until it is let go again; its person and the team may.

    Raises:
        NotAllowed: it is somebody else's.
        WrongJobState: it does not wait for its turn.
    """
    _check_own(job, by)
    return _set(job, now, is_held=is_held)


def ask_start(*, job: PrintJob, by: Person, now: dt.datetime) -> PrintJob:
    """Somebody is at the machine, has looked at what hangs in it, and wants it to begin when its turn comes.

    Raises:
        NotAllowed: it is somebody else's.
        WrongJobState: it does not wait for its turn.
    """
    _check_own(job, by)
    return _set(job, now, start_asked_at=now)


def run_by_hand(*, job: PrintJob, by: Person, now: dt.datetime) -> PrintJob:
    """Somebody runs the file at a machine that no software drives: it is in use from now on.

    Raises:
        NotAllowed: it is somebody else's.
        PrintRefused: what would keep a printer from starting, keeps the person.
        WrongJobState: software drives the machine, it runs another one, or the job does not wait for its turn.
    """
    _check_own(job, by)
    printer = _by_hand(job)
    facts = start_facts(job, printer, connection=PrinterConnection.OPERATIONAL, is_reachable=True, now=now)
    # Whoever runs it stands there.
    if denials := start_denials(replace(facts, is_start_wanted=False)):
        raise PrintRefused(denials)
    with transaction.atomic():
        locked_states([job.machine_id])
        if PrintJob.objects.filter(machine=job.machine_id, state__in=ACTIVE).exists():
            raise WrongJobState("The machine runs another one.")
        for state in BY_HAND:
            job = move_job(job, state, now=now, by=by, reason="by_hand")
    return job


def say_ended(*, job: PrintJob, outcome: JobState, by: Person, now: dt.datetime) -> PrintJob:
    """How what was run by hand ended: finished, failed or stopped.

    Raises:
        NotAllowed: it is somebody else's.
        WrongJobState: software watches it, it does not run, or the outcome is none of the three.
    """
    _check_own(job, by)
    _by_hand(job)
    if job.state != JobState.PRINTING or outcome not in SAYABLE:
        raise WrongJobState(f"The job is {job.state}.")
    return move_job(job, outcome, now=now, by=by, reason="said_by_hand")


def _by_hand(job: PrintJob) -> Printer:
    rows = Printer.objects.select_related("machine__unit__site", "spool").filter(machine=job.machine_id)
    printer = rows.first()
    if printer is None or not printer.is_run_by_hand:
        raise WrongJobState("Software drives the machine.")
    return printer


def say_outcome(*, job: PrintJob, outcome: Outcome, by: Person, now: dt.datetime, why: Why = Why.UNSAID) -> PrintJob:
    """How the thing came out, as those see it who hold it in their hands; may be said again.

    Raises:
        NotAllowed: it is somebody else's.
        WrongJobState: it has not ended.
    """
    _check_own(job, by)
    with transaction.atomic():
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        if fresh.state not in SAYABLE or not outcome:
            raise WrongJobState(f"The job is {fresh.state}.")
        fresh.outcome, fresh.outcome_at = outcome, now
        fresh.outcome_why = why if outcome == Outcome.BAD else Why.UNSAID
        fresh.save(update_fields=["outcome", "outcome_at", "outcome_why"])
        print_settled.send(PrintJob, job=fresh)
    return fresh


def _check_own(job: PrintJob, by: Person) -> None:
    if job.person_id != by.pk and not is_staff(by, job.machine):
        raise NotAllowed("not_yours", _("This print is somebody else’s."))


def _set(job: PrintJob, now: dt.datetime, **fields: object) -> PrintJob:
    with transaction.atomic():
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        if fresh.state != JobState.QUEUED:
            raise WrongJobState(f"The job is {fresh.state}.")
        for name, value in fields.items():
            setattr(fresh, name, value)
        fresh.save(update_fields=list(fields))
        # Later: whoever hangs a spool locks the printer before the prints that wait for it.
        transaction.on_commit(partial(wake, fresh.machine, now))
        announce_machines([fresh.machine_id])
    return fresh

"""What people may do with a job by one button, each in one place: the page, its form and the worker's wish."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from fablab.lib.denials import Denial
from people.models import Person
from printing.errors import PrintRefused
from printing.models import JobState, Outcome, PrintCommand, PrintJob, Why
from printing.moving import move_to, targets_of
from printing.queue import ask_start, hold_job, put_first, run_by_hand, say_ended, say_outcome
from printing.rules import Code
from printing.services import ask, resolve_lost
from printing.submitting import approve_job, send_back, submit_job


@dataclass(frozen=True, slots=True)
class Said:
    """What was written or ticked beside the button."""

    note: str = ""
    why: str = ""
    takes_any: bool = False
    machine: str = ""


Act = Callable[[PrintJob, Person, dt.datetime, Said], PrintJob]


def _command(kind: PrintCommand.Kind) -> Act:
    return lambda job, by, now, said: ask(job=job, kind=kind, by=by, now=now)


def _ended(outcome: JobState) -> Act:
    """Of a job that was lost from sight, or that no software watches."""

    def act(job: PrintJob, by: Person, now: dt.datetime, said: Said) -> PrintJob:
        if job.state == JobState.LOST:
            return resolve_lost(job=job, outcome=outcome, by=by, now=now)
        return say_ended(job=job, outcome=outcome, by=by, now=now)

    return act


def _outcome(outcome: Outcome) -> Act:
    def act(job: PrintJob, by: Person, now: dt.datetime, said: Said) -> PrintJob:
        why = Why(said.why) if said.why in Why.values else Why.UNSAID
        return say_outcome(job=job, outcome=outcome, why=why, by=by, now=now)

    return act


def _move(job: PrintJob, by: Person, now: dt.datetime, said: Said) -> PrintJob:
    machine = targets_of(job, by).with_places().filter(slug=said.machine).first()
    if machine is None:
        raise PrintRefused([Denial(Code.NO_PRINTER)])
    return move_to(job=job, machine=machine, by=by, now=now)


ACTS: dict[str, Act] = {
    "pause": _command(PrintCommand.Kind.PAUSE),
    "resume": _command(PrintCommand.Kind.RESUME),
    "cancel": _command(PrintCommand.Kind.CANCEL),
    "finished": _ended(JobState.FINISHED),
    "failed": _ended(JobState.FAILED),
    "cancelled": _ended(JobState.CANCELLED),
    "submit": lambda job, by, now, said: submit_job(
        job=job, by=by, now=now, note=said.note, takes_any=said.takes_any
    ),
    "approve": lambda job, by, now, said: approve_job(job=job, by=by, now=now, decision=said.note),
    "send-back": lambda job, by, now, said: send_back(job=job, by=by, now=now, decision=said.note),
    "hold": lambda job, by, now, said: hold_job(job=job, is_held=True, by=by, now=now),
    "release": lambda job, by, now, said: hold_job(job=job, is_held=False, by=by, now=now),
    "first": lambda job, by, now, said: put_first(job=job, is_first=True, by=by, now=now),
    "in-turn": lambda job, by, now, said: put_first(job=job, is_first=False, by=by, now=now),
    "move": _move,
    "start": lambda job, by, now, said: ask_start(job=job, by=by, now=now),
    "run": lambda job, by, now, said: run_by_hand(job=job, by=by, now=now),
    "good": _outcome(Outcome.GOOD),
    "bad": _outcome(Outcome.BAD),
}  # fmt: skip

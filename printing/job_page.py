"""What a job's page shows: to whom it belongs, what may be done with it now, and what it waits for."""

import datetime as dt
from typing import Any

from fablab.lib.denials import Denial
from people.lab import current_lab
from people.models import Module, Person
from people.permissions import is_staff
from printing.backends import PrinterConnection
from printing.messages import failure_words, sentence_of
from printing.models import JobState, Outcome, Printer, PrintJob, Why
from printing.models.job import BEFORE_ITS_TURN, SAYABLE
from printing.moving import targets_of
from printing.rules import Code, start_denials
from printing.services import last_on_bed, may_clear_bed
from printing.stopping import is_unheeded
from printing.submitting import ABOUT_TIME, EDITABLE, may_answer, submission_denials
from printing.teams import teams_for
from printing.times import offered_starts, time_wanted
from printing.turns import start_facts
from reservations.messages import Sentence

OUTCOMES = (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)


def job_context(job: PrintJob, person: Person, now: dt.datetime) -> dict[str, Any]:
    """Everything that the page asks for."""
    printer = Printer.objects.select_related("machine__unit__site", "spool").filter(machine=job.machine).first()
    asked = set(job.commands.filter(done_at=None).values_list("kind", flat=True))
    is_own, is_team = job.person_id == person.pk, is_staff(person, job.machine)
    waits_for = _waits_for(job, printer, now)
    is_waiting = _is_bed_asked(job, printer)
    may = _may(job, printer, asked, person, is_team=is_team)
    is_kept = any(each.code != Code.START_NOT_PRESSED for each in waits_for)
    return {
        "job": job,
        "zone": job.machine.site.zone,
        "printer": printer,
        "is_own": is_own,
        "teams": teams_for(job, person) if is_own and current_lab().has(Module.TEAMS) else [],
        "is_team": is_team,
        "waits_for": waits_for,
        "asked": asked,
        "may_clear_bed": is_waiting and may_clear_bed(machine=job.machine, person=person, now=now),
        # Also while it answers, but wrongly: a login page, a refused key.
        "printer_trouble": failure_words(printer.error_code) if printer and job.is_active else "",
        "failure": failure_words(job.error_code),
        "is_unheeded": is_unheeded(job),
        "concerns": [sentence_of(Denial(each["code"], each["params"])) for each in job.concerns],
        "events": list(job.events.all()),
        "progress_step": round(job.progress_pct),
        "targets": list(targets_of(job, person)) if is_own or is_team else [],
        "outcomes": [(state.value, state.label) for state in OUTCOMES],
        "whys": [(why.value, why.label) for why in Why if why],
        **may,
        **(_draft(job, now) if job.state in EDITABLE and is_own else {}),
        "start_wanted": any(each.code == Code.START_NOT_PRESSED for each in waits_for),
        "may_run": job.state == JobState.QUEUED and printer is not None and printer.is_run_by_hand and not is_kept,
        # What somebody types must not be swept away by a look every five seconds.
        "is_followed": not job.is_ended and job.state not in EDITABLE and not may["may_answer"],
    }


def _may(job: PrintJob, printer: Printer | None, asked: set[str], person: Person, *, is_team: bool) -> dict[str, bool]:
    is_by_hand = printer is not None and printer.is_run_by_hand
    is_queued = job.state == JobState.QUEUED
    is_running = job.is_active and job.state != JobState.CANCELLING and not is_by_hand
    return {
        "may_pause": job.state == JobState.PRINTING and "pause" not in asked and not is_by_hand,
        "may_resume": job.state == JobState.PAUSED and "resume" not in asked,
        "may_cancel": (is_running or job.state in BEFORE_ITS_TURN) and "cancel" not in asked,
        "may_answer": job.state == JobState.AWAITING_APPROVAL and may_answer(person, job.machine),
        "may_hold": is_queued,
        "may_put_first": is_team and is_queued,
        "may_end": is_by_hand and job.state == JobState.PRINTING,
        "may_say": job.state in SAYABLE and job.outcome == Outcome.UNSAID and job.started_at is not None,
    }


def _is_bed_asked(job: PrintJob, printer: Printer | None) -> bool:
    """On the page of what lies there, and of what waits for it to be taken off; not on every old print's."""
    if printer is None or printer.is_bed_clear or job.is_active:
        return False
    return job.state == JobState.QUEUED or last_on_bed(job.machine) == job


def _draft(job: PrintJob, now: dt.datetime) -> dict[str, Any]:
    denials = submission_denials(job, now)
    wants_time = any(denial.code in ABOUT_TIME for denial in denials)
    others = [sentence_of(denial) for denial in denials if denial.code not in ABOUT_TIME]
    return {
        "draft_denials": others,
        "may_submit": not denials,
        "wants_time": wants_time and not others,
        "starts": offered_starts(job, now) if wants_time and not others else [],
        "time_wanted": time_wanted(job),
    }


def _waits_for(job: PrintJob, printer: Printer | None, now: dt.datetime) -> list[Sentence]:
    if job.state != JobState.QUEUED or printer is None:
        return []
    is_reachable = printer.is_run_by_hand or (printer.unreachable_since is None and not printer.error_code)
    # Empty before the first look at it.
    known = PrinterConnection(printer.connection or PrinterConnection.UNKNOWN)
    connection = PrinterConnection.OPERATIONAL if printer.is_run_by_hand else known
    facts = start_facts(job, printer, connection=connection, is_reachable=is_reachable, now=now)
    return [sentence_of(denial) for denial in start_denials(facts)]

"""A print sent to another printer: before it is handed in, or while it waits for its turn."""

import datetime as dt
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from fablab.lib.denials import Denial
from fablab.lib.live import announce_machines
from machines.models import Machine
from machines.models.machine import MachineQuerySet
from people.errors import NotAllowed
from people.models import Person
from people.permissions import is_staff
from printing.errors import PrintRefused, WrongJobState
from printing.models import JobState, Printer, PrintJob
from printing.policy import concerns, file_denials
from printing.rules import Code
from printing.services import wake
from printing.submitting import EDITABLE, may_answer, submission_denials, unanswered

MOVABLE = EDITABLE | {JobState.QUEUED}
MOVED = ("machine", "reservation", "start_asked_at", "decided_at", "decided_by", "concerns")


def targets_of(job: PrintJob, person: Person) -> MachineQuerySet:
    """Where it may be sent instead, as far as the person sees machines; none once it has begun."""
    rows = Machine.objects.visible_to(person).filter(printer__is_enabled=True, retired_at=None)
    here = Q(unit__site=job.machine.unit.site_id)
    return rows.filter(here).exclude(pk=job.machine_id).order_by("name") if job.state in MOVABLE else rows.none()


def move_to(*, job: PrintJob, machine: Machine, by: Person, now: dt.datetime) -> PrintJob:
    """Have it printed elsewhere. What was reserved for it stays reserved: its person may want it all the same. What
    the team said yes to stays said where the printer there raises the same doubts, and only there.

    Side effects in order: the job; both printers looked at at once; both machines announced.

    Raises:
        NotAllowed: it is somebody else's.
        PrintRefused: the machine there takes no files, or not this one; of one that was handed in, what would keep it
            from being handed in there, or make the team look at it first.
        WrongJobState: it has begun, or moved on meanwhile.
    """
    if job.person_id != by.pk and not is_staff(by, job.machine):
        raise NotAllowed("not_yours", _("This print is somebody else’s."))
    here = job.machine
    if denials := _denials_there(job, machine, by, now):
        raise PrintRefused(denials)
    with transaction.atomic():
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        if fresh.state not in MOVABLE or (fresh.state, fresh.machine_id) != (job.state, here.pk):
            raise WrongJobState(f"The job is {fresh.state}.")
        if not _is_yes_kept(fresh, machine):
            # Not the words of a sending back: its person still has to read them.
            fresh.decided_at, fresh.decided_by, fresh.concerns = None, None, []
        fresh.machine, fresh.reservation, fresh.start_asked_at = machine, None, None
        fresh.save(update_fields=MOVED)
        for each in (here, machine):
            # Later: whoever hangs a spool locks the printer before the prints that wait for it.
            transaction.on_commit(partial(wake, each, now))
        announce_machines([here.pk, machine.pk])
    return fresh


def _denials_there(job: PrintJob, machine: Machine, by: Person, now: dt.datetime) -> list[Denial]:
    printer = Printer.objects.select_related("spool").filter(machine=machine, is_enabled=True).first()
    if printer is None:
        return [Denial(Code.NO_PRINTER)]
    if job.state != JobState.QUEUED:
        return file_denials(job.file, printer)
    there = PrintJob(file=job.file, machine=machine, person=job.person, state=job.state)
    doubts = [] if may_answer(by, machine) else unanswered(job, printer)
    return submission_denials(there, now) + doubts


def _is_yes_kept(job: PrintJob, machine: Machine) -> bool:
    printer = Printer.objects.filter(machine=machine).select_related("machine__unit").first()
    if printer is None or job.state != JobState.QUEUED:
        return False
    return bool(concerns(job.file, printer)) and not unanswered(job, printer)

"""From a file to a place in the queue: a draft, handed in, looked at where that is asked for, let through or not."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet, Sum
from django.utils.translation import gettext as _

from fablab.lib.denials import Denial
from machines.models import Machine, Outage
from people.errors import NotAllowed
from people.locking import locked_person
from people.models import Person, Team
from people.permissions import has_role
from printing.errors import PrintRefused, WrongJobState
from printing.file_removal import GONE_SHA256, discard_file
from printing.models import JobState, Printer, PrintFile, PrintJob, PrintJobEvent
from printing.notices import ANSWERS, tell_decided, tell_handed_in
from printing.policy import concerns, file_denials, limits_of
from printing.rules import Code, JobFacts, job_denials
from printing.services import current_reservation, move_job, wake
from reservations.check_in_rules import person_denials
from reservations.models import Reservation, Status

# A file may have 200 MB.
DRAFTS_MOST = 10
# Of all files of a person that are kept: ten of the largest.
KEPT_MOST_BYTES = 2 * 10**9
EDITABLE = frozenset({JobState.DRAFT, JobState.RETURNED})
# Of a job that nobody has answered for yet, or no longer.
UNDECIDED: dict[str, Any] = {"decided_at": None, "decided_by": None, "decision": ""}
# Cured by a time, which can be offered.
ABOUT_TIME = frozenset({Code.NO_RESERVATION, Code.RESERVATION_TOO_SHORT})


def check_may_draft(*, machine: Machine, person: Person, is_kept: bool = False, form_key: str = "") -> None:
    """Ask before a large file is stored: does the machine take files, and has the person few enough that lie about?

    `is_kept`: the file is among theirs already, so nothing more is stored. What the same form has sent before does not
    count: it may be the very file.

    Raises:
        PrintRefused: `no_printer`, `too_many_drafts`, `too_much_kept`.
    """
    denials = []
    if not Printer.objects.filter(machine=machine, is_enabled=True).exists():
        denials.append(Denial(Code.NO_PRINTER))
    drafts = _besides(form_key, PrintJob.objects.filter(person=person, state__in=EDITABLE), "form_key")
    if drafts.count() >= DRAFTS_MOST:
        denials.append(Denial(Code.TOO_MANY_DRAFTS, {"most": DRAFTS_MOST}))
    if not is_kept:
        denials += _kept_denials(person, form_key)
    if denials:
        raise PrintRefused(denials)


def _besides(form_key: str, rows: QuerySet[Any], field: str) -> QuerySet[Any]:
    return rows.exclude(**{field: form_key}) if form_key else rows


def check_may_keep(person: Person) -> None:
    """Ask before a file is stored that is sent at once.

    Raises:
        PrintRefused: `too_much_kept`.
    """
    if denials := _kept_denials(person):
        raise PrintRefused(denials)


def _kept_denials(person: Person, form_key: str = "") -> list[Denial]:
    is_full = kept_bytes(person, form_key) >= KEPT_MOST_BYTES
    return [Denial(Code.TOO_MUCH_KEPT, {"most_gb": KEPT_MOST_BYTES // 10**9})] if is_full else []


def kept_bytes(person: Person, form_key: str = "") -> int:
    """How much of the disk the person's files take, each content once, besides what that form has sent."""
    kept = PrintFile.objects.filter(uploaded_by=person).exclude(sha256=GONE_SHA256)
    contents = _besides(form_key, kept, "jobs__form_key")
    each = contents.order_by().values("sha256").annotate(size=Max("size_bytes"))
    return each.aggregate(total=Sum("size"))["total"] or 0


def draft_job(
    *,
    file: PrintFile,
    machine: Machine,
    person: Person,
    by: Person,
    now: dt.datetime,
    note: str = "",
    form_key: str = "",
) -> PrintJob:
    """A job that its person has not handed in yet. Side effects in order: the job; its first event."""
    with transaction.atomic():
        job = PrintJob.objects.create(
            machine=machine, file=file, person=person, team=_team_there(machine, person, now), state=JobState.DRAFT,
            created_at=now, note=note.strip()[:200], form_key=form_key,
        )  # fmt: skip
        job.remote_path = f"fablab/{job.reference}/{file.name}"
        job.save(update_fields=["remote_path"])
        PrintJobEvent.objects.create(job=job, old="", new=JobState.DRAFT, at=now, moved_by=by)
    return job


def draft_once(*, form_key: str, file: PrintFile, machine: Machine, person: Person, now: dt.datetime) -> PrintJob:
    """As `draft_job`; the same file sent again by the same form is the job that it made, whatever became of it.

    Side effects in order: the person locked; the job and its first event, or the second copy of the file given up.
    """
    with transaction.atomic():
        locked_person(person.pk)
        made = PrintJob.objects.filter(person=person, form_key=form_key).exclude(form_key="").first()
        if made is not None and (made.file.sha256, made.machine_id) == (file.sha256, machine.pk):
            discard_file(file)
            return made
        # Another file is another wish.
        key = "" if made is not None else form_key
        return draft_job(file=file, machine=machine, person=person, by=person, now=now, form_key=key)


def _team_there(machine: Machine, person: Person, now: dt.datetime) -> Team | None:
    """The team whose time of the machine it is now; the page of the draft shows it, and the person may say no."""
    held = current_reservation(machine, person, now)
    return held.team if held is not None and held.status == Status.IN_USE else None


def submission_denials(job: PrintJob, now: dt.datetime) -> list[Denial]:
    """Every reason why the job cannot be handed in for its machine now."""
    return _asked(job, now)[1]


def submit_job(
    *,
    job: PrintJob,
    by: Person,
    now: dt.datetime,
    note: str | None = None,
    takes_any: bool | None = None,
    reservation: Reservation | None = None,
) -> PrintJob:
    """Hand it in: it waits for somebody's yes where that is asked for, else for its turn.

    `reservation` is the one that was made for it; else the person's running or next one. Side effects in order: the
    job and its event, without what the team said of it before; the worker woken or the team told; the machine told.

    Raises:
        NotAllowed: it is somebody else's.
        PrintRefused: with every reason.
        WrongJobState: it was handed in already.
    """
    if job.person_id != by.pk:
        raise NotAllowed("not_yours", _("This print is somebody else’s."))
    seen = PrintJob.objects.only("state").get(pk=job.pk)
    if seen.state not in EDITABLE:
        raise WrongJobState(f"The job is {seen.state}.")
    reservation, denials, printer = _asked(job, now, reservation)
    if denials or printer is None:
        raise PrintRefused(denials)
    doubts = [] if may_answer(by, job.machine) else concerns(job.file, printer)
    fields: dict[str, Any] = {
        "reservation": reservation, "team": job.team,
        "concerns": [{"code": str(doubt.code), "params": dict(doubt.params)} for doubt in doubts],
        **UNDECIDED,
        "note": job.note if note is None else note.strip()[:200],
        "takes_any": job.takes_any if takes_any is None else takes_any,
    }  # fmt: skip
    with transaction.atomic():
        if doubts:
            moved = move_job(job, JobState.AWAITING_APPROVAL, now=now, by=by, **fields)
            tell_handed_in(moved, now)
        else:
            moved = move_job(job, JobState.QUEUED, now=now, by=by, queued_at=now, **fields)
            wake(moved.machine, now)
    return moved


def queue_job(*, file: PrintFile, machine: Machine, person: Person, by: Person, now: dt.datetime) -> PrintJob:
    """Draft the job and hand it in at once.

    Raises:
        PrintRefused: with every reason; no job is left behind.
    """
    with transaction.atomic():
        return submit_job(job=draft_job(file=file, machine=machine, person=person, by=by, now=now), by=by, now=now)


def approve_job(*, job: PrintJob, by: Person, now: dt.datetime, decision: str = "") -> PrintJob:
    """Let it through: from now on it waits for its turn, and its person is told.

    Raises:
        NotAllowed: `by` is not of the team there.
        WrongJobState: somebody answered already, or it was withdrawn.
    """
    return _decided(job, JobState.QUEUED, by, now, decision)


def send_back(*, job: PrintJob, by: Person, now: dt.datetime, decision: str) -> PrintJob:
    """Give it back with a reason; its person may mend it and hand it in again.

    Raises:
        NotAllowed, WrongJobState: as `approve_job`.
        ValueError: no reason is given.
    """
    if not decision.strip():
        raise ValueError("A reason is wanted.")
    return _decided(job, JobState.RETURNED, by, now, decision)


def _decided(job: PrintJob, new: JobState, by: Person, now: dt.datetime, decision: str) -> PrintJob:
    if not may_answer(by, job.machine):
        raise NotAllowed("not_of_the_team", _("Only the team there answers for prints."))
    if job.state != JobState.AWAITING_APPROVAL:
        raise WrongJobState(f"The job is {job.state}.")
    with transaction.atomic():
        moved = move_job(
            job, new, now=now, by=by, decided_at=now, decided_by=by, decision=decision.strip()[:300],
            queued_at=now if new == JobState.QUEUED else None,
        )  # fmt: skip
        tell_decided(moved, now)
        if new == JobState.QUEUED:
            wake(moved.machine, now)
    return moved


def unanswered(job: PrintJob, printer: Printer) -> list[Denial]:
    """What somebody must look at before it goes to this printer, and nobody of the team said yes to.

    A yes is for the doubts that they saw, at a printer that bears as much; a sending back is none.
    """
    doubts = concerns(job.file, printer)
    if not doubts or (job.person is not None and may_answer(job.person, printer.machine)):
        return []
    seen = [_same(each["code"], each["params"]) for each in job.concerns] if _is_approved(job, printer) else []
    return [doubt for doubt in doubts if _same(doubt.code, doubt.params) not in seen]


def _is_approved(job: PrintJob, printer: Printer) -> bool:
    """Told by its history: the fields alone look the same after a sending back."""
    if job.decided_at is None:
        return False
    if not job.events.filter(old=JobState.AWAITING_APPROVAL, new=JobState.QUEUED, at=job.decided_at).exists():
        return False
    here = Printer.objects.filter(machine=job.machine_id).first()
    return here is not None and limits_of(here) == limits_of(printer)


def _same(code: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What makes two doubts one; the kind of file is written in whichever language was spoken."""
    return str(code), {name: value for name, value in params.items() if name != "kind"}


def may_answer(person: Person, machine: Machine) -> bool:
    """Who answers for machines: mediators welcome people, and do not."""
    return has_role(person, machine, ANSWERS)


def _asked(
    job: PrintJob, now: dt.datetime, made: Reservation | None = None
) -> tuple[Reservation | None, list[Denial], Printer | None]:
    machine, person = job.machine, job.person
    printer = Printer.objects.select_related("spool").filter(machine=machine, is_enabled=True).first()
    reservation = made or (current_reservation(machine, person, now) if person is not None else None)
    facts = JobFacts(
        has_printer=printer is not None,
        reservation_start=reservation.start if reservation is not None else None,
        reservation_end=reservation.end if reservation is not None else None,
        estimated=job.file.estimated,
        is_unattended=printer is not None and printer.is_unattended,
        others=tuple(file_denials(job.file, printer)) if printer is not None else (),
    )
    denials = job_denials(facts=facts, now=now)
    if person is not None and reservation is None and printer is not None:
        # Who reserved was asked this when they reserved, and is when they check in.
        denials += person_denials(machine, person, now)
    return reservation, denials, printer


def is_out_of_service(machine: Machine, now: dt.datetime) -> bool:
    """Whether an outage holds it now."""
    return Outage.objects.filter(machine=machine).holding_at(now).exists()

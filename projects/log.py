"""A project's log: what is done for a team writes its own entry, and follows while more is known of it."""

from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from people.errors import NotAllowed
from people.models import Person
from people.teams import is_member
from printing.file_removal import GONE_SHA256
from printing.models import JobState, Outcome, PrintJob
from printing.signals import print_settled
from projects.models import LogEntry

LONGEST_NOTE = 2000
OF_THE_FILE = ("layer_height_mm", "nozzle_mm", "profile", "slicer", "sha256")


def listen() -> None:
    """Hear of prints from now on; called once, when the apps are ready."""
    print_settled.connect(_hear, dispatch_uid="projects.log")


def _hear(sender: object, *, job: PrintJob, **kwargs: Any) -> None:
    write_print(job)


@transaction.atomic
def write_print(job: PrintJob) -> LogEntry | None:
    """The job's entry in its team's log, made or brought up to date; what the team wrote in it stays.

    None, and no entry, for a job of nobody's team, and for one that never printed. What the team had written in the
    entry of a print that is not theirs any more stays with them.
    """
    others = LogEntry.objects.filter(print_job=job).exclude(team=job.team_id)
    others.filter(note="").delete()
    others.update(print_job=None)
    if job.team_id is None or job.started_at is None:
        return None
    entry = _entry_of(job)
    facts, is_kept = facts_of(job), job.file.sha256 != GONE_SHA256
    entry.team_id, entry.kind = job.team_id, LogEntry.Kind.PRINT
    entry.happened_at = job.ended_at or job.started_at
    entry.machine_id, entry.person_id = job.machine_id, job.person_id
    # What the file was, it was: its owner may have given it up since.
    entry.name = job.file.name if is_kept or not entry.name else entry.name
    entry.facts = facts if is_kept else facts | {name: entry.facts[name] for name in OF_THE_FILE if name in entry.facts}
    entry.save()
    return entry


def _entry_of(job: PrintJob) -> LogEntry:
    """The one there is; else what the team kept of it before it went to others for a while; else a new one."""
    times = [time for time in (job.started_at, job.ended_at) if time is not None]
    kept = Q(print_job=None, team=job.team_id, machine=job.machine_id, happened_at__in=times)
    rows = LogEntry.objects.select_for_update().filter(Q(print_job=job) | kept)
    entry = rows.order_by(F("print_job").asc(nulls_last=True)).first() or LogEntry()
    entry.print_job = job
    return entry


def facts_of(job: PrintJob) -> dict[str, Any]:
    """What it took and how it came out. Seconds, grams, millimetres; None is not known."""
    file, spool = job.file, job.spool
    return {
        "state": job.state,
        "outcome": job.outcome,
        "why": job.outcome_why,
        "machine": job.machine.name,
        "printed_s": round(job.printed.total_seconds()) if job.printed is not None else None,
        "grams": job.grams,
        "material": spool.material if spool is not None else file.filament_type,
        "colour": spool.colour if spool is not None else "",
        "layer_height_mm": file.layer_height_mm,
        "nozzle_mm": file.nozzle_mm,
        "profile": file.profile,
        "slicer": file.slicer,
        "sha256": file.sha256,
    }


def has_failed(entry: LogEntry) -> bool:
    """Whether it belongs to what did not work; a print stopped on purpose does not."""
    return entry.facts.get("outcome") == Outcome.BAD or (
        entry.facts.get("state") == JobState.FAILED and entry.facts.get("outcome") != Outcome.GOOD
    )


def has_succeeded(entry: LogEntry) -> bool:
    """Whether it came out well, as far as anybody knows."""
    facts = entry.facts
    is_whole = facts.get("state") == JobState.FINISHED and facts.get("outcome") != Outcome.BAD
    return is_whole or facts.get("outcome") == Outcome.GOOD


def write_note(*, entry: LogEntry, note: str, by: Person) -> LogEntry:
    """Words of the team beside what happened.

    Raises:
        NotAllowed: `by` is not in the team.
    """
    return _changed(entry, by, note=note.strip()[:LONGEST_NOTE])


def leave_out(*, entry: LogEntry, is_left_out: bool, by: Person) -> LogEntry:
    """Off the log's list, or back on it; nothing is lost.

    Raises:
        NotAllowed: `by` is not in the team.
    """
    return _changed(entry, by, is_left_out=is_left_out)


def _changed(entry: LogEntry, by: Person, **fields: object) -> LogEntry:
    with transaction.atomic():
        fresh = LogEntry.objects.select_for_update(of=("self",)).select_related("team").get(pk=entry.pk)
        if not is_member(fresh.team, by):
            raise NotAllowed("not_in_the_team", _("Only members of the team write in its log."))
        for name, value in fields.items():
            setattr(fresh, name, value)
        fresh.save(update_fields=list(fields))
    return fresh

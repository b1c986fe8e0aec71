"""What this app does with personal data beyond the declarations of its models."""

import datetime as dt
from pathlib import Path

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Obstacle, erases, gives_files, refuses_erasure, sweeps
from people.models import Person
from printing.errors import WrongJobState
from printing.file_removal import GONE_NAME, GONE_SHA256, give_up_content, purge_files, purge_names, purge_orphans
from printing.files import stored_path
from printing.models import ACTIVE, JobState, PrintCommand, PrintFile, PrintJob, PrintJobEvent
from printing.models.job import BEFORE_ITS_TURN
from printing.services import ask, move_job

DRAFTS_LAST = dt.timedelta(days=30)


@refuses_erasure
def nothing_is_printing(person: Person, now: dt.datetime) -> list[Obstacle]:
    """A print under way is ended first: the printer still speaks of it."""
    if not PrintJob.objects.filter(person=person, state__in=ACTIVE).exists():
        return []
    return [Obstacle("print_running", _("A print is running. Stop it or let it end first."))]


@erases
def give_up_files(person: Person, now: dt.datetime) -> None:
    """Waiting prints are withdrawn; files lose content, picture, name and what the slicer wrote."""
    for job in PrintJob.objects.filter(person=person, state__in=BEFORE_ITS_TURN):
        ask(job=job, kind=PrintCommand.Kind.CANCEL, by=person, now=now)
    files = PrintFile.objects.filter(uploaded_by=person)
    keys = list(files.values_list("pk", flat=True))
    give_up_content(files)
    mine = PrintFile.objects.filter(pk__in=keys)
    mine.update(uploaded_by=None, name=GONE_NAME, slicer="", filament_type="", profile="", printer_model="")
    mine.filter(jobs=None).delete()


@gives_files
def print_files_of(person: Person) -> list[tuple[str, Path]]:
    """The files they sent that are still kept."""
    files = PrintFile.objects.filter(uploaded_by=person).exclude(sha256=GONE_SHA256).order_by("pk")
    return [(f"prints/{file.reference}-{file.name}", stored_path(file)) for file in files]


@sweeps("printing.PrintJob: drafts")
def forget_drafts(now: dt.datetime, is_dry: bool) -> int:
    """What was never handed in is withdrawn after a month; its file goes with the others that nobody uses."""
    waiting = [JobState.DRAFT, JobState.RETURNED]
    # Of one that was sent back the month begins then.
    moves = PrintJobEvent.objects.filter(job=OuterRef("pk")).order_by("-at", "-pk")
    since = Coalesce(Subquery(moves.values("at")[:1]), "created_at")
    rows = PrintJob.objects.filter(state__in=waiting).annotate(since=since).filter(since__lt=now - DRAFTS_LAST)
    if is_dry:
        return rows.count()
    return sum(_is_forgotten(job, now) for job in rows.select_related("machine", "file"))


def _is_forgotten(job: PrintJob, now: dt.datetime) -> bool:
    try:
        move_job(job, JobState.WITHDRAWN, now=now, reason="forgotten")
    except WrongJobState:
        # Its person hands it in, or withdraws it, at this moment.
        return False
    return True


@sweeps("printing.PrintFile: contents")
def forget_contents(now: dt.datetime, is_dry: bool) -> int:
    return purge_files(now, is_dry=is_dry)


@sweeps("printing.PrintFile: names")
def forget_names(now: dt.datetime, is_dry: bool) -> int:
    return purge_names(now, is_dry=is_dry)


@sweeps("printing.PrintFile: contents that nothing names")
def forget_orphans(now: dt.datetime, is_dry: bool) -> int:
    return purge_orphans(now, is_dry=is_dry)

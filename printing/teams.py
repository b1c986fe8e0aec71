"""The team that a print is for, and the files of a team: whoever is in it prints them again."""

import datetime as dt

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from machines.models import Machine
from people.errors import NotAllowed
from people.models import Person, Team
from people.teams import is_member
from printing.file_removal import GONE_SHA256
from printing.layers import copy_layers
from printing.library import FileGone, print_again
from printing.models import Outcome, PrintFile, PrintJob
from printing.overview import A_PAGE, LibraryFile
from printing.signals import print_settled
from printing.submitting import check_may_draft


def teams_for(job: PrintJob, person: Person) -> list[Team]:
    """Those that a person may print it for, by name; the one it is for among them, be they in it or not."""
    own = Q(memberships__person=person, archived_at=None)
    return list(Team.objects.filter(own | Q(pk=job.team_id)).distinct().order_by("name"))


def choose_team(*, job: PrintJob, team: Team | None, by: Person) -> PrintJob:
    """Say for which team a print is, whatever its state; None for nobody but oneself.

    Side effects in order: the job; whoever hears of prints.

    Raises:
        NotAllowed: the print is somebody else's, or the team is not one's own.
    """
    if job.person_id != by.pk:
        raise NotAllowed("not_yours", _("This print is somebody else’s."))
    if team is not None and not is_member(team, by):
        raise NotAllowed("not_in_the_team", _("You are not in this team."))
    with transaction.atomic():
        fresh = PrintJob.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
        fresh.team = team
        fresh.save(update_fields=["team"])
        print_settled.send(PrintJob, job=fresh)
    return fresh


def team_files(team: Team, *, before: str = "") -> tuple[list[LibraryFile], str]:
    """A page of what was sent for the team, each content once under its latest name, and where the next begins.

    Two queries, three with `before`.
    """
    rows = PrintFile.objects.filter(jobs__team=team).exclude(sha256=GONE_SHA256)
    of_it = Q(jobs__team=team)
    groups = rows.values("sha256").annotate(
        newest=Max("pk"),
        prints=Count("jobs", filter=of_it & Q(jobs__started_at__isnull=False), distinct=True),
        good=Count("jobs", filter=of_it & Q(jobs__outcome=Outcome.GOOD), distinct=True),
        last=Max("jobs__started_at", filter=of_it),
    )
    if at := rows.filter(reference=before).values_list("pk", flat=True).first():
        groups = groups.filter(newest__lt=at)
    found = list(groups.order_by("-newest")[: A_PAGE + 1])
    files = PrintFile.objects.in_bulk([row["newest"] for row in found])
    shown = [LibraryFile(files[row["newest"]], row["prints"], row["good"], row["last"], True) for row in found[:A_PAGE]]
    return shown, shown[-1].file.reference if len(found) > A_PAGE else ""


def print_for_team(*, file: PrintFile, team: Team, machine: Machine, by: Person, now: dt.datetime) -> PrintJob:
    """A new draft of a file that somebody of the team sent for it; the copy is one's own.

    Raises:
        NotAllowed: the team is not one's own, or the file was not sent for it.
        PrintRefused, FileGone: as `print_again`.
    """
    if not is_member(team, by):
        raise NotAllowed("not_in_the_team", _("You are not in this team."))
    if not PrintJob.objects.filter(team=team, file__sha256=file.sha256).exists():
        raise NotAllowed("not_of_the_team", _("This file was not sent for the team."))
    with transaction.atomic():
        job = print_again(file=_own_copy(file, machine, by, now), machine=machine, by=by, now=now)
        return choose_team(job=job, team=team, by=by)


def _own_copy(file: PrintFile, machine: Machine, by: Person, now: dt.datetime) -> PrintFile:
    """A row of one's own for the same content: what the other deletes of theirs stays here."""
    with transaction.atomic():
        # Locked, so that its content is not given up before the copy names it.
        fresh = PrintFile.objects.select_for_update(of=("self",)).get(pk=file.pk)
        if fresh.sha256 == GONE_SHA256:
            raise FileGone("The content was given up.")
        if fresh.uploaded_by_id == by.pk:
            return fresh
        own = PrintFile.objects.filter(uploaded_by=by, sha256=fresh.sha256).order_by("-pk").first()
        if own is not None:
            return own
        check_may_draft(machine=machine, person=by)
        fresh.pk, fresh.reference = None, PrintFile._meta.get_field("reference").get_default()
        fresh.uploaded_by, fresh.uploaded_at = by, now
        fresh.save(force_insert=True)
        copy_layers(file, fresh)
        return fresh

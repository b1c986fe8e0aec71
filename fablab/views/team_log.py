"""A team's project: its log, which writes itself, and the files that were sent for it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fablab.lib.queries import query_word
from fablab.log_words import lines_of
from fablab.views.teams import team_of
from machines.models import Machine
from people.errors import NotAllowed
from people.models import Team
from people.signed_in import signed_in
from people.teams import is_member
from printing.errors import PrintRefused
from printing.library import FileGone
from printing.messages import sentence_of
from printing.models import PrintFile, PrintJob
from printing.overview import machines_that_print
from printing.teams import choose_team, print_for_team, team_files
from projects.log import leave_out, write_note
from projects.models import LogEntry

ENTRIES_A_PAGE = 25


@require_safe
@login_required
def log(request: HttpRequest, slug: str) -> HttpResponse:
    """What was done for the team, newest first; `?left-out` what they left out of it."""
    found, me = team_of(request, slug), signed_in(request)
    is_left_out = "left-out" in request.GET
    rows = LogEntry.objects.filter(team=found, is_left_out=is_left_out).select_related(
        "machine", "person", "print_job__machine__unit__site"
    )
    page = Paginator(rows, ENTRIES_A_PAGE).get_page(query_word(request.GET, "page"))
    context = {
        "team": found,
        "page": page,
        "lines": lines_of(page.object_list, me),
        "zone": found.site.zone,
        "is_left_out": is_left_out,
        "has_left_out": not is_left_out and LogEntry.objects.filter(team=found, is_left_out=True).exists(),
        "kept": "left-out=1" if is_left_out else "",
        "may_write": is_member(found, me),
    }
    return render(request, "fablab/teams/log.html", context)


@require_POST
@login_required
def act(request: HttpRequest, slug: str, reference: str, deed: str) -> HttpResponse:
    """Words beside an entry, or the entry off the list and back."""
    found, me = team_of(request, slug), signed_in(request)
    entry = get_object_or_404(LogEntry, team=found, reference=reference)
    back = reverse("team-log", args=[slug])
    try:
        if deed == "note":
            write_note(entry=entry, note=str(request.POST.get("note", "")).replace("\x00", ""), by=me)
            messages.success(request, _("Saved."))
        else:
            leave_out(entry=entry, is_left_out=deed == "leave-out", by=me)
            gone = _("Left out of the log. It is kept, and can be put back.")
            messages.success(request, gone if deed == "leave-out" else _("It is back in the log."))
    except NotAllowed as error:
        raise PermissionDenied from error
    return redirect(f"{back}#entry-{entry.reference}" if deed != "leave-out" else back)


@require_safe
@login_required
def files(request: HttpRequest, slug: str) -> HttpResponse:
    """Each content that was sent for the team once; members print it again under their own name."""
    found, me = team_of(request, slug), signed_in(request)
    shown, following = team_files(found, before=query_word(request.GET, "before"))
    context = {
        "team": found,
        "files": shown,
        "machines": machines_that_print(me) if is_member(found, me) else [],
        "following": following,
        "before": query_word(request.GET, "before"),
        "zone": found.site.zone,
    }
    return render(request, "fablab/teams/files.html", context)


@require_POST
@login_required
def again(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """A new draft of the team's file for the machine that was chosen."""
    found, me = team_of(request, slug), signed_in(request)
    file = get_object_or_404(PrintFile.objects.filter(jobs__team=found).distinct(), reference=reference)
    rows = Machine.objects.visible_to(me).with_places()
    machine = get_object_or_404(rows, slug=query_word(request.POST, "machine"))
    try:
        return redirect(print_for_team(file=file, team=found, machine=machine, by=me, now=timezone.now()))
    except NotAllowed as error:
        raise PermissionDenied from error
    except PrintRefused as refusal:
        for denial in refusal.denials:
            said = sentence_of(denial)
            messages.error(request, f"{said.message} {said.next_step}")
    except FileGone:
        messages.error(request, _("The file is no longer kept. Please send it again."))
    return redirect("print-team-files", slug)


@require_POST
@login_required
def choose(request: HttpRequest, reference: str) -> HttpResponse:
    """Which team a print of one's own is for; no team for oneself alone."""
    me = signed_in(request)
    job = get_object_or_404(PrintJob.objects.visible_to(me), reference=reference)
    if job.person_id != me.pk:
        raise PermissionDenied
    slug = query_word(request.POST, "team")
    team = Team.objects.filter(slug=slug).first() if slug else None
    if slug and (team is None or not (is_member(team, me) or team.pk == job.team_id)):
        raise Http404
    try:
        if team is None or team.pk != job.team_id:
            choose_team(job=job, team=team, by=me)
    except NotAllowed as error:
        raise PermissionDenied from error
    said = _("Saved. It goes into the log of “%(team)s”.") % {"team": team} if team is not None else _("Saved.")
    messages.success(request, said)
    return redirect(job)

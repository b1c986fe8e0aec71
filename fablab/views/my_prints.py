"""A person's own prints and files: found again, printed once more, given up."""

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fablab.lib import retention
from fablab.lib.queries import query_word
from machines.models import Machine
from people.models import Site
from people.signed_in import signed_in
from printing.errors import PrintRefused
from printing.library import FileGone, FileNeeded, drop_file, print_again
from printing.messages import sentence_of
from printing.overview import drafts_of, files_of, jobs_of, kept_files, machines_that_print

LONGEST_WORDS = 80


@require_safe
@login_required
def prints(request: HttpRequest) -> HttpResponse:
    """Drafts first, then the others, newest first. `?q=` looks for a file's name, `?before=` turns the page."""
    person, words = signed_in(request), query_word(request.GET, "q").strip()[:LONGEST_WORDS]
    before = query_word(request.GET, "before")
    jobs, following = jobs_of(person, words=words, before=before)
    context = {
        "drafts": [] if before else drafts_of(person, words),
        "jobs": jobs,
        "words": words,
        "before": before,
        "following": following,
        "zone": _zone(),
    }
    return render(request, "fablab/prints/mine.html", context)


def _zone() -> dt.tzinfo:
    site = Site.objects.first()
    return site.zone if site else dt.UTC


@require_safe
@login_required
def files(request: HttpRequest) -> HttpResponse:
    """Each content once, with what became of it, and a button that prints it again."""
    person, before = signed_in(request), query_word(request.GET, "before")
    found, following = files_of(person, before=before)
    context = {
        "files": found,
        "machines": machines_that_print(person),
        "before": before,
        "following": following,
        "kept": retention.PRINT_FILE.sentence,
        "zone": _zone(),
    }
    return render(request, "fablab/prints/files.html", context)


@require_POST
@login_required
def again(request: HttpRequest, reference: str) -> HttpResponse:
    """A new draft of the file for the machine that was chosen; its page says what is still missing."""
    person = signed_in(request)
    file = get_object_or_404(kept_files(person), reference=reference)
    rows = Machine.objects.visible_to(person).with_places()
    machine = get_object_or_404(rows, slug=query_word(request.POST, "machine"))
    try:
        return redirect(print_again(file=file, machine=machine, by=person, now=timezone.now()))
    except PrintRefused as refusal:
        for denial in refusal.denials:
            said = sentence_of(denial)
            messages.error(request, f"{said.message} {said.next_step}")
    except FileGone:
        messages.error(request, _("The file is no longer kept. Please send it again."))
    return redirect("me-print-files")


@require_POST
@login_required
def drop(request: HttpRequest, reference: str) -> HttpResponse:
    """Its content goes, and every copy that the person sent."""
    person = signed_in(request)
    file = get_object_or_404(kept_files(person), reference=reference)
    try:
        drop_file(file=file, by=person)
    except FileNeeded:
        messages.error(request, _("A print of this file has not ended. Withdraw it or let it end first."))
    else:
        messages.success(request, _("%(name)s is deleted.") % {"name": file.name})
    return redirect("me-print-files")

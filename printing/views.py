"""Send a file, watch its print, say what became of it. No view here talks to a printer: they write intents."""

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from machines.models import Machine
from people.models import Person
from printing.backends import PrinterConnection
from printing.errors import PrintRefused, WrongJobState
from printing.files import store_file, thumbnail_path
from printing.forms import UploadForm
from printing.messages import failure_words, sentence_of
from printing.models import JobState, PrintCommand, Printer, PrintJob
from printing.rules import start_denials
from printing.services import (
    ask,
    check_may_send,
    confirm_bed_clear,
    current_reservation,
    may_clear_bed,
    queue_job,
    resolve_lost,
)
from printing.turns import start_facts

OUTCOMES = (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)


def _person(request: HttpRequest) -> Person:
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


@login_required
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Send G-code to a machine, under one's reservation of it."""
    person, now = _person(request), timezone.now()
    machine = get_object_or_404(Machine.objects.visible_to(person).with_places(), slug=slug)
    form = UploadForm(request.POST or None, request.FILES or None)
    context = {
        "machine": machine,
        "zone": machine.site.zone,
        "form": form,
        "reservation": current_reservation(machine, person, now),
        "printer": Printer.objects.filter(machine=machine, is_enabled=True).first(),
    }
    if request.method != "POST":
        return render(request, "printing/upload.html", context)
    if not form.is_valid():
        return render(request, "printing/upload.html", context, status=400)
    sent = form.cleaned_data["file"]
    try:
        check_may_send(machine=machine, person=person, now=now)
        file = store_file(stream=sent, name=sent.name, by=person, now=now)
        job = queue_job(file=file, machine=machine, person=person, by=person, now=now)
    except PrintRefused as refusal:
        context["denials"] = [sentence_of(d) for d in refusal.denials]
        return render(request, "printing/upload.html", context, status=409)
    messages.success(request, _("Your file is in the queue."))
    return redirect(job)


def _job(request: HttpRequest, reference: str) -> PrintJob:
    rows = PrintJob.objects.visible_to(request.user).select_related(  # type: ignore[arg-type]
        "file", "machine__unit__site", "machine__category", "reservation", "usage_session", "person"
    )
    return get_object_or_404(rows, reference=reference)


@login_required
def job(request: HttpRequest, reference: str) -> HttpResponse:
    """One print job, live; htmx asks for its live part only."""
    found = _job(request, reference)
    printer = Printer.objects.filter(machine=found.machine).first()
    asked = set(found.commands.filter(done_at=None).values_list("kind", flat=True))
    context = {
        "job": found,
        "zone": found.machine.site.zone,
        "printer": printer,
        "waits_for": _waits_for(found, printer, timezone.now()),
        "asked": asked,
        "may_clear_bed": may_clear_bed(machine=found.machine, person=_person(request)),
        # Also while it answers, but wrongly: a login page, a refused key.
        "printer_trouble": failure_words(printer.error_code) if printer and found.is_active else "",
        "failure": failure_words(found.error_code),
        "events": list(found.events.all()),
        "may_pause": found.state == JobState.PRINTING and "pause" not in asked,
        "may_resume": found.state == JobState.PAUSED and "resume" not in asked,
        "may_cancel": (found.is_active or found.state == JobState.QUEUED) and "cancel" not in asked,
        "progress_step": round(found.progress_pct),
        "outcomes": [(state.value, state.label) for state in OUTCOMES],
    }
    template = "printing/job.html#live" if request.htmx else "printing/job.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _waits_for(found: PrintJob, printer: Printer | None, now: dt.datetime) -> list[object]:
    if found.state != JobState.QUEUED or printer is None:
        return []
    is_reachable = printer.unreachable_since is None and not printer.error_code
    # Empty before the first look at it.
    connection = PrinterConnection(printer.connection or PrinterConnection.UNKNOWN)
    facts = start_facts(found, printer, connection=connection, is_reachable=is_reachable, now=now)
    return [sentence_of(d) for d in start_denials(facts)]


@login_required
@require_POST
def job_action(request: HttpRequest, reference: str, action: str) -> HttpResponse:
    """Pause, resume, stop; say that the bed is clear, or how a lost job ended."""
    found, now, person = _job(request, reference), timezone.now(), _person(request)
    try:
        if action in PrintCommand.Kind.values:
            ask(job=found, kind=PrintCommand.Kind(action), by=person, now=now)
        elif action == "bed-clear":
            if not may_clear_bed(machine=found.machine, person=person):
                raise PermissionDenied
            confirm_bed_clear(machine=found.machine, by=person, now=now)
            messages.success(request, _("Thank you. The next print may start."))
        else:
            resolve_lost(job=found, outcome=JobState(action), by=person, now=now)
    except WrongJobState:
        messages.error(request, _("The print has moved on meanwhile; look at its state below."))
    return redirect(found)


@login_required
def thumbnail(request: HttpRequest, reference: str) -> FileResponse:
    """The picture the slicer put into the file, re-encoded when it came."""
    path = thumbnail_path(_job(request, reference).file)
    if not path.exists():
        raise Http404
    response = FileResponse(path.open("rb"), content_type="image/png")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response

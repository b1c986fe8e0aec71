"""Send a file, watch its print, say what became of it. No view here talks to a printer: they write intents."""

import datetime as dt
from contextlib import suppress
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from machines.models import Machine
from people.errors import NotAllowed
from people.models import Person
from printing.actions import ACTS, Said
from printing.errors import PrintRefused, WrongJobState
from printing.files import store_file, stored_path, thumbnail_path
from printing.forms import UploadForm
from printing.job_page import job_context
from printing.messages import sentence_of
from printing.models import JobState, Printer, PrintJob
from printing.policy import endings_taken
from printing.services import confirm_bed_clear, current_reservation, may_clear_bed
from printing.submitting import check_may_draft, draft_once, submission_denials, submit_job
from printing.times import reserve_and_submit
from reservations.errors import ReservationRefused
from reservations.messages import sentence_of as reservation_sentence

BINARY = "application/octet-stream"


def _person(request: HttpRequest) -> Person:
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


@login_required
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Send a file to a machine: under one's reservation it waits for its turn at once, else a time is offered."""
    person, now = _person(request), timezone.now()
    machine = get_object_or_404(Machine.objects.visible_to(person).with_places(), slug=slug)
    printer = Printer.objects.select_related("spool").filter(machine=machine, is_enabled=True).first()
    endings = endings_taken(printer) if printer else []
    form = UploadForm(request.POST or None, request.FILES or None, initial={"key": uuid4()}, endings=endings)
    context = {
        "machine": machine,
        "zone": machine.site.zone,
        "form": form,
        "endings": ", ".join(endings),
        "reservation": current_reservation(machine, person, now),
        "printer": printer,
    }
    if request.method != "POST":
        return render(request, "printing/upload.html", context)
    if not form.is_valid():
        return render(request, "printing/upload.html", context, status=400)
    sent = form.cleaned_data["file"]
    try:
        check_may_draft(machine=machine, person=person, form_key=form.cleaned_data["key"])
        file = store_file(stream=sent, name=sent.name, by=person, now=now, printer=printer)
    except PrintRefused as refusal:
        context["denials"] = [sentence_of(denial) for denial in refusal.denials]
        return render(request, "printing/upload.html", context, status=409)
    job = draft_once(form_key=form.cleaned_data["key"], file=file, machine=machine, person=person, now=now)
    if job.state == JobState.DRAFT and not submission_denials(job, now):
        # Sent twice at once, the other one may have handed it in by now: its page shows what became of it.
        with suppress(WrongJobState, PrintRefused):
            _tell_submitted(request, submit_job(job=job, by=person, now=now))
    return redirect(job)


def _tell_submitted(request: HttpRequest, job: PrintJob) -> None:
    is_asked = bool(job.concerns)
    text = _("Handed in. Somebody of the team looks at it first.") if is_asked else _("Your file is in the queue.")
    messages.success(request, text)


def _job(request: HttpRequest, reference: str) -> PrintJob:
    rows = PrintJob.objects.visible_to(request.user).select_related(  # type: ignore[arg-type]
        "file", "machine__unit__site", "machine__category", "reservation", "usage_session", "person", "spool"
    )
    return get_object_or_404(rows, reference=reference)


@login_required
def job(request: HttpRequest, reference: str) -> HttpResponse:
    """One print job, live; htmx asks for its live part only."""
    context = job_context(_job(request, reference), _person(request), timezone.now())
    template = "printing/job.html#live" if request.htmx else "printing/job.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@login_required
@require_POST
def job_action(request: HttpRequest, reference: str, action: str) -> HttpResponse:
    """One of the buttons on a job's page; what is written beside it comes along."""
    found, now, person = _job(request, reference), timezone.now(), _person(request)
    said = Said(
        note=request.POST.get("note", ""),
        why=request.POST.get("why", ""),
        takes_any="takes_any" in request.POST,
        machine=query_word(request.POST, "machine"),
    )
    if action == "send-back" and not said.note.strip():
        messages.error(request, _("Write why: the person reads it, and can mend the file."))
        return redirect(found)
    try:
        moved = ACTS[action](found, person, now, said)
    except NotAllowed as error:
        raise PermissionDenied from error
    except PrintRefused as refusal:
        messages.error(request, " ".join(sentence_of(denial).message for denial in refusal.denials))
    except WrongJobState:
        messages.error(request, _("The print has moved on meanwhile; look at its state below."))
    else:
        if action == "submit":
            _tell_submitted(request, moved)
    return redirect(found)


@login_required
@require_POST
def bed_clear(request: HttpRequest, reference: str) -> HttpResponse:
    """The plate is free again."""
    found, person, now = _job(request, reference), _person(request), timezone.now()
    if not may_clear_bed(machine=found.machine, person=person, now=now):
        raise PermissionDenied
    confirm_bed_clear(machine=found.machine, by=person, now=now)
    messages.success(request, _("Thank you. The next print may start."))
    return redirect(found)


@login_required
@require_POST
def job_reserve(request: HttpRequest, reference: str) -> HttpResponse:
    """One tap: the time is reserved and the print handed in."""
    found, person, now = _job(request, reference), _person(request), timezone.now()
    start = _instant(request.POST.get("start", ""))
    if start is None or found.person_id != person.pk:
        raise PermissionDenied
    try:
        _tell_submitted(request, reserve_and_submit(job=found, start=start, by=person, now=now))
    except ReservationRefused as refusal:
        messages.error(request, " ".join(reservation_sentence(denial).message for denial in refusal.denials))
    except PrintRefused as refusal:
        messages.error(request, " ".join(sentence_of(denial).message for denial in refusal.denials))
    except WrongJobState:
        messages.error(request, _("The print has moved on meanwhile; look at its state below."))
    return redirect(found)


def _instant(text: str) -> dt.datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and timezone.is_aware(found) else None


@login_required
def job_file(request: HttpRequest, reference: str) -> FileResponse:
    """The file itself, for whoever runs it at the machine: always saved, never shown."""
    file = _job(request, reference).file
    path = stored_path(file)
    if not path.exists():
        raise Http404
    response = FileResponse(path.open("rb"), as_attachment=True, filename=file.name, content_type=BINARY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


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

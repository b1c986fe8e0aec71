"""The door through which slicers send a job straight in: they take us for an OctoPrint.

`GET …/api/version`, `POST …/api/files/local` with a personal key in `X-Api-Key`, as OctoPrint's documents say
(docs.octoprint.org, “General information” and “File operations”). “Print” there means handing the job in: nothing here
ever starts a machine. Each printer has an address of its own; without one, the job goes to where its person prints.
"""

import datetime as dt
from typing import Any, BinaryIO, cast

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from rest_framework.exceptions import AuthenticationFailed

from fablab.lib.denials import Denial
from fablab.lib.throttling import is_within_rate
from machines.models import Machine
from people.authentication import ScopedTokenAuthentication
from people.models import Person
from people.models.token import Scope
from printing.errors import PrintRefused
from printing.files import store_file
from printing.messages import sentence_of
from printing.models import Printer, PrintJob
from printing.rules import Code
from printing.submitting import check_may_draft, draft_job, submission_denials, submit_job
from reservations.models import Reservation, Status

# What slicers look for before they send; they compare the beginning of `text` only.
VERSION = {"api": "0.1", "server": "1.9.0", "text": "OctoPrint (fablab)"}
# Each file is read line by line.
SENT_MOST, SENT_WITHIN = 20, dt.timedelta(minutes=1)
KEY_HEADER = "X-Api-Key"


@require_GET
def version(request: HttpRequest, slug: str = "") -> JsonResponse:
    """Who answers here: asked by the slicer's “Test” button, so a wrong key is refused here already."""
    person, refused = _person(request)
    if refused is not None or person is None:
        return refused or _refused(403, _("The key is not known here."))
    return JsonResponse(VERSION)


@csrf_exempt
@require_POST
def receive(request: HttpRequest, slug: str = "") -> JsonResponse:
    """A sliced file becomes a draft; handed in at once where the slicer says “print” and nothing stands in the way.

    Answers 201 with the job's page, whatever is still missing: the slicer's work is done.
    """
    person, refused = _person(request)
    if refused is not None or person is None:
        return refused or _refused(403, _("The key is not known here."))
    if not is_within_rate(f"slicer:{person.pk}", most=SENT_MOST, window=SENT_WITHIN):
        return _refused(429, _("Too many files in a short time. Wait a minute."))
    machine, now = _machine_for(person, slug), timezone.now()
    if machine is None:
        return _refused(404, _("No printer of that name takes files here."))
    printer = Printer.objects.select_related("spool").filter(machine=machine, is_enabled=True).first()
    try:
        # Before the body is read: it may be large.
        check_may_draft(machine=machine, person=person)
        sent = request.FILES.get("file")
        if sent is None:
            return _refused(400, _("No file came along."))
        stream = cast(BinaryIO, sent)
        file = store_file(stream=stream, name=sent.name or "print.gcode", by=person, now=now, printer=printer)
    except PrintRefused as refusal:
        return _because(refusal.denials)
    job = draft_job(file=file, machine=machine, person=person, by=person, now=now)
    if request.POST.get("print") == "true" and not submission_denials(job, now):
        job = submit_job(job=job, by=person, now=now)
    return JsonResponse(_done(request, job), status=201)


def _done(request: HttpRequest, job: PrintJob) -> dict[str, Any]:
    page = request.build_absolute_uri(job.get_absolute_url())
    where = {"name": job.file.name, "path": job.file.name, "origin": "local", "refs": {"resource": page}}
    return {"done": True, "files": {"local": where}, "effectiveSelect": False, "effectivePrint": False, "job": page}


def _person(request: HttpRequest) -> tuple[Person | None, JsonResponse | None]:
    """Whose key it is; or why it does not open."""
    key = request.headers.get(KEY_HEADER, "")
    if not key:
        return None, _refused(401, _("Write a personal key into the slicer: your page makes one."))
    try:
        person, token = ScopedTokenAuthentication().authenticate_credentials(key.encode())
    except AuthenticationFailed as error:
        return None, _refused(403, str(error.detail))
    if Scope.PRINT.value not in token.scopes:
        return None, _refused(403, _("This key may not send prints. Make one that may."))
    return person, None


def _machine_for(person: Person, slug: str) -> Machine | None:
    """The one at this address; without a name, where the person prints: reserved now or next, else where they last
    did, else the first."""
    machines = Machine.objects.visible_to(person).with_places().filter(printer__is_enabled=True)
    if slug:
        return machines.filter(slug=slug).first()
    now = timezone.now()
    held = Reservation.objects.filter(
        holder=person, machine__in=machines, end__gt=now, status__in=[Status.CONFIRMED, Status.IN_USE]
    ).order_by("start")
    last = PrintJob.objects.filter(person=person, machine__in=machines).order_by("-created_at")
    for rows in (held, last):
        if (key := rows.values_list("machine", flat=True).first()) is not None:
            return machines.get(pk=key)
    return machines.order_by("position", "pk").first()


def _because(denials: list[Denial]) -> JsonResponse:
    sentences = [sentence_of(denial) for denial in denials]
    status = 413 if any(denial.code == Code.TOO_LARGE for denial in denials) else 409
    text = " ".join(f"{sentence.message} {sentence.next_step}" for sentence in sentences)
    return JsonResponse({"error": text, "codes": [sentence.code for sentence in sentences]}, status=status)


def _refused(status: int, text: str) -> JsonResponse:
    return JsonResponse({"error": text}, status=status)

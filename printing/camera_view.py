"""The still of a printer's camera, for those who see the job: nobody else learns the camera's address."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from printing.backends import PrinterError, Timeouts
from printing.backends.camera import Camera
from printing.models import ACTIVE, Printer, PrintJob

# A page asks every few seconds, for each who looks; the camera is asked once for all of them.
KEPT_S = 4
# Somebody waits for the page: a camera that is slow has no picture.
QUICK = Timeouts(connect_s=1.0, read_s=3.0)


@login_required
def camera(request: HttpRequest, reference: str) -> HttpResponse:
    """What the camera sees now, as long as the job has the printer: before and after, the bed is somebody else's."""
    rows = PrintJob.objects.visible_to(request.user).filter(state__in=ACTIVE)  # type: ignore[arg-type]
    job = get_object_or_404(rows, reference=reference)
    printer = Printer.objects.filter(machine=job.machine_id).exclude(camera_url="").first()
    picture = still(printer) if printer is not None else b""
    if not picture:
        raise Http404
    response = HttpResponse(picture, content_type="image/jpeg")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def still(printer: Printer) -> bytes:
    """The picture, drawn anew without what the camera wrote in it; empty where there is none now."""
    kept, key = caches["process"], f"camera:{printer.pk}"
    found: bytes | None = kept.get(key)
    if found is None:
        try:
            found = Camera().snapshot(printer.camera_url, settings.PRINTER_NETWORKS, QUICK)
        except PrinterError:
            found = b""
        kept.set(key, found, KEPT_S)
    return found

"""What of a print's file can be drawn in the browser, and the G-code that is drawn there."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from printing.files import stored_path
from printing.models import FileKind, PrintFile, PrintJob
from printing.slicers.gcode_3mf import open_plate
from printing.slicers.unreadable import UnreadableFile

BINARY = "application/octet-stream"
MEGABYTE = 1024 * 1024
# About 900,000 lines: three seconds on two cores without a graphics card, and so many more on a slow telephone.
MOST_PATH_BYTES = 20 * MEGABYTE
# 600,000 triangles of a binary STL.
MOST_MODEL_BYTES = 30 * MEGABYTE
CHUNK_BYTES = 64 * 1024


class _TooLarge(Exception):
    """More was packed into the archive than is drawn."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no path is drawn, in words, and the answer's status."""

    words: str
    status: int


def path_refusal(file: PrintFile) -> Refusal | None:
    """Why this file's path is not drawn, as far as is known without opening it; None where it may be tried."""
    if file.kind == FileKind.BGCODE:
        words = gettext("The path of a binary file (.bgcode) is not drawn here. Saved as .gcode by the slicer, it is.")
        return Refusal(words, 415)
    if file.kind == FileKind.DRAWING:
        return Refusal(gettext("A drawing has no path of a 3D printer."), 415)
    if file.size_bytes > MOST_PATH_BYTES:
        return _too_large()
    return None


def _too_large() -> Refusal:
    words = gettext(
        "More than %(most)s MB of G-code are too much to draw in a browser. For the print this changes nothing."
    )
    return Refusal(words % {"most": MOST_PATH_BYTES // MEGABYTE}, 413)


@login_required
@require_safe
def path_gcode(request: HttpRequest, reference: str) -> FileResponse | HttpResponse:
    """The lines that move the printer, to be drawn: for those who may read the file, saved and never shown."""
    jobs = PrintJob.objects.visible_to(request.user).select_related("file")  # type: ignore[arg-type]
    file = get_object_or_404(jobs, reference=reference).file
    if refusal := path_refusal(file):
        return _refused(refusal)
    path = stored_path(file)
    if not path.exists():
        raise Http404
    try:
        content = _plate(path) if file.kind == FileKind.GCODE_3MF else path.open("rb")
    except _TooLarge:
        return _refused(_too_large())
    except UnreadableFile:
        return _refused(Refusal(gettext("The archive is damaged: its path cannot be drawn."), 409))
    name = file.name.removesuffix(".3mf")
    answer = FileResponse(content, as_attachment=True, filename=name, content_type=BINARY)
    _keep_private(answer)
    return answer


def _plate(path: Path) -> IO[bytes]:
    """The only plate's G-code, unpacked to disk as far as is drawn.

    Raises:
        _TooLarge: it goes on after that.
        UnreadableFile: damaged.
    """
    with ExitStack() as until_whole:
        made = until_whole.enter_context(tempfile.TemporaryFile())
        with open_plate(path) as packed:
            while chunk := packed.read(CHUNK_BYTES):
                if made.tell() + len(chunk) > MOST_PATH_BYTES:
                    raise _TooLarge
                made.write(chunk)
        # The answer closes it.
        until_whole.pop_all()
    made.seek(0)
    return made


def _refused(refusal: Refusal) -> HttpResponse:
    answer = HttpResponse(refusal.words, status=refusal.status, content_type="text/plain; charset=utf-8")
    _keep_private(answer)
    return answer


def _keep_private(answer: HttpResponseBase) -> None:
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"

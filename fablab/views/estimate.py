"""Roughly how long something takes, before anybody has sliced it. Nothing that is sent here is kept."""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from fablab.lib.throttling import is_within_rate
from fablab.views.people_door import posted
from fablab.views.settings_places import parts_of
from people.signed_in import signed_in
from printing.estimate_words import Told, refusal_words, tell_cut, tell_mesh
from printing.estimates.cut import CutKind, cut_minutes, estimate_cut
from printing.estimates.limited import run_limited
from printing.estimates.limits import MOST_MINUTES, MOST_MM, Unmeasurable, check_plausible
from printing.estimates.mesh import MeshKind, estimate_mesh, print_guess
from printing.forms_estimate import DENSITIES, DRAWINGS, EstimateForm, kind_of

MOST_A_MINUTE = 6
MOST_S = 15
# Each holds one of the server's few threads, a processor, and up to a gigabyte.
AT_ONCE, WAIT_S = BoundedSemaphore(2), 5


class _Busy(Exception):
    """Too many files are being measured at this moment."""


@login_required
def estimate(request: HttpRequest) -> HttpResponse:
    """A model's grams and minutes, or a drawing's length and minutes, with all that was assumed."""
    form = EstimateForm(posted(request), request.FILES if request.method == "POST" else None)
    told, status = None, 200
    if request.method == "POST":
        told, status = _answer(request, form)
    context: dict[str, Any] = {
        "form": form,
        "parts": parts_of(form),
        "told": told,
        "file_name": form.cleaned_data["file"].name if told is not None else "",
    }
    return render(request, "fablab/estimate.html", context, status=status)


def _answer(request: HttpRequest, form: EstimateForm) -> tuple[Told | None, int]:
    """The estimate, or an error of the form; and the answer's status."""
    if not form.is_valid():
        return None, 400
    person = signed_in(request)
    if not is_within_rate(f"estimate:{person.pk}", most=MOST_A_MINUTE, window=dt.timedelta(minutes=1)):
        form.add_error(None, _("You have measured many files in a short time. Wait a minute, then send it again."))
        return None, 429
    values = form.cleaned_data
    kind = kind_of(values["file"].name)
    try:
        with _turn(), _on_disk(values["file"]) as path:
            return (_cut(path, kind, values) if kind in DRAWINGS else _print(path, kind, values)), 200
    except Unmeasurable as refused:
        form.add_error("file", refusal_words(refused.code, is_drawing=kind in DRAWINGS))
        return None, 409
    except _Busy:
        form.add_error(None, _("Others are having files measured at this moment. Send yours again in a minute."))
        return None, 503


def _print(path: Path, kind: str, values: dict[str, Any]) -> Told:
    mesh = run_limited(estimate_mesh, path, cast(MeshKind, kind), most_s=MOST_S)
    check_plausible(max(mesh.size_mm), MOST_MM)
    guess = print_guess(
        mesh,
        infill_pct=values["infill_pct"],
        layer_mm=values["layer_mm"],
        density_g_cm3=DENSITIES[values["material"]],
    )
    check_plausible(guess.minutes, MOST_MINUTES)
    return tell_mesh(mesh, guess)


def _cut(path: Path, kind: str, values: dict[str, Any]) -> Told:
    cut = run_limited(estimate_cut, path, cast(CutKind, kind), most_s=MOST_S)
    check_plausible(max(cut.size_mm), MOST_MM)
    minutes = cut_minutes(cut, speed_mm_s=values["speed_mm_s"], power_passes=values["passes"])
    check_plausible(minutes, MOST_MINUTES)
    return tell_cut(cut, minutes)


@contextmanager
def _turn() -> Iterator[None]:
    if not AT_ONCE.acquire(timeout=WAIT_S):
        raise _Busy
    try:
        yield
    finally:
        AT_ONCE.release()


@contextmanager
def _on_disk(sent: UploadedFile) -> Iterator[Path]:
    """Where the file lies: a small one came in memory, and is written for as long as it is needed."""
    if isinstance(sent, TemporaryUploadedFile):
        yield Path(sent.temporary_file_path())
        return
    with tempfile.NamedTemporaryFile(prefix="estimate-") as file:
        for chunk in sent.chunks():
            file.write(chunk)
        file.flush()
        yield Path(file.name)

"""One's own data, and what the team does for somebody who asks at the desk: take it away, make it anonymous."""

import datetime as dt
import io
from typing import Any

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.personal.archive import MOST_IN_MEMORY_BYTES, archive_file, archive_name
from fablab.personal.forms import ErasePersonForm, EraseSelfForm
from fablab.personal.register import entries
from fablab.views.roles import for_role
from people.erasure import ErasureRefused, erase_person, obstacles_to_erasing
from people.exports import counts_of
from people.lab import current_lab
from people.models import FileAccess, Person
from people.permissions import is_manager
from people.ranks import may_take_data
from people.selectors import people_of
from people.services import note_access
from people.signed_in import signed_in

ACCESSES_SHOWN = 20


@login_required
def my_data(request: HttpRequest) -> HttpResponse:
    """What is kept about the person who is signed in, who of the team looked, and the ways out."""
    person = signed_in(request)
    kept = counts_of(person)
    accesses = FileAccess.objects.filter(person=person).select_related("by")[:ACCESSES_SHOWN]
    context = {
        "entries": [(entry, sum(kept.get(item.model, 0) for item in entry.items)) for entry in entries(current_lab())],
        "accesses": list(accesses),
        "zone": timezone.get_current_timezone(),
    }
    return render(request, "fablab/about/my_data.html", context)


@login_required
@require_POST
def my_export(request: HttpRequest) -> HttpResponseBase:
    """Everything as a ZIP."""
    person = signed_in(request)
    return _download(person, person)


@login_required
def erase_me(request: HttpRequest) -> HttpResponse:
    """Asked once more, with the password (or the card's code, where there is none)."""
    person, now = signed_in(request), timezone.now()
    obstacles = obstacles_to_erasing(person, now=now)
    form = EraseSelfForm(request.POST or None, person=person)
    if request.method == "POST" and not ratelimit.consume(request, action="reauthenticate", user=person):
        messages.error(request, _("Too many tries. Wait a minute, then try again."))
        return redirect("me-data-erase")
    if request.method == "POST" and not obstacles and form.is_valid() and _erased(request, person, by=person, now=now):
        logout(request)
        messages.success(request, _("Your data is gone and your account is closed. Thank you for having come."))
        return redirect("home")
    context = {"form": form, "obstacles": obstacles}
    return render(request, "fablab/about/erase_me.html", context, status=_status(request, form))


@require_POST
@for_role(is_manager)
def export_person(request: HttpRequest, reference: str) -> Any:
    """The same ZIP, for somebody who asked the team for it."""
    person, by = _theirs(request, reference), signed_in(request)
    if not may_take_data(by, person):
        return _out_of_reach(request, person)
    return _download(person, by)


@for_role(is_manager)
def erase_someone(request: HttpRequest, reference: str) -> HttpResponse:
    """For somebody who asked the team; their name is typed once more."""
    by, now = signed_in(request), timezone.now()
    person = _theirs(request, reference)
    if person.pk == by.pk or not may_take_data(by, person):
        return _out_of_reach(request, person)
    obstacles = obstacles_to_erasing(person, now=now)
    form = ErasePersonForm(request.POST or None, person=person)
    if request.method == "POST" and not obstacles and form.is_valid():
        if _erased(request, person, by=by, now=now):
            messages.success(request, _("The file is anonymous now. What the person did stays as a count."))
            return redirect("manage")
    elif request.method == "GET":
        note_access(person=person, by=by, deed=FileAccess.Deed.READ, now=now)
    context = {"form": form, "person": person, "obstacles": obstacles}
    return render(request, "fablab/about/erase_person.html", context, status=_status(request, form))


def _status(request: HttpRequest, form: EraseSelfForm | ErasePersonForm) -> int:
    if request.method != "POST":
        return 200
    return 400 if form.errors else 409


def _out_of_reach(request: HttpRequest, person: Person) -> HttpResponse:
    return render(request, "fablab/about/out_of_reach.html", {"person": person}, status=403)


def _theirs(request: HttpRequest, reference: str) -> Person:
    return get_object_or_404(people_of(signed_in(request)), reference=reference)


def _download(person: Person, by: Person) -> HttpResponseBase:
    now = timezone.now()
    file = archive_file(person=person, by=by, now=now)
    response: HttpResponseBase
    if file.seek(0, io.SEEK_END) <= MOST_IN_MEMORY_BYTES:
        file.seek(0)
        with file:
            response = HttpResponse(file.read(), content_type="application/zip")
    else:
        file.seek(0)
        response = FileResponse(file, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{archive_name(person, now)}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _erased(request: HttpRequest, person: Person, *, by: Person, now: dt.datetime) -> bool:
    """False when something began meanwhile; then it is said."""
    try:
        erase_person(person=person, by=by, now=now)
    except ErasureRefused as refusal:
        for obstacle in refusal.obstacles:
            messages.error(request, str(obstacle.sentence))
        return False
    return True

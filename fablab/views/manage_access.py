"""For the team: who had a machine, and who was not let at it; as a list, and as a table to take away."""

import csv
import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.lib.queries import query_word
from fablab.lib.spreadsheets import plain_cell
from fablab.views.roles import for_role
from fablab.views.settings_places import machine_there
from iot.access_lists import refused_at, sessions_at
from iot.models import AccessSession
from iot.refusal_words import refusal_words
from machines.models import Machine
from people.models import FileAccess
from people.permissions import is_manager, is_staff
from people.services import note_accesses
from people.signed_in import signed_in

A_PAGE = 50


@for_role(is_staff)
def access(request: HttpRequest, slug: str) -> HttpResponse:
    """Who had it, newest first; with `?refused=1` whom it refused. `?q=` looks for a name."""
    machine = get_object_or_404(Machine.objects.with_places(), slug=slug)
    if not is_staff(request.user, machine):
        raise PermissionDenied
    words, is_refused = query_word(request.GET, "q").strip()[:80], "refused" in request.GET
    rows: Any = refused_at(machine, words) if is_refused else sessions_at(machine, words)
    page = Paginator(rows, A_PAGE).get_page(query_word(request.GET, "page"))
    kept = {name: value for name, value in (("q", words), ("refused", "1" if is_refused else "")) if value}
    context = {
        "machine": machine,
        "page": page,
        "refused": [(row, refusal_words(row.codes)) for row in page] if is_refused else [],
        "sessions": [] if is_refused else [(row, refusal_words(row.overridden)) for row in page],
        "is_refused": is_refused,
        "words": words,
        "kept": urlencode(kept),
        "may_manage_it": is_manager(request.user, machine),
        "zone": machine.site.zone,
        "now": timezone.now(),
    }
    return render(request, "fablab/devices/access.html", context)


@for_role(is_manager)
def table(request: HttpRequest, slug: str) -> HttpResponse:
    """Who had it, as CSV; noted in the file of everybody who is named."""
    machine, now = machine_there(request, slug), timezone.now()
    rows = list(sessions_at(machine, query_word(request.GET, "q").strip()[:80]))
    people = {person for row in rows for person in (row.person, row.second_person) if person is not None}
    note_accesses(people=people, by=signed_in(request), deed=FileAccess.Deed.EXPORTED, now=now)
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="access-{machine.slug}-{now:%Y-%m-%d}.csv"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response, delimiter=";")
    writer.writerow([_("Machine"), _("Person"), _("Second person"), _("From"), _("Until"), _("Ended by"),
                     _("Taken over from"), _("Allowed by the team although")])  # fmt: skip
    writer.writerows([plain_cell(cell) for cell in _cells(machine, row)] for row in rows)
    return response


def _cells(machine: Machine, row: AccessSession) -> tuple[object, ...]:
    before = row.took_over
    return (
        machine.name, row.person or "", row.second_person or "", _moment(row.allowed_at, machine),
        _moment(row.ended_at, machine), row.get_stop_reason_display(),
        (before.person or "") if before is not None else "", refusal_words(row.overridden) if row.overridden else "",
    )  # fmt: skip


def _moment(at: dt.datetime | None, machine: Machine) -> str:
    return f"{at.astimezone(machine.site.zone):%Y-%m-%d %H:%M}" if at is not None else ""

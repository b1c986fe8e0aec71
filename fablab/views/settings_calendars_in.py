"""Settings: calendars that somebody else keeps of a machine, which make it taken here too."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fablab.views.roles import for_role
from fablab.views.settings_places import machine_there, refusals_beside
from machines.calendar_words import calendar_words
from machines.calendars_in import add_calendar, calendars_with_counts, remove_calendar
from machines.forms_calendars import CalendarInForm
from machines.models import ExternalCalendar
from people.permissions import is_manager
from people.signed_in import signed_in
from reservations.elsewhere import collisions_of, read_and_tell

SHOWN_MOST = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A calendar with what to say about it."""

    calendar: ExternalCalendar
    taken: str
    trouble: str


@for_role(is_manager)
def calendars(request: HttpRequest, slug: str) -> HttpResponse:
    """Those that are read, what they hit, and a form for one more, which is read at once."""
    machine, now = machine_there(request, slug), timezone.now()
    form = CalendarInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            made = add_calendar(machine=machine, by=signed_in(request), now=now, **form.cleaned_data)
            _read(request, made)
            return redirect("settings-calendars-in", slug)
    found = list(collisions_of(machine, now)[: SHOWN_MOST + 1])
    context = {
        "machine": machine,
        "site": machine.site,
        "zone": machine.site.zone,
        "lines": [_line(row) for row in calendars_with_counts(machine, now)],
        "collisions": found[:SHOWN_MOST],
        "has_more": len(found) > SHOWN_MOST,
        "form": form,
    }
    return render(request, "fablab/calendars/in.html", context, status=400 if form.errors else 200)


@require_POST
@for_role(is_manager)
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Now rather than within a quarter of an hour."""
    calendar = _calendar_there(request, pk)
    _read(request, calendar)
    return redirect("settings-calendars-in", calendar.machine.slug)


@require_POST
@for_role(is_manager)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """It is read no more, and takes nothing any more."""
    calendar = _calendar_there(request, pk)
    remove_calendar(calendar=calendar, by=signed_in(request), now=timezone.now())
    messages.success(request, _("Removed. What it took is free again."))
    return redirect("settings-calendars-in", calendar.machine.slug)


def _calendar_there(request: HttpRequest, pk: int) -> ExternalCalendar:
    found = get_object_or_404(ExternalCalendar.objects.select_related("machine__unit__site"), pk=pk)
    if not is_manager(request.user, found.machine):
        raise PermissionDenied
    return found


def _read(request: HttpRequest, calendar: ExternalCalendar) -> None:
    error = read_and_tell(calendar=calendar, now=timezone.now())
    if error:
        messages.warning(request, calendar_words(error))
    else:
        messages.success(request, _("%(name)s was read.") % {"name": calendar.name})


def _line(calendar: ExternalCalendar) -> Line:
    count: int = calendar.coming_count  # type: ignore[attr-defined]
    words = ngettext("takes it once in the next three months", "takes it %d times in the next three months", count)
    taken = words % count if count > 1 else words if count else _("takes nothing in the next three months")
    return Line(calendar, taken, calendar_words(calendar.error))

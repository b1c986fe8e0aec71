"""Who of the team is on duty: managers write the week, everybody of the team sees their own shifts."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fablab.views.days import any_day
from fablab.views.desk import desk_site
from fablab.views.roles import for_role
from fablab.views.settings_places import refusals_beside, site_there
from machines.forms_rota import ShiftForm
from machines.models import Shift
from machines.opening import MIDNIGHT, instant_of, opening_on
from machines.rota import WEEK, add_shifts, drop_shift, shifts_of
from machines.selectors import timetable
from people.models import Site
from people.permissions import is_administrator, is_manager, is_staff
from people.selectors import staff_sites
from people.signed_in import signed_in
from reservations.supervision_lost import reservations_without_supervision


@for_role(is_staff)
def rota(request: HttpRequest) -> HttpResponse:
    """One week, day by day; `?day=` chooses another one. Everybody of the team sees their own shifts, managers all."""
    site = desk_site(request)
    form = _form(request, site) if is_manager(request.user, site) else None
    return _page(request, site, form)


@for_role(is_staff)
def rota_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Somebody is on duty, once or every week. For managers of the place."""
    site = site_there(request, slug)
    if request.method != "POST":
        return _back(site, any_day(request))
    form = _form(request, site)
    if form.is_valid():
        with refusals_beside(form):
            made = add_shifts(site=site, by=signed_in(request), now=timezone.now(), **form.cleaned_data)
            words = ngettext("%(n)d shift is added.", "%(n)d shifts are added.", len(made)) % {"n": len(made)}
            messages.success(request, words)
            return _back(site, form.cleaned_data["day"])
    return _page(request, site, form)


def _form(request: HttpRequest, site: Site) -> ShiftForm:
    today = timezone.now().astimezone(site.zone).date()
    return ShiftForm(request.POST or None, site=site, day=max(any_day(request) or today, today))


def _page(request: HttpRequest, site: Site, form: ShiftForm | None) -> HttpResponse:
    person, now = signed_in(request), timezone.now()
    may_write, today = form is not None, now.astimezone(site.zone).date()
    monday = (any_day(request) or today) - dt.timedelta(days=(any_day(request) or today).weekday())
    context = {
        "site": site,
        "sites": list(staff_sites(person)),
        "zone": site.zone,
        "day": monday,
        "sunday": monday + dt.timedelta(days=6),
        "before": monday - WEEK,
        "after": monday + WEEK,
        "today": today,
        "days": _days(site, monday, None if may_write else person.pk),
        "form": form,
        "may_write": may_write,
        "may_turn_on": is_administrator(person, site),
        "lost_count": len(reservations_without_supervision(site=site, now=now)) if may_write else 0,
    }
    return render(request, "fablab/opening/rota.html", context)


def _days(site: Site, monday: dt.date, only: int | None) -> list[dict[str, Any]]:
    """The week's days, each with its opening hours and shifts; `only` is the person whose shifts are wanted."""
    first = instant_of(monday, MIDNIGHT, site.zone)
    last = instant_of(monday + WEEK, MIDNIGHT, site.zone)
    shifts = [shift for shift in shifts_of(site, first, last) if only in (None, shift.person_id)]
    table = timetable(site, monday, monday + WEEK)
    days = [monday + dt.timedelta(days=n) for n in range(7)]
    return [
        {
            "date": day,
            "opening": opening_on(day, table),
            "shifts": [shift for shift in shifts if shift.start.astimezone(site.zone).date() == day],
        }
        for day in days
    ]


@require_POST
@for_role(is_staff)
def shift_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """They will not come; what loses its supervision is named. For managers, and for whose shift it is."""
    person, now = signed_in(request), timezone.now()
    shift = get_object_or_404(Shift.objects.select_related("site", "person"), pk=pk)
    site = shift.site
    is_own = shift.person_id == person.pk and is_staff(person, site)
    if not (is_own or is_manager(person, site)):
        raise PermissionDenied
    before = len(reservations_without_supervision(site=site, now=now))
    drop_shift(shift=shift, by=person, now=now)
    lost = len(reservations_without_supervision(site=site, now=now)) - before
    messages.success(request, _("The shift is dropped."))
    if lost > 0:
        words = ngettext(
            "%(n)d reservation has nobody to watch over it now: it stands on the call list.",
            "%(n)d reservations have nobody to watch over them now: they stand on the call list.",
            lost,
        )
        messages.warning(request, words % {"n": lost})
    return _back(site, shift.start.astimezone(site.zone).date())


def _back(site: Site, day: dt.date | None) -> HttpResponse:
    when = f"&day={day.isoformat()}" if day else ""
    return redirect(f"{reverse('manage-rota')}?site={site.slug}{when}")

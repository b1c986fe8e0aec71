"""Settings of when a site is open: the week, dated exceptions, and whom to call when reservations no longer fit."""

import datetime as dt
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fablab.unfit import unfit_reservations
from fablab.views.roles import for_role
from fablab.views.settings_places import parts_of, refusals_beside, site_there
from machines.closing_services import remove_exceptions, set_exceptions
from machines.closures import closures_of
from machines.forms_opening import ClosureForm, HoursForm
from machines.models import OpeningHours, Season
from machines.services import set_weekly_hours
from people.models import Site
from people.permissions import is_manager
from people.signed_in import signed_in
from reservations.closures import refit_blocked


@for_role(is_manager)
def hours(request: HttpRequest, slug: str) -> HttpResponse:
    """The week's hours, two ranges a day or more; and the reservations that lie outside them."""
    site, now = site_there(request, slug), timezone.now()
    form = HoursForm(request.POST or None, asks_who=True, **week_of(site))
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form), transaction.atomic():
            set_weekly_hours(site=site, ranges=form.week(), unstaffed=form.unstaffed(), by=signed_in(request), now=now)
            refit(request, site, now)
            messages.success(request, _("The week is saved."))
            return redirect("settings-hours", site.slug)
    context = {"form": form, "site": site, "unfit_count": len(unfit_reservations(site=site, now=now))}
    return render(request, "fablab/settings/hours.html", context)


def week_of(site: Site, season: Season | None = None) -> dict[str, Any]:
    """The usual week or that of a season, as HoursForm takes it. One query."""
    rows = list(OpeningHours.objects.filter(site=site, season=season).order_by("weekday", "opens"))
    by_day = groupby(rows, key=lambda row: row.weekday)
    return {
        "week": {weekday: [(row.opens, row.closes) for row in day_rows] for weekday, day_rows in by_day},
        "unstaffed": {(row.weekday, row.opens) for row in rows if not row.is_staffed},
    }


def refit(request: HttpRequest, site: Site, now: dt.datetime) -> None:
    """Machines that run while we are closed are held until the next opening, which is another one now."""
    stuck = refit_blocked(site=site, now=now)
    if stuck:
        words = ngettext(
            "%(count)d reservation has no room for its clean-up any more: look at it.",
            "%(count)d reservations have no room for their clean-up any more: look at them.",
            len(stuck),
        )
        messages.error(request, words % {"count": len(stuck)})


@for_role(is_manager)
def closures(request: HttpRequest, slug: str) -> HttpResponse:
    """Dates on which other hours hold, and a form for more."""
    site, now = site_there(request, slug), timezone.now()
    today = now.astimezone(site.zone).date()
    form = ClosureForm(request.POST or None, initial={"first": today + dt.timedelta(days=1)})
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form), transaction.atomic():
            fields = {name: form.cleaned_data[name] for name in ("first", "last", "ranges", "title")}
            set_exceptions(site=site, by=signed_in(request), now=now, **fields)
            refit(request, site, now)
            messages.success(request, _("Saved. Visitors see it at once."))
            # Who had reserved then is not left to be found out later.
            has_unfit = bool(unfit_reservations(site=site, now=now))
            return redirect("settings-calls" if has_unfit else "settings-closures", site.slug)
    context = {
        "form": form,
        "parts": parts_of(form),
        "site": site,
        "closures": closures_of(site, today),
        "unfit_count": len(unfit_reservations(site=site, now=now)),
    }
    return render(request, "fablab/settings/closures.html", context)


@require_POST
@for_role(is_manager)
def closure_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """The week's hours hold again from `first` to `last`."""
    site, now = site_there(request, slug), timezone.now()
    form = ClosureForm({**request.POST.dict(), "kind": ClosureForm.CLOSED})
    if form.is_valid():
        with transaction.atomic():
            first, last = form.cleaned_data["first"], form.cleaned_data["last"]
            remove_exceptions(site=site, first=first, last=last, by=signed_in(request), now=now)
            refit(request, site, now)
        messages.success(request, _("Removed: the week’s hours hold again."))
    return redirect("settings-closures", site.slug)

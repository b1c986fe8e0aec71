"""Settings of the year at a site: seasons with a week of their own, hours when many come, and the year at a glance."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.day_fields import FIRST_YEAR, LAST_YEAR
from fablab.lib.queries import query_word
from fablab.unfit import unfit_reservations
from fablab.views.roles import for_role
from fablab.views.settings_opening import refit, week_of
from fablab.views.settings_places import refusals_beside, site_there
from machines.forms_opening import HoursForm, SeasonForm
from machines.models import OpeningException, PeakHours, Season
from machines.seasons import (
    add_season,
    change_season,
    has_school_holidays,
    remove_season,
    seasons_of,
    set_peak_hours,
)
from machines.selectors import timetable
from machines.services import set_weekly_hours
from machines.year import DayKind, months_of
from people.models import Site
from people.permissions import is_manager
from people.signed_in import signed_in


@for_role(is_manager)
def seasons(request: HttpRequest, slug: str) -> HttpResponse:
    """The parts of the year with a week of their own, and a form for one more."""
    site, now = site_there(request, slug), timezone.now()
    form = _season_form(request, site, now)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form), transaction.atomic():
            made = add_season(site=site, by=signed_in(request), now=now, **form.cleaned_data)
            refit(request, site, now)
            messages.success(request, _("Added, with the usual week for a start. Now write its own."))
            return redirect("settings-season", made.pk)
    context = {
        "form": form,
        "site": site,
        "seasons": seasons_of(site),
        "unfit_count": len(unfit_reservations(site=site, now=now)),
    }
    return render(request, "fablab/opening/seasons.html", context)


def _season_form(request: HttpRequest, site: Site, now: dt.datetime, **more: Any) -> SeasonForm:
    today = now.astimezone(site.zone).date()
    return SeasonForm(request.POST or None, has_school_holidays=has_school_holidays(site, today), **more)


def _season_there(request: HttpRequest, pk: int) -> Season:
    season = get_object_or_404(Season.objects.select_related("site"), pk=pk)
    if not is_manager(request.user, season.site):
        raise PermissionDenied
    return season


@for_role(is_manager)
def season(request: HttpRequest, pk: int) -> HttpResponse:
    """When it is, and its week."""
    found, now = _season_there(request, pk), timezone.now()
    site, name = found.site, found.name
    known = {"name": name, "kind": found.kind, "first": found.first, "last": found.last}
    when = _season_form(request, site, now, initial=known)
    form = HoursForm(request.POST or None, asks_who=True, **week_of(site, found))
    # Both are asked, so that every error is seen at once.
    if request.method == "POST" and all([when.is_valid(), form.is_valid()]):
        with refusals_beside(when), transaction.atomic():
            by = signed_in(request)
            change_season(season=found, by=by, **when.cleaned_data)
            set_weekly_hours(site=site, season=found, ranges=form.week(), unstaffed=form.unstaffed(), by=by, now=now)
            refit(request, site, now)
            messages.success(request, _("The season is saved."))
            return redirect("settings-seasons", site.slug)
    context = {"when": when, "form": form, "site": site, "season": found, "name": name}
    return render(request, "fablab/opening/season.html", context)


@require_POST
@for_role(is_manager)
def season_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """The usual week holds again in that part of the year."""
    found, now = _season_there(request, pk), timezone.now()
    with transaction.atomic():
        remove_season(season=found, by=signed_in(request))
        refit(request, found.site, now)
    messages.success(request, _("Removed: the usual week holds again."))
    return redirect("settings-seasons", found.site.slug)


@for_role(is_manager)
def peak(request: HttpRequest, slug: str) -> HttpResponse:
    """The hours when many want to come."""
    site = site_there(request, slug)
    week: dict[int, list[tuple[dt.time, dt.time]]] = {}
    for row in PeakHours.objects.filter(site=site).order_by("weekday", "begins"):
        week.setdefault(row.weekday, []).append((row.begins, row.ends))
    form = HoursForm(request.POST or None, week=week)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            set_peak_hours(site=site, ranges=form.week(), by=signed_in(request), now=timezone.now())
            messages.success(request, _("The peak hours are saved."))
            return redirect("settings-peak", site.slug)
    return render(request, "fablab/opening/peak.html", {"form": form, "site": site, "is_peak": True})


@for_role(is_manager)
def year(request: HttpRequest, slug: str) -> HttpResponse:
    """Twelve months, each day open or closed and why; `?year=` chooses another one."""
    site = site_there(request, slug)
    today = timezone.now().astimezone(site.zone).date()
    number = _chosen_year(request, today)
    first, last = dt.date(number, 1, 1), dt.date(number, 12, 31)
    rows = OpeningException.objects.filter(site=site, date__range=(first, last)).values_list("date", "title")
    months = months_of(number, timetable(site, first, last), dict(rows))
    kinds = {day.kind for month in months for week in month.weeks for day in week if day}
    context = {
        "site": site,
        "year": number,
        "before": number - 1 if number > FIRST_YEAR else None,
        "after": number + 1 if number < LAST_YEAR else None,
        "months": months,
        "today": today,
        "legend": [kind for kind in DayKind if kind in kinds],
        "weekdays": [dt.date(2024, 1, day) for day in range(1, 8)],
    }
    return render(request, "fablab/opening/year.html", context)


def _chosen_year(request: HttpRequest, today: dt.date) -> int:
    word = query_word(request.GET, "year")
    wanted = int(word) if word.isdecimal() and len(word) == 4 else today.year
    return min(max(wanted, FIRST_YEAR), LAST_YEAR)

"""What the team reserves for a group under a public title: once, or as a series."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fablab.forms_desk import GroupForm
from fablab.group_hours import outside_hours
from fablab.views.desk import desk_site
from fablab.views.roles import for_role
from people.models import Site
from people.permissions import is_staff
from people.signed_in import signed_in
from reservations.errors import ReservationRefused
from reservations.group import reserve_group, reserve_series
from reservations.messages import day_words, sentence_of
from reservations.models import HeldUnit, Reservation
from reservations.selectors import public_events
from reservations.series import Scope, cancel_dates
from reservations.series_dates import SeriesReport, wall_interval

SHOWN_MOST = 60
NAMED_MOST = 4
LOOKED_AHEAD = dt.timedelta(days=731)


@for_role(is_staff)
def groups(request: HttpRequest) -> HttpResponse:
    """What is to come, and the form for a new one."""
    now, site = timezone.now(), desk_site(request)
    form = GroupForm(
        request.POST if request.method == "POST" else None,
        site=site,
        initial={"day": now.astimezone(site.zone).date()},
    )
    context: dict[str, Any] = {"form": form, "site": site, "zone": site.zone}
    status = 200
    if request.method == "POST":
        if form.is_valid():
            report = _reserve(request, form, site)
            is_whole = bool(report.made) and not report.refused
            if is_whole:
                _say(request, report)
            _warn_closed(request, report, site)
            if is_whole:
                return redirect("desk-groups")
            context |= {"report": report, "refused": _sentences(report)}
            status = 200 if report.made else 409
        else:
            status = 400
    rows = public_events(sites=[site], start=now, end=now + LOOKED_AHEAD)
    context["coming"] = _with_names(list(rows.select_related("series")[:SHOWN_MOST]))
    return render(request, "fablab/desk/groups.html", context, status=status)


def _reserve(request: HttpRequest, form: GroupForm, site: Site) -> SeriesReport:
    """One date or all of them; a date alone that is refused is reported like one of a series."""
    data, staff, now = form.cleaned_data, signed_in(request), timezone.now()
    units = [room.unit for room in data["rooms"] if room.unit] + [machine.unit for machine in data["machines"]]
    if form.rule:
        return reserve_series(
            site=site, units=units, title=data["title"], first_day=data["day"], opens=data["opens"],
            closes=data["closes"], rule=form.rule, by=staff, now=now,
            is_skipping_taken=data["is_skipping_taken"], note=data["note"],
        )  # fmt: skip
    start, end = wall_interval(data["day"], data["opens"], data["closes"], site)
    try:
        made = reserve_group(
            site=site, units=units, title=data["title"], start=start, end=end, by=staff, now=now, note=data["note"]
        )
    except ReservationRefused as refusal:
        return SeriesReport.of_one_refused(data["day"], refusal.denials)
    return SeriesReport(None, [made], [])


def _sentences(report: SeriesReport) -> list[dict[str, Any]]:
    return [
        {"day": refused.day, "sentences": [sentence_of(denial) for denial in refused.denials]}
        for refused in report.refused
    ]


def _say(request: HttpRequest, report: SeriesReport) -> None:
    count = len(report.made)
    said = ngettext("Reserved: %(title)s, one date.", "Reserved: %(title)s, %(count)d dates.", count)
    messages.success(request, said % {"title": report.made[0].title, "count": count})


def _warn_closed(request: HttpRequest, report: SeriesReport, site: Site) -> None:
    """The team may open for a group whenever it likes; that it has to is said."""
    closed = outside_hours(site=site, rows=report.made)
    if closed:
        words = _("Outside the opening hours: %(days)s. It is reserved all the same: somebody of the team has to open.")
        messages.warning(request, words % {"days": few([day_words(row.start, site.zone) for row in closed])})


def _with_names(rows: Sequence[Reservation]) -> list[tuple[Reservation, str]]:
    """Each with what it holds, rooms first. One query."""
    held = HeldUnit.objects.filter(reservation__in=rows).order_by("unit__room__name", "unit__machine__name")
    names: dict[int, list[str]] = defaultdict(list)
    for pk, room, machine in held.values_list("reservation", "unit__room__name", "unit__machine__name"):
        names[pk].append(str(room or machine))
    return [(row, few(names[row.pk])) for row in rows]


def few(words: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    if len(words) <= NAMED_MOST + 1:
        return ", ".join(words)
    shown = {"words": ", ".join(words[:NAMED_MOST]), "count": len(words) - NAMED_MOST}
    return _("%(words)s and %(count)d more") % shown


@require_POST
@for_role(is_staff)
def cancel_following(request: HttpRequest, reference: str) -> HttpResponse:
    """Cancel this date of a series and all that follow."""
    staff = signed_in(request)
    rows = Reservation.objects.visible_to(staff).filter(series__isnull=False).select_related("series", "site")
    found = get_object_or_404(rows, reference=reference)
    if not is_staff(staff, found):
        raise PermissionDenied
    report = cancel_dates(reservation=found, scope=Scope.FOLLOWING, by=staff, now=timezone.now())
    count = len(report.made)
    said = ngettext("One date was cancelled.", "%(count)d dates were cancelled.", count) % {"count": count}
    messages.success(request, said if count else _("Nothing was left to cancel."))
    return redirect("desk-groups")

"""A series of dates: reserved in one go, looked at as one, and changed or cancelled for this date or for many."""

import datetime as dt
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fablab.comers import CARRIED as WHO
from fablab.comers import comers_of, members_of
from fablab.forms_series import MoveDatesForm, RepeatForm, ScopeForm
from fablab.lib.queries import query_word
from fablab.views.on_behalf import Whom, sentences, whom
from machines.models import Machine
from machines.opening import MIDNIGHT, instant_of
from people.models import FileAccess, Person, Team
from people.selectors import teams_to_reserve_as
from people.services import note_access
from people.signed_in import signed_in
from reservations.errors import NotOfTheTeam, WrongState
from reservations.forms import TimeForm
from reservations.messages import STATE_WORDS
from reservations.models import Reservation, ReservationSeries, Status
from reservations.series import Scope, cancel_dates, move_dates, rehearse_dates, reserve_dates
from reservations.series_dates import SeriesReport, wall_interval
from reservations.series_words import rule_words
from reservations.wishes import Wish

CARRIED = ("machine", "day", "start", "end", "start_at", "end_at", "note", "team", "for", WHO)
DATES_SHOWN = 120
USUAL_TIMES = 8


@login_required
def repeat(request: HttpRequest) -> HttpResponse:
    """How it repeats; what would come of each date (GET); the reservations themselves (POST)."""
    now = timezone.now()
    data = request.POST if request.method == "POST" else request.GET
    rows = Machine.objects.visible_to(signed_in(request)).with_places()
    machine = get_object_or_404(rows, slug=query_word(data, "machine")[:60])
    wanted_for = whom(request, machine)
    teams = None if wanted_for.is_ticket else teams_to_reserve_as([wanted_for.person], machine.site)
    time_form = TimeForm(data, machine=machine, teams=teams, is_for_another=wanted_for.is_other)
    if not time_form.is_valid():
        # A link that was cut short: the steps before ask again.
        return redirect(f"/reserve/?machine={machine.slug}")
    start, end = time_form.interval()
    first_day = start.astimezone(machine.site.zone).date()
    form = RepeatForm(data if "every" in data else None, first_day=first_day, initial={"times": USUAL_TIMES})
    context: dict[str, Any] = {
        "machine": machine, "zone": machine.site.zone, "start": start, "end": end, "form": form,
        "wanted_for": wanted_for, "carried": {name: data[name] for name in CARRIED if data.get(name)},
    }  # fmt: skip
    if not form.is_bound or not form.is_valid():
        return render(request, "fablab/series/repeat.html", context, status=400 if form.is_bound else 200)
    wish = _wish(request, machine, wanted_for, time_form, start, end)
    is_for_good = request.method == "POST"
    try:
        report = (
            _carry_out(wish, form.rule, data.get("leave_out") == "1", now)
            if is_for_good
            else rehearse_dates(wish, form.rule, now)
        )
    except (NotOfTheTeam, WrongState, ValueError) as error:
        form.add_error(None, _trouble(error))
        return render(request, "fablab/series/repeat.html", context, status=400)
    if is_for_good and report.made:
        return _done(request, report, wish)
    asked = {name: data.getlist(name) for name in form.fields if name in data}
    context |= {"report": report, "words": rule_words(form.rule), "asked": asked, "was_refused": is_for_good}
    context["refused"] = _refused_words(request, report, wish.holder)
    return render(request, "fablab/series/repeat.html", context, status=409 if is_for_good else 200)


def _wish(
    request: HttpRequest, machine: Machine, wanted_for: Whom, form: TimeForm, start: dt.datetime, end: dt.datetime
) -> Wish:
    team: Team | None = form.cleaned_data.get("team")
    note, me = form.cleaned_data.get("note", ""), signed_in(request)
    wish = Wish(machine, start, end, wanted_for.person, me, team=team, note=note)
    if team is None or wanted_for.person is None:
        return wish
    data = request.POST if request.method == "POST" else request.GET
    comers = comers_of(data, team, wanted_for.person, members_of([team]).get(team.pk, []))
    return replace(wish, companions=comers.others, holder_takes_part=comers.holder_takes_part)


def _carry_out(wish: Wish, rule: str, is_skipping: bool, now: dt.datetime) -> SeriesReport:
    report = reserve_dates(wish, rule, now, is_skipping=is_skipping)
    if report.made and wish.holder is not None and wish.by is not None and wish.holder != wish.by:
        note_access(person=wish.holder, by=wish.by, deed=FileAccess.Deed.RESERVED, now=now)
    return report


def _trouble(error: Exception) -> str:
    if isinstance(error, NotOfTheTeam):
        return _("You are in no such team.")
    if isinstance(error, WrongState):
        return str(STATE_WORDS[error.code])
    return _("That gives no date, or more than 60: give another end.")


def _done(request: HttpRequest, report: SeriesReport, wish: Wish) -> HttpResponse:
    count = len(report.made)
    said = ngettext("%(machine)s: one date is reserved.", "%(machine)s: %(count)d dates are reserved.", count)
    messages.success(request, said % {"machine": wish.machine.name, "count": count})
    return redirect("series-dates", report.made[0].reference)


def _refused_words(request: HttpRequest, report: SeriesReport, holder: Person | None) -> list[dict[str, Any]]:
    return [{"day": date.day, "sentences": sentences(request, date.denials, holder)} for date in report.refused]


def _found(request: HttpRequest, reference: str) -> Reservation:
    """A date of a series that the person may change.

    Raises:
        Http404, PermissionDenied: no such date, or not theirs.
    """
    rows = Reservation.objects.known_to(signed_in(request)).with_places().filter(series__isnull=False)
    found = get_object_or_404(rows.select_related("holder", "series"), reference=reference)
    if not request.user.has_perm("reservations.change", found):
        raise PermissionDenied
    return found


@login_required
def dates(request: HttpRequest, reference: str) -> HttpResponse:
    """All dates of the series, and the two things that can be done with many of them at once."""
    return _dates_page(request, _found(request, reference))


def _dates_page(request: HttpRequest, found: Reservation, *, status: int = 200, **more: Any) -> HttpResponse:
    zone = found.site.zone
    first, last = found.start.astimezone(zone), found.end.astimezone(zone)
    initial = {"day": first.date(), "start": first.time(), "end": last.time()}
    series: ReservationSeries = found.series  # type: ignore[assignment]
    rows = Reservation.objects.filter(series=series).select_related("machine").order_by("start")
    dates = list(rows[:DATES_SHOWN])
    is_cancelled = all(row.status == Status.CANCELLED for row in dates)
    context = {
        "reservation": found, "zone": zone, "now": timezone.now(), "dates": dates,
        "words": _("all dates cancelled") if is_cancelled else rule_words(series.rule),
        "earlier": _a_date_of(request, _dates_of(series.continues_id).order_by("-start")),
        "later": _a_date_of(request, Reservation.objects.filter(series__continues=series).order_by("start")),
        "is_own": found.holder_id == request.user.pk,
        "move_form": MoveDatesForm(initial=initial, prefix="move", nights=_nights(found)),
        "cancel_form": ScopeForm(prefix="cancel"),
        "may_change": found.is_movable and found.start > timezone.now(),
    }  # fmt: skip
    return render(request, "fablab/series/dates.html", context | more, status=status)


def _dates_of(series_id: int | None) -> QuerySet[Reservation]:
    return Reservation.objects.none() if series_id is None else Reservation.objects.filter(series=series_id)


def _a_date_of(request: HttpRequest, rows: QuerySet[Reservation]) -> Reservation | None:
    """The first of these dates, where the person may change it: they are all of one hand."""
    found = rows.select_related("machine", "site").first()
    return found if found is not None and request.user.has_perm("reservations.change", found) else None


@login_required
@require_POST
def move(request: HttpRequest, reference: str) -> HttpResponse:
    """Another time for this date, the following or all; none is moved when one cannot be, unless that is wanted."""
    found = _found(request, reference)
    form = MoveDatesForm(request.POST, prefix="move", nights=_nights(found))
    if not form.is_valid():
        return _dates_page(request, found, status=400, move_form=form)
    data = form.cleaned_data
    start, end = _times(found, data["day"], data["start"], data["end"])
    if _is_a_slip(found, data["start"], data["end"]):
        form.add_error("end", _("The end comes after the start."))
        return _dates_page(request, found, status=400, move_form=form)
    try:
        report = move_dates(
            reservation=found, scope=Scope(data["scope"]), start=start, end=end, by=signed_in(request),
            now=timezone.now(), is_skipping=request.POST.get("leave_out") == "1",
        )  # fmt: skip
    except WrongState as error:
        form.add_error(None, str(STATE_WORDS[error.code]))
        return _dates_page(request, found, status=409, move_form=form)
    if not report.made:
        refused = _refused_words(request, report, found.holder)
        return _dates_page(request, found, status=409, move_form=form, refused=refused, could_leave_out=True)
    count = len(report.made)
    messages.success(request, ngettext("One date was moved.", "%(count)d dates were moved.", count) % {"count": count})
    _warn_of_left(request, report)
    return redirect("series-dates", found.reference)


def _is_a_slip(found: Reservation, opens: dt.time, closes: dt.time) -> bool:
    """An end before the start means the next day only where it did before, or the machine may run alone."""
    zone, machine = found.site.zone, found.machine
    is_one_day = found.start.astimezone(zone).date() == found.end.astimezone(zone).date()
    runs_on = machine is not None and machine.booking.spans_closing
    return is_one_day and not runs_on and closes <= opens and closes != MIDNIGHT


def _nights(found: Reservation) -> int:
    """How many lie between the day of its start and that of its end; midnight still is of the day that it ends."""
    first, last = (instant.astimezone(found.site.zone) for instant in (found.start, found.end))
    nights = (last.date() - first.date()).days
    return 0 if nights == 1 and last.time() == MIDNIGHT else nights


def _times(found: Reservation, day: dt.date, opens: dt.time, closes: dt.time) -> tuple[dt.datetime, dt.datetime]:
    """The times meant; what lasts for days still does."""
    zone = found.site.zone
    nights = _nights(found)
    start, end = wall_interval(day, opens, closes, found.site)
    if nights > 1 or (nights == 1 and closes > opens):
        end = instant_of(day + dt.timedelta(days=nights), closes, zone, is_end=True)
    return start, end


@login_required
@require_POST
def cancel(request: HttpRequest, reference: str) -> HttpResponse:
    """Give back this date, the following or all that are to come."""
    found = _found(request, reference)
    form = ScopeForm(request.POST, prefix="cancel")
    if not form.is_valid():
        return _dates_page(request, found, status=400, cancel_form=form)
    try:
        report = cancel_dates(
            reservation=found, scope=Scope(form.cleaned_data["scope"]), by=signed_in(request), now=timezone.now()
        )
    except WrongState as error:
        form.add_error(None, str(STATE_WORDS[error.code]))
        return _dates_page(request, found, status=409, cancel_form=form)
    count = len(report.made)
    said = ngettext("One date was cancelled.", "%(count)d dates were cancelled.", count) % {"count": count}
    messages.success(request, said if count else _("Nothing was left to cancel."))
    _warn_of_left(request, report)
    return redirect("series-dates", found.reference)


def _warn_of_left(request: HttpRequest, report: SeriesReport) -> None:
    if report.refused:
        count = len(report.refused)
        said = ngettext("One date stays as it was.", "%(count)d dates stay as they were.", count)
        messages.warning(request, said % {"count": count})

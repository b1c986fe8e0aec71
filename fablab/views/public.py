"""Pages for anyone: what is open, what is free, and each machine. Nothing personal on them."""

import datetime as dt
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from fablab.at_machine import Way, bed_of, runs_unnamed, use_now, way_of, with_use
from fablab.board import board_statuses
from fablab.lib.intervals import Interval
from fablab.lib.queries import query_word
from fablab.machine_status import MachineStatus, State, machine_statuses
from fablab.next_free import with_next_free
from fablab.views.days import chosen_day, days_ahead
from fablab.views.standing import induction_offer
from fablab.views.tell_me import tell_me
from iot.access_lists import who_has
from machines.closed_words import closed_day
from machines.models import Category, Machine, Outage, UnitPart
from machines.opening import Timetable, opening_between, opening_on
from machines.parts import parts_of
from machines.permissions import may_lift, may_report_fault
from machines.selectors import load_hours, timetable
from machines.supervision import supervised_times
from people.lab import current_lab
from people.models import Module, Person, Site
from reservations.availability import FreeTime, free_time, next_on_grid
from reservations.day import day_rows, day_window
from reservations.facts import wanted_qualification
from reservations.life import CHECK_IN_OPENS
from reservations.models import Reservation
from reservations.rule_facts import RISK_OF_INJURY
from reservations.selectors import public_events, to_start_at

WEEK = dt.timedelta(days=7)
EVENTS_SHOWN = 8
CARDS_SHOWN = 6
# Three different things: a machine that is silent is neither.
FREE, TAKEN, SILENT = {State.FREE}, {State.IN_USE, State.RESERVED}, {State.NO_NEWS}


def home(request: HttpRequest) -> HttpResponse:
    """What is open, what is free now, and the way to a reservation."""
    now = timezone.now()
    statuses = board_statuses(now)
    sites = list(Site.objects.all())
    load_hours(sites)
    free, taken, silent = ([s for s in statuses if s.state in states] for states in (FREE, TAKEN, SILENT))
    return render(
        request,
        "fablab/home.html",
        {
            "statuses": statuses,
            "free": free[:CARDS_SHOWN],
            "free_count": len(free),
            "taken": taken[:CARDS_SHOWN],
            "taken_count": len(taken),
            "silent": silent[:CARDS_SHOWN],
            "silent_count": len(silent),
            "places": [_place(site, now) for site in sites],
            "events": list(public_events(sites=sites, start=now, end=now + WEEK)[:EVENTS_SHOWN]),
            "hints": _demo_hints(request),
            "now": now,
        },
    )


def _place(site: Site, now: dt.datetime) -> dict[str, Any]:
    """The site with its opening hours of the next seven days, day by day, and whether it is open now."""
    today = now.astimezone(site.zone).date()
    table = timetable(site, today, today + WEEK)
    opening = opening_between(now, now + WEEK, table)
    days = [_day(today + dt.timedelta(days=n), table, now) for n in range(7)]
    return {
        "site": site,
        "zone": site.zone,
        "days": [day for day in days if day["opening"] or day["closed"]],
        "closed_today": days[0]["closed"],
        "current": next((o for o in opening if o.holds(now)), None),
        "next": opening[:1],
    }


def _day(day: dt.date, table: Timetable, now: dt.datetime) -> dict[str, Any]:
    """What of the day is still to come; of a closed one that it is, and why."""
    opening = [interval for interval in opening_on(day, table) if interval.end > now]
    return {"date": day, "opening": opening, "closed": closed_day(day, table)}


def _demo_hints(request: HttpRequest) -> list[dict[str, str]]:
    from django.conf import settings

    if not settings.IS_DEMO or request.user.is_authenticated:
        return []
    from fablab.demo.accounts import ACCOUNTS

    return [{"email": a.email, "password": a.password, "role": str(a.role_words)} for a in ACCOUNTS]


def machines(request: HttpRequest) -> HttpResponse:
    """Every machine with its state; filtered by kind and by words."""
    now = timezone.now()
    rows = Machine.objects.visible_to(request.user).with_places()  # type: ignore[arg-type]
    category, words = query_word(request.GET, "category"), query_word(request.GET, "q").strip()[:80]
    categories = list(Category.objects.filter(machines__retired_at=None).distinct())
    if category:
        rows = rows.filter(category__slug=category)
    if words:
        rows = rows.filter(name__icontains=words)
    statuses = machine_statuses(rows, now)
    if request.GET.get("free"):
        statuses = [s for s in statuses if s.state == State.FREE]
    statuses = with_next_free(statuses, now)
    return render(
        request,
        "fablab/machines.html",
        {
            "statuses": statuses,
            "categories": categories,
            "category": category,
            "words": words,
            "only_free": bool(request.GET.get("free")),
        },
    )


def machine(request: HttpRequest, slug: str) -> HttpResponse:
    """One machine: state, what it needs, and the chosen day's free and taken time."""
    now = timezone.now()
    rows = Machine.objects.visible_to(request.user).filter(slug=slug).with_places()  # type: ignore[arg-type]
    has_parts = Exists(UnitPart.objects.filter(whole=OuterRef("unit")))
    # Read with what its state needs: asked for by itself it would be read twice.
    found = machine_statuses(with_use(rows.annotate(has_parts=has_parts), now), now)
    if not found:
        raise Http404
    status, thing = found[0], found[0].machine
    if request.htmx:  # type: ignore[attr-defined]
        live = {"status": status, "machine": thing, "use": use_now(thing, request.user, now), "zone": thing.site.zone}
        return render(request, "fablab/machine.html#live", live)
    day = chosen_day(request, thing, now)
    settings, printer = thing.booking, getattr(thing, "printer", None)
    free = _free_time(thing, day, now)
    return render(
        request,
        "fablab/machine.html",
        {
            "machine": thing,
            "status": status,
            "settings": settings,
            "wanted": wanted_qualification(thing),
            "induction": induction_offer(request.user if isinstance(request.user, Person) else None, thing, now),
            "day": day,
            "days": days_ahead(thing, now),
            "rows": day_rows(thing, day, now, free=free),
            "next_free": _next_start(thing, free, now),
            "printer": printer if printer and printer.is_enabled else None,
            "zone": thing.site.zone,
            "goes_with": [part.name for part in parts_of([thing.unit_id])] if thing.has_parts else [],  # type: ignore[attr-defined]
            "supervised": _supervised(thing, now),
            **_for_the_team(request, thing, now),
            "mine_now": _mine_now(request, thing, now),
            "use": use_now(thing, request.user, now),
            "way": _way(request, status),
            "bed": bed_of(thing, request.user, now),
            "unnamed": runs_unnamed(thing, request.user),
            **tell_me(request.user if isinstance(request.user, Person) else None, thing, day, now),
        },
    )


def _way(request: HttpRequest, status: MachineStatus) -> Way | None:
    """How whoever stands there begins; a reader that is not heard answers no code."""
    way = way_of(status.machine) if request.user.is_authenticated else None
    return None if way == Way.CODE and status.state == State.NO_NEWS else way


def _supervised(thing: Machine, now: dt.datetime) -> list[Interval] | None:
    """When somebody of the team watches over it in the coming week, without names; None where nobody need."""
    found = supervised_times(thing.site, now, now) if thing.risk >= RISK_OF_INJURY else None
    if found is None:
        return None
    return [duty for duty in found if duty.end > now and duty.start < now + WEEK]


def _mine_now(request: HttpRequest, thing: Machine, now: dt.datetime) -> Reservation | None:
    """What whoever scanned the square on the machine came for."""
    if not isinstance(request.user, Person):
        return None
    return to_start_at(thing, request.user, now, ahead=CHECK_IN_OPENS)


def _for_the_team(request: HttpRequest, thing: Machine, now: dt.datetime) -> dict[str, Any]:
    """What is broken in the words of whoever saw it, and whether the reader may say that it is back."""
    if not may_report_fault(request.user, thing) or thing.retired_at:
        return {}
    held = Outage.objects.declared().holding_at(now).filter(machine=thing)
    rows = held.select_related("reported_by").order_by("start")
    return {
        "may_report_fault": True,
        "outages": [(row, may_lift(request.user, row)) for row in rows],
        "who_has": who_has([thing.pk]).get(thing.pk) if current_lab().has(Module.DEVICES) else None,
    }


def _free_time(thing: Machine, day: dt.date, now: dt.datetime) -> list[FreeTime]:
    """From now over the coming week, and on to the end of the chosen day."""
    until = max(now + WEEK, day_window(thing, day).end)
    return free_time([thing], Interval(now, until), least=thing.booking.shortest)


def board(request: HttpRequest) -> HttpResponse:
    """The wall: all machines live, large, without a name of anybody."""
    now = timezone.now()
    site = Site.objects.first()
    place = _place(site, now) if site else None
    return render(request, "fablab/board.html", {"statuses": board_statuses(now), "place": place, "now": now})


def _next_start(thing: Machine, free: list[FreeTime], now: dt.datetime) -> dt.datetime | None:
    """The first time within a week that may really be reserved: on the machine's grid, and long enough."""
    settings = thing.booking
    for span in free:
        start = next_on_grid(span.interval.start, settings.grid, thing.site.zone)
        if start < now + WEEK and span.interval.end - start >= settings.shortest:
            return start
    return None


def photo(request: HttpRequest, slug: str) -> FileResponse:
    """The machine's photo, drawn anew as a JPEG when it came."""
    thing = get_object_or_404(Machine.objects.visible_to(request.user), slug=slug)  # type: ignore[arg-type]
    if not thing.photo:
        raise Http404
    try:
        response = FileResponse(thing.photo.open("rb"), content_type="image/jpeg")
    except FileNotFoundError:
        raise Http404 from None
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response

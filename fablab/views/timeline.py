"""The timeline: a day or a week of the machines of a place, as words; on wide screens drawn, to be dragged."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fablab.lib.queries import query_word
from fablab.timeline import Timeline, drawing_of, timeline_of
from fablab.views.days import any_day
from machines.models import Category, Machine
from people.lab import current_lab
from people.models import Module, Site

DAY = dt.timedelta(days=1)
WEEK_DAYS = 7


@require_safe
def timeline(request: HttpRequest) -> HttpResponse:
    """For anyone; names for the team, a team's for its members. `?print=1` is the same for paper, not drawn."""
    now = timezone.now()
    machines = list(Machine.objects.visible_to(request.user).with_places())  # type: ignore[arg-type]
    sites = list(Site.objects.all())
    site = _site(request, sites, machines)
    if site is None:
        return render(request, "fablab/timeline/timeline.html")
    here = [machine for machine in machines if machine.site.pk == site.pk]
    category, slug = query_word(request.GET, "category"), query_word(request.GET, "machine")
    chosen = [m for m in here if (not category or m.category.slug == category) and (not slug or m.slug == slug)]
    is_week, is_print = query_word(request.GET, "view") == "week", bool(request.GET.get("print"))
    today = now.astimezone(site.zone).date()
    day = any_day(request) or today
    first, days = (day - day.weekday() * DAY, WEEK_DAYS) if is_week else (day, 1)
    found = timeline_of(chosen, site, first, days, person=request.user, now=now)
    # Dragging speaks with the API: without it the words are all there is.
    is_drawn = bool(chosen) and not is_print and current_lab().has(Module.API)
    kept = {"site": site.slug if len(sites) > 1 else "", "category": category, "machine": slug}
    context = {
        "site": site, "sites": sites, "zone": site.zone, "machines": here, "categories": _categories(here),
        "category": category, "slug": slug, "day": day, "first": first, "is_week": is_week, "is_print": is_print,
        "is_today": first <= today < first + days * DAY, "today": today, "lines": found.lines, "now": now,
        "closed": found.closed,
        "drawing": _drawing(request, found, site, first, days) if is_drawn else None,
        **_ways(kept, day, today, is_week=is_week),
    }  # fmt: skip
    return render(request, "fablab/timeline/timeline.html", context)


def _site(request: HttpRequest, sites: Sequence[Site], machines: Sequence[Machine]) -> Site | None:
    """The place asked for, else the one where the machine asked for stands, else the first that has machines."""
    wanted, slug = query_word(request.GET, "site"), query_word(request.GET, "machine")
    if not wanted:
        wanted = next((machine.site.slug for machine in machines if machine.slug == slug), "")
    used = {machine.site.pk for machine in machines}
    in_order = sorted(sites, key=lambda site: (site.slug != wanted, site.pk not in used))
    return in_order[0] if in_order else None


def _categories(machines: Sequence[Machine]) -> list[Category]:
    """The kinds of these machines, each once, in the machines' order."""
    return list({machine.category_id: machine.category for machine in machines}.values())


def _ways(kept: dict[str, str], day: dt.date, today: dt.date, *, is_week: bool) -> dict[str, str]:
    """The addresses of the days around, of the other view and of paper, with the filters kept."""
    filters = {name: value for name, value in kept.items() if value}

    def address(day: dt.date, *, is_week: bool = is_week, **more: str) -> str:
        return "?" + urlencode(filters | ({"view": "week"} if is_week else {}) | {"day": day.isoformat()} | more)

    step = WEEK_DAYS * DAY if is_week else DAY
    return {
        "before": address(day - step),
        "after": address(day + step),
        "back_to_today": address(today),
        "as_day": address(day, is_week=False),
        "as_week": address(day, is_week=True),
        "on_paper": address(day, print="1"),
        "on_screen": address(day),
    }


def _drawing(request: HttpRequest, found: Timeline, site: Site, first: dt.date, days: int) -> dict[str, Any]:
    """What the browser draws from, where it asks, and what it says then."""
    drawing = drawing_of(found, site, first, days)
    for machine in drawing["machines"]:
        machine["url"] = reverse("machine", args=[machine["id"]])
    return drawing | {
        "language": request.LANGUAGE_CODE,  # type: ignore[attr-defined]
        "may_reserve": request.user.is_authenticated,
        # As the live stream names them.
        "pks": [line.machine.pk for line in found.lines],
        "urls": {
            "calendar": reverse("api-calendar"),
            "reservations": reverse("api-reservations"),
            "reservation": reverse("reservation", args=["REFERENCE"]),
            "reserve": reverse("reserve"),
            "confirm": reverse("reserve-confirm"),
        },
        "words": {
            "taken": _("taken"),
            "closed": _("closed"),
            "out": _("out of service"),
            "yours": _("yours"),
            "pending": _("asked for"),
            "reserve": _("Reserve"),
            "reserved": _("Reserved: %(machine)s, %(moment)s."),
            "asked": _("Asked for: %(machine)s, %(moment)s. Somebody of the team answers before it begins."),
            "moved": _("Moved: %(machine)s, %(moment)s."),
            "undone": _("Undone."),
            "no_answer": _("The server does not answer. Nothing was changed."),
            "stale": _("The server does not answer. What is drawn may be out of date."),
            "signed_out": _("You are not signed in any more. Load the page again."),
        },
    }

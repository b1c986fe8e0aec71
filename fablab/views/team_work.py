"""All that a team reserved in a month, on a page that can be printed; in a year, as a list for a spreadsheet."""

import csv
import datetime as dt

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.lib.day_fields import FIRST_YEAR, LAST_YEAR
from fablab.lib.day_words import date_words
from fablab.lib.queries import query_word
from fablab.lib.spreadsheets import plain_cell
from fablab.team_work import Line, lines_of, month_of, reserved_in, totals_of, year_of
from fablab.views.teams import organises, team_of
from people.lab import current_lab
from people.models import Module
from people.permissions import is_staff
from people.signed_in import signed_in
from reservations.models import Status

MOST_CELLS_ROWS = 20_000


@login_required
def work(request: HttpRequest, slug: str) -> HttpResponse:
    """`?month=2026-03`; this month when left out."""
    found, me, now = team_of(request, slug), signed_in(request), timezone.now()
    zone = found.site.zone
    first = _month(query_word(request.GET, "month")) or now.astimezone(zone).date().replace(day=1)
    window = month_of(first, zone)
    of_month, of_year = totals_of(found, [window, year_of(first, zone)], now)
    context = {
        "team": found,
        "zone": zone,
        "now": now,
        "lines": lines_of(
            reserved_in(found, window), reader=me, is_staff=is_staff(me, found), organises=organises(me, found), now=now
        ),
        "totals": [(date_words(first, _("F Y")), of_month), (str(first.year), of_year)],
        "month": first,
        "title": date_words(first, _("F Y")),
        "before": _key(first - dt.timedelta(days=1)),
        "after": _key(first + dt.timedelta(days=32)),
    }
    return render(request, "fablab/teams/work.html", context)


def _month(text: str) -> dt.date | None:
    """The first of the month; None for what is no month of our century."""
    try:
        first = dt.date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first if FIRST_YEAR < first.year < LAST_YEAR else None


def _key(day: dt.date) -> str:
    return f"{day:%Y-%m}"


@login_required
def table(request: HttpRequest, slug: str) -> HttpResponse:
    """`?year=2026`: what the page shows, one line for each reservation, for a spreadsheet."""
    found, me, now = team_of(request, slug), signed_in(request), timezone.now()
    zone = found.site.zone
    first = _month(f"{query_word(request.GET, 'year')}-01") or now.astimezone(zone).date().replace(month=1, day=1)
    lines = lines_of(
        reserved_in(found, year_of(first, zone)), reader=me, is_staff=is_staff(me, found),
        organises=organises(me, found), now=now, most=MOST_CELLS_ROWS,
    )  # fmt: skip
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.slug}-{first.year}.csv"'
    answer["Cache-Control"] = "private, no-store"
    # Without it spreadsheets take the letters for another writing.
    answer.write("\N{BYTE ORDER MARK}")
    writer = csv.writer(answer)
    lab = current_lab()
    titles = [_("Day"), _("From"), _("Until"), _("Machine"), _("State"), _("Who comes"), _("What for")]
    titles += [_("Measured (min)")] if lab.has(Module.DEVICES) else []
    titles += [_("Prints")] if lab.has(Module.PRINTING) else []
    writer.writerow(titles)
    for line in lines:
        cells = _cells(line, zone)
        cells += [int(line.measured.total_seconds() // 60)] if lab.has(Module.DEVICES) else []
        cells += [line.prints] if lab.has(Module.PRINTING) else []
        writer.writerow(plain_cell(cell) for cell in cells)
    return answer


def _cells(line: Line, zone: dt.tzinfo) -> list[object]:
    row = line.reservation
    start, end = row.start.astimezone(zone), row.end.astimezone(zone)
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return [f"{start:%Y-%m-%d}", f"{start:%H:%M}", until, row.what, str(Status(row.status).label), line.who,
            row.note]  # fmt: skip

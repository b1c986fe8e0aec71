"""Which day a page shows."""

import datetime as dt

from django.http import HttpRequest

from fablab.lib.day_fields import FIRST_YEAR, LAST_YEAR
from machines.models import Machine

DAYS_SHOWN = 7


def any_day(request: HttpRequest) -> dt.date | None:
    """The `day` of the address, past or future; None when it is no date that a lab could mean."""
    try:
        day = dt.date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def chosen_day(request: HttpRequest, machine: Machine, now: dt.datetime) -> dt.date:
    """The `day` of the address when it is a date from today on, else today where the machine stands."""
    today = now.astimezone(machine.site.zone).date()
    try:
        day = dt.date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return today
    return min(max(day, today), today + dt.timedelta(days=370))


def days_ahead(machine: Machine, now: dt.datetime, *, most: int = DAYS_SHOWN) -> list[dt.date]:
    today = now.astimezone(machine.site.zone).date()
    return [today + dt.timedelta(days=n) for n in range(most)]

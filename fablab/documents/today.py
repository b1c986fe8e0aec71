"""Today's sheet: who reserved what today and tomorrow, so that the lab runs on paper if the server dies."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import get_language, gettext

from fablab.documents.typesetting import typst_pdf
from fablab.lib.day_words import date_words
from fablab.lib.intervals import Interval
from machines.models import Machine, Outage
from machines.opening import instant_of, opening_on
from machines.selectors import timetable
from people.lab import current_lab
from people.models import Person, Site
from reservations.models import Reservation, Status
from reservations.selectors import held_names

SHOWN = (Status.PENDING, Status.CONFIRMED, Status.IN_USE)
# One that is made in the evening still opens the lab in the morning.
DAYS = 2

Data = dict[str, Any]


def today_pdf(*, site: Site, now: dt.datetime) -> bytes:
    """The sheet of the site in the language that is active, with the time at which it was made."""
    local = now.astimezone(site.zone)
    made = {"day": _day(local.date()), "time": f"{local:%H:%M}"}
    days = [local.date() + dt.timedelta(days=n) for n in range(DAYS)]
    return typst_pdf(
        "today",
        {
            "language": get_language() or "fr",
            "title": gettext("Today’s sheet, %(site)s") % {"site": site},
            "lab": current_lab().name or site.name,
            "made": gettext("Made on %(day)s at %(time)s.") % made,
            "explained": gettext("What was reserved or cancelled after that is not on it. It holds names: keep it "
                                 "at the desk, and tear it up when its days are over."),
            "words": {
                "came": gettext("Came"),
                "time": gettext("Time"),
                "who": gettext("Who"),
                "phone": gettext("Telephone"),
                "note": gettext("What for"),
                "nothing": gettext("Nothing is reserved."),
                "idle": gettext("Nothing reserved on:"),
            },
            "days": [_day_data(site, day) for day in days],
        },
    )  # fmt: skip


def people_on_sheet(*, site: Site, now: dt.datetime) -> list[Person]:
    """Whose names and numbers the sheet holds. One query."""
    first = now.astimezone(site.zone).date()
    rows = _reservations(site, _window(site, first, first + dt.timedelta(days=DAYS - 1)))
    return list({row.to_call.pk: row.to_call for row in rows if row.to_call is not None}.values())


def _window(site: Site, first: dt.date, last: dt.date) -> Interval:
    midnight = dt.time(0)
    return Interval(
        instant_of(first, midnight, site.zone), instant_of(last + dt.timedelta(days=1), midnight, site.zone)
    )


def _reservations(site: Site, window: Interval) -> Sequence[Reservation]:
    rows = Reservation.objects.filter(site=site, status__in=SHOWN).overlapping(window.start, window.end)
    found = rows.select_related("machine__room", "holder__guardian", "created_by__guardian", "team", "site")
    return list(found.order_by("start", "pk"))


def _day_data(site: Site, day: dt.date) -> Data:
    window = _window(site, day, day)
    by_machine: dict[int | None, list[Reservation]] = defaultdict(list)
    for row in _reservations(site, window):
        by_machine[row.machine_id].append(row)
    machines = list(Machine.objects.filter(unit__site=site, retired_at=None).select_related("room").order_by("name"))
    out = _outages(machines, window)
    parts = [_part(machine, by_machine[machine.pk], window, out) for machine in machines if machine.pk in by_machine]
    if by_machine[None]:
        parts.insert(0, _group_part(by_machine[None], window))
    hours = [_span(opening, site.zone) for opening in opening_on(day, timetable(site, day, day))]
    return {
        "name": _day(day).capitalize(),
        "hours": gettext("Open %(hours)s") % {"hours": ", ".join(hours)} if hours else gettext("Closed"),
        "parts": parts,
        "idle": ", ".join(
            f"{machine.name} ({out[machine.pk]})" if machine.pk in out else machine.name
            for machine in machines
            if machine.pk not in by_machine
        ),
    }


def _outages(machines: Iterable[Machine], window: Interval) -> dict[int, str]:
    rows = Outage.objects.filter(machine__in=[machine.pk for machine in machines])
    found = rows.overlapping(window.start, window.end).values_list("machine_id", flat=True)
    return {machine_id: gettext("out of service") for machine_id in found}


def _part(machine: Machine, rows: Iterable[Reservation], window: Interval, out: dict[int, str]) -> Data:
    return {
        "name": machine.name,
        "where": str(machine.room or ""),
        "out": out.get(machine.pk, "").capitalize(),
        "rows": [_row(row, window, row.note) for row in rows],
    }


def _group_part(rows: Iterable[Reservation], window: Interval) -> Data:
    """Rooms and several machines at once, under the title that everybody reads."""
    lines = [_row(row, window, ", ".join(filter(None, [*held_names(row), row.note])), row.title) for row in rows]
    return {"name": gettext("Groups and rooms"), "where": "", "out": "", "rows": lines}


def _row(row: Reservation, window: Interval, note: str, title: str = "") -> Data:
    holder = row.holder
    who = title or str(holder or gettext("ticket %(number)s") % {"number": row.reference})
    if row.team is not None:
        who = f"{who} ({row.team})"
    waits = row.status == Status.PENDING
    return {
        "time": _span(Interval(max(row.start, window.start), min(row.end, window.end)), row.site.zone),
        "who": who,
        "phone": phone_of(holder) if holder else _organiser_words(row),
        "note": " · ".join(filter(None, [gettext("waits for the team’s yes") if waits else "", note])),
    }


def _organiser_words(row: Reservation) -> str:
    """Of a group, the telephone of who reserved for it, with whose it is."""
    organiser = row.to_call
    number = phone_of(organiser) if organiser is not None else ""
    return f"{number} ({organiser})" if number else ""


def phone_of(person: Person) -> str:
    """Their telephone, else the one of the responsible adult with whose it is; empty when nobody gave any."""
    if person.phone:
        return person.phone
    if person.guardian_phone:
        return f"{person.guardian_phone} ({person.guardian_name})"
    guardian = person.guardian
    return f"{guardian.phone} ({guardian})" if guardian is not None and guardian.phone else ""


def _span(interval: Interval, zone: dt.tzinfo) -> str:
    start, end = interval.start.astimezone(zone), interval.end.astimezone(zone)
    # Midnight at the end of a day is its 24:00.
    until = "24:00" if end.time() == dt.time(0) else f"{end:%H:%M}"
    return f"{start:%H:%M} – {until}"


def _day(day: dt.date) -> str:
    # Translators: a date format of Django; French wants "l j F".
    return date_words(day, gettext("l j F"))

"""“What can I use?” One form, by the address; the machines that are free then, soonest first. Without JavaScript."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person, Site
from reservations.forms_search import LENGTHS_MIN, NEXT_WEEK, SearchForm
from reservations.messages import Sentence, clock_words, duration_words, sentence_of
from reservations.search import Found, search
from reservations.taken_times import taken_times
from reservations.time_words import near_day_words

# Enough to choose from; the rest is a narrower question away.
MOST_SHOWN = 40
MOST_TO_WAIT_FOR = 3


@dataclass(frozen=True, slots=True)
class Start:
    """One time as the page shows it; `address` leads to the last look before reserving."""

    words: str
    address: str


@dataclass(frozen=True, slots=True)
class Card:
    """A machine and its soonest times."""

    machine: Machine
    starts: list[Start]
    needs_yes: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """A machine that is free, and what the person lacks."""

    machine: Machine
    sentences: list[Sentence]


@dataclass(frozen=True, slots=True)
class Wait:
    """A machine that is taken then, and the times of which word can be had."""

    machine: Machine
    times: list[tuple[str, str]]


def find(request: HttpRequest) -> HttpResponse:
    """The form, and what is found. A question that cannot be understood is asked again, with what is wrong."""
    now, person = timezone.now(), request.user if isinstance(request.user, Person) else None
    form = SearchForm(request.GET.dict(), sites=Site.objects.all(), is_signed_in=person is not None)
    if not form.is_valid():
        return render(request, "fablab/find/find.html", {"form": form}, status=400)
    found = search(
        _machines(request, form), person=person, duration=form.duration, window=form.window(now), now=now,
        part_of_day=form.part_of_day,
    )  # fmt: skip
    # A visitor learns what each machine wants; whoever is signed in, when they ask.
    is_wide = person is None or bool(form.cleaned_data.get("others"))
    context = {
        "form": form,
        "duration": form.duration,
        "length_min": form.cleaned_data["minutes"],
        "cards": [_card(offer.machine, offer.times, now) for offer in found.offers[:MOST_SHOWN]],
        "count": len(found.offers),
        "is_cut": len(found.offers) > MOST_SHOWN,
        "missing": [Missing(each.machine, [*map(sentence_of, each.denials)]) for each in found.barred]
        if is_wide
        else [],
        "hidden_count": 0 if is_wide else len(found.barred),
        "others_address": _again(form, others="1"),
    }
    if not found.offers:
        context |= {"ways": _ways(form), "waits": _waits(found, form, person, now)}
    return render(request, "fablab/find/find.html", context)


def _machines(request: HttpRequest, form: SearchForm) -> Any:
    rows = Machine.objects.visible_to(request.user).with_places()  # type: ignore[arg-type]
    if kind := form.cleaned_data["kind"]:
        rows = rows.filter(category=kind)
    if place := form.cleaned_data.get("place"):
        rows = rows.filter(unit__site=place)
    return rows


def _card(machine: Machine, times: tuple[Interval, ...], now: dt.datetime) -> Card:
    zone = machine.site.zone
    return Card(
        machine,
        [Start(time_words(time, zone, now), confirm_address(machine, time)) for time in times],
        machine.booking.needs_approval,
    )


def time_words(time: Interval, zone: ZoneInfo, now: dt.datetime) -> str:
    """“Tomorrow, 14:00 – 16:00”; an end on another day names it, midnight is 24:00."""
    day, end = near_day_words(time.start, zone, now), clock_words(time.end, zone)
    days = (time.end.astimezone(zone).date() - time.start.astimezone(zone).date()).days
    if days == 1 and end == "00:00":
        end = "24:00"
    elif days:
        end = f"{near_day_words(time.end, zone, now)}, {end}"
    return f"{day[:1].upper()}{day[1:]}, {clock_words(time.start, zone)} – {end}"


def confirm_address(machine: Machine, time: Interval) -> str:
    """The last look before reserving, to the instant: see KEPT in views/reserve.py."""
    zone = machine.site.zone
    asked = {
        "machine": machine.slug,
        "day": time.start.astimezone(zone).date().isoformat(),
        "start": clock_words(time.start, zone),
        "end": clock_words(time.end, zone),
        "start_at": f"{time.start:%Y-%m-%dT%H:%M:%SZ}",
        "end_at": f"{time.end:%Y-%m-%dT%H:%M:%SZ}",
    }
    return f"{reverse('reserve-confirm')}?{urlencode(asked)}"


def _again(form: SearchForm, **changes: str) -> str:
    """The same question with another word for some of it; an empty one leaves it out."""
    asked = {name: str(form.data.get(name, "")) for name in form.fields} | changes
    return f"{reverse('find')}?{urlencode({name: word for name, word in asked.items() if word})}"


def _ways(form: SearchForm) -> list[tuple[str, str]]:
    """What to change, each with the address that does: a shorter time, other days, any time, every kind."""
    asked, found = form.cleaned_data, []
    shorter = [n for n in LENGTHS_MIN if n < asked["minutes"]]
    if shorter:
        words = _("A shorter time: %(duration)s") % {"duration": duration_words(dt.timedelta(minutes=shorter[-1]))}
        found.append((words, _again(form, minutes=str(shorter[-1]))))
    if asked["when"] != NEXT_WEEK:
        found.append((_("Look at next week"), _again(form, when=NEXT_WEEK, day="")))
    if asked["time"]:
        found.append((_("Any time of day"), _again(form, time="")))
    if asked["kind"]:
        found.append((_("Every kind of machine"), _again(form, kind="")))
    return found


def _waits(found: Found, form: SearchForm, person: Person | None, now: dt.datetime) -> list[Wait]:
    """Up to three machines that the person could have, were they not taken."""
    if person is None:
        return []
    barred = {each.machine.pk for each in found.barred}
    open_to_them = [machine for machine in found.looked_at if machine.pk not in barred]
    taken = taken_times(
        open_to_them, duration=form.duration, window=form.window(now), now=now, part_of_day=form.part_of_day
    )
    chosen = [machine for machine in open_to_them if machine.pk in taken][:MOST_TO_WAIT_FOR]
    return [Wait(machine, time_choices(machine, taken[machine.pk], now)) for machine in chosen]


def time_choices(machine: Machine, times: list[Interval], now: dt.datetime) -> list[tuple[str, str]]:
    """(instant, words) of each time, for a form."""
    zone = machine.site.zone
    return [(f"{time.start:%Y-%m-%dT%H:%M:%SZ}", time_words(time, zone, now)) for time in times]

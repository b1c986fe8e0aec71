"""“What can I use?” One form, by the address; the machines that are free then, soonest first. Without JavaScript."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.find_advice import Hours
from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models import Machine
from people.models import Person, Site
from reservations.forms_search import LENGTHS_MIN, NEXT_WEEK, SearchForm
from reservations.messages import Sentence, clock_words, duration_words, sentence_of
from reservations.next_steps import induction_steps
from reservations.rules import Code
from reservations.search import Barred, Found, search
from reservations.taken_times import taken_times
from reservations.time_words import from_to_words, near_day_words

# Enough to choose from; the rest is a narrower question away.
MOST_SHOWN = 40
MOST_TO_WAIT_FOR = 3
OF_QUALIFICATION = {Code.QUALIFICATION_MISSING, Code.QUALIFICATION_EXPIRED, Code.QUALIFICATION_LEVEL}


@dataclass(frozen=True, slots=True)
class Start:
    """One time as the page shows it; `address` leads to the last look before reserving."""

    words: str
    address: str


@dataclass(frozen=True, slots=True)
class Day:
    """The soonest times of one day."""

    words: str
    starts: list[Start]


@dataclass(frozen=True, slots=True)
class Card:
    """A machine and its soonest times: those of the first day, and of the days after it."""

    machine: Machine
    first: Day
    later: list[Day]
    needs_yes: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """A machine that is free, and what the person lacks, each with the way on where there is one."""

    machine: Machine
    sentences: list[Sentence]


@dataclass(frozen=True, slots=True)
class ToSign:
    """Rules that wait for the person's yes: of which places, where to read them, and how many machines want no more."""

    names: list[str]
    address: str
    count: int


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
    window = form.window(now)
    found = search(
        _machines(request, form), person=person, duration=form.duration, window=window, now=now,
        part_of_day=form.part_of_day, most=MOST_SHOWN,
    )  # fmt: skip
    # A visitor learns what each machine wants; whoever is signed in, when they ask, or when there is nothing else.
    is_wide = person is None or not found.offers or bool(form.cleaned_data.get("others"))
    hours = Hours(found.looked_at, Interval(max(window.start, now), window.end), form.part_of_day)
    if is_closed := hours.is_closed():
        # Whatever somebody lacks, nothing is to be had then.
        found.barred.clear()
    barred = [each for each in found.barred if _beside_the_rules(each)]
    context = {
        "form": form,
        "duration": form.duration,
        "length_min": form.cleaned_data["minutes"],
        "cards": [_card(offer.machine, offer.times, now) for offer in found.offers[:MOST_SHOWN]],
        "count": len(found.offers),
        "is_cut": len(found.offers) > MOST_SHOWN,
        "to_sign": _to_sign(request, found),
        "missing": _missing(request, barred[:MOST_SHOWN], person) if is_wide else [],
        "hidden_count": 0 if is_wide else len(barred),
        "others_address": _again(form, others="1"),
        "closed": hours.closed(),
        "names_place": len({machine.unit.site_id for machine in found.looked_at}) > 1,
    }
    if not found.offers:
        open_to_them = _open_to_them(found)
        possible = replace(hours, machines=open_to_them).longest() if open_to_them else None
        context |= {
            "ways": _ways(form, longest=possible),
            "waits": _waits(open_to_them, form, person, now),
            "is_closed": is_closed,
            "is_barred": bool(found.barred),
        }
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
    days: dict[dt.date, list[Interval]] = {}
    for time in times:
        days.setdefault(time.start.astimezone(zone).date(), []).append(time)
    first, *later = (_day(machine, of_day, now) for of_day in days.values())
    return Card(machine, first, later, machine.booking.needs_approval)


def _day(machine: Machine, times: Sequence[Interval], now: dt.datetime) -> Day:
    zone = machine.site.zone
    starts = [
        Start(from_to_words(time.start, time.end, zone, now=now), confirm_address(machine, time)) for time in times
    ]
    return Day(_capital(near_day_words(times[0].start, zone, now)), starts)


def _beside_the_rules(barred: Barred) -> list[Denial]:
    """What they lack beside their yes to house rules: those are said once, for all machines."""
    return [denial for denial in barred.denials if denial.code != Code.RULES_UNSIGNED]


def _to_sign(request: HttpRequest, found: Found) -> ToSign | None:
    rules = {
        denial.params["rules"]: str(denial.params["of"])
        for each in found.barred
        for denial in each.denials
        if denial.code == Code.RULES_UNSIGNED
    }
    if not rules:
        return None
    address = reverse("me-rules-sign", args=[*rules]) if len(rules) == 1 else reverse("me-rules")
    count = sum(1 for each in found.barred if not _beside_the_rules(each))
    return ToSign([*rules.values()], f"{address}?{urlencode({'next': request.get_full_path()})}", count)


def _missing(request: HttpRequest, barred: Sequence[Barred], person: Person | None) -> list[Missing]:
    """What is lacking, and the induction that leads to it. One query, none for a visitor."""
    steps = induction_steps(person, [each.machine for each in barred]) if person is not None and barred else {}
    here = urlencode({"next": request.get_full_path()})
    steps = {pk: replace(step, url=f"{step.url}?{here}") if step.url else step for pk, step in steps.items()}
    return [
        Missing(
            each.machine,
            [
                replace(
                    sentence_of(denial), way=steps.get(each.machine.pk) if denial.code in OF_QUALIFICATION else None
                )
                for denial in _beside_the_rules(each)
            ],
        )
        for each in barred
    ]


def time_words(time: Interval, zone: ZoneInfo, now: dt.datetime) -> str:
    """“Tomorrow, 14:00 – 16:00”."""
    day = _capital(near_day_words(time.start, zone, now))
    return f"{day}, {from_to_words(time.start, time.end, zone, now=now)}"


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


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


def _ways(form: SearchForm, *, longest: dt.timedelta | None) -> list[tuple[str, str]]:
    """What to change, each with the address that does: a shorter time, other days, any time, every kind.

    `longest` is what the opening hours and the machines leave room for; None where length is not what is wrong.
    """
    asked, found = form.cleaned_data, []
    shorter = [n for n in LENGTHS_MIN if n < asked["minutes"] and longest and dt.timedelta(minutes=n) <= longest]
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


def _open_to_them(found: Found) -> list[Machine]:
    """The machines that the person could have, were they free."""
    barred = {each.machine.pk for each in found.barred}
    return [machine for machine in found.looked_at if machine.pk not in barred]


def _waits(open_to_them: list[Machine], form: SearchForm, person: Person | None, now: dt.datetime) -> list[Wait]:
    """Up to three machines that the person could have, were they not taken."""
    if person is None:
        return []
    taken = taken_times(
        open_to_them, duration=form.duration, window=form.window(now), now=now, part_of_day=form.part_of_day
    )
    chosen = [machine for machine in open_to_them if machine.pk in taken][:MOST_TO_WAIT_FOR]
    return [Wait(machine, time_choices(machine, taken[machine.pk], now)) for machine in chosen]


def time_choices(machine: Machine, times: list[Interval], now: dt.datetime) -> list[tuple[str, str]]:
    """(instant, words) of each time, for a form."""
    zone = machine.site.zone
    return [(f"{time.start:%Y-%m-%dT%H:%M:%SZ}", time_words(time, zone, now)) for time in times]

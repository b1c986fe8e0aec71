"""“Why can’t she reserve?”: a person, a machine and a time; every rule with a tick or a cross and where it is set."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fablab.lib.intervals import Interval
from fablab.lib.queries import query_word
from fablab.views.people_door import file_of
from fablab.views.roles import for_role
from fablab.views.settings_places import Part
from fablab.why import approval_source, why_lines
from machines.models import Machine
from people.models import Person
from people.permissions import is_staff
from people.selectors import matching, people_of, staff_sites
from people.signed_in import signed_in
from reservations.facts import booking_facts
from reservations.forms import TimeForm
from reservations.rules import may_be_set_aside

FOUND_SHOWN = 8


class WhoForm(forms.Form):
    """Who, and which machine."""

    who = forms.CharField(
        label=_("Who?"),
        max_length=120,
        help_text=_("Name, telephone or card"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    machine = forms.ModelChoiceField(Machine.objects.none(), label=_("Machine"), to_field_name="slug", empty_label=None)

    def __init__(self, *args: Any, machines: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["machine"]
        field.queryset = machines


@for_role(is_staff)
def why(request: HttpRequest) -> HttpResponse:
    """The question, and the answer once all of it was asked."""
    me, now = signed_in(request), timezone.now()
    machines = (
        Machine.objects.filter(retired_at=None, unit__site__in=staff_sites(me)).with_places().order_by("name", "pk")
    )
    person, found = _who(request, me)
    asked = "day" in request.GET
    known = {"machine": query_word(request.GET, "machine")}
    form = WhoForm(request.GET if asked else None, machines=machines, initial=known)
    if person is not None:
        del form.fields["who"]
    context: dict[str, Any] = {"person": person, "found": found, "form": form, "words": query_word(request.GET, "who")}
    machine = _machine(form, machines, known["machine"])
    if machine is None:
        return render(request, "fablab/why/why.html", context)
    times = TimeForm(request.GET if asked else None, machine=machine, initial=_next_hour(now, machine))
    context |= {"times": Part("", times, ("day", "start", "end")), "errors": times, "machine": machine}
    context["others"] = [(each, _with(request, person=each.reference)) for each in found]
    if asked and form.is_valid() and times.is_valid() and person is not None:
        context |= _answer(person, machine, times, me, now)
    return render(request, "fablab/why/why.html", context)


def _who(request: HttpRequest, me: Person) -> tuple[Person | None, list[Person]]:
    """The person whose file is asked about, which is noted; else all whom the words may mean."""
    if reference := query_word(request.GET, "person"):
        return file_of(request, reference), []
    words = query_word(request.GET, "who").strip()
    found = list(matching(people_of(me), words)[: FOUND_SHOWN + 1])
    if len(found) == 1:
        return file_of(request, found[0].reference), []
    return None, found[:FOUND_SHOWN]


def _machine(form: WhoForm, machines: Any, slug: str) -> Machine | None:
    """The one chosen, else the one of the link that led here, else the first."""
    if form.is_bound and form.is_valid():
        chosen: Machine = form.cleaned_data["machine"]
        return chosen
    return next((each for each in machines if each.slug == slug), None) or next(iter(machines), None)


def _next_hour(now: dt.datetime, machine: Machine) -> dict[str, Any]:
    wall = now.astimezone(machine.site.zone).replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    return {"day": wall.date().isoformat(), "start": wall.time(), "end": (wall + dt.timedelta(hours=1)).time()}


def _with(request: HttpRequest, **more: str) -> str:
    kept = {name: request.GET[name] for name in ("machine", "day", "start", "end") if name in request.GET}
    return f"?{urlencode(kept | more)}"


def _answer(person: Person, machine: Machine, times: TimeForm, me: Person, now: dt.datetime) -> dict[str, Any]:
    start, end = times.interval()
    facts = booking_facts(machine=machine, holder=person, start=start, end=end, now=now)
    about: dict[str, Any] = {"facts": facts, "machine": machine, "person": person, "reader": me}
    asked = Interval(start, end)
    lines = why_lines(asked=asked, now=now, **about)
    codes = [sentence.code for line in lines for sentence in line.sentences]
    day = start.astimezone(machine.site.zone)
    chosen = {
        "machine": machine.slug, "day": f"{day:%Y-%m-%d}", "start": f"{day:%H:%M}",
        "end": f"{end.astimezone(machine.site.zone):%H:%M}",
    }  # fmt: skip
    if person.pk != me.pk:
        chosen["for"] = person.reference
    return {
        "lines": lines,
        "broken": [line for line in lines if not line.is_kept],
        "kept": [line for line in lines if line.is_kept],
        "approval": approval_source(asked=asked, **about),
        "may_be_set_aside": all(may_be_set_aside(code, facts) for code in codes),
        "reserve_url": f"{reverse('reserve-confirm')}?{urlencode(chosen)}",
        "start": start,
        "end": end,
        "zone": machine.site.zone,
    }

"""What is written at the desk."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField
from machines.models import Machine, Room
from people.forms_people import EARLIEST_YEAR, LATEST_YEAR, NO_YEAR
from people.models import AgeBand, Site
from reservations.series_dates import MOST_DATES


class WelcomeForm(forms.Form):
    """Who comes in, in four fields of which two may stay empty."""

    first_name = forms.CharField(label=_("First name"), max_length=80)
    last_name = forms.CharField(label=_("Name"), max_length=80)
    birth_year = forms.IntegerField(
        label=_("Year of birth"),
        required=False,
        min_value=EARLIEST_YEAR,
        max_value=LATEST_YEAR,
        error_messages={"min_value": NO_YEAR, "max_value": NO_YEAR, "invalid": NO_YEAR},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 4}),
    )
    town = forms.CharField(label=_("Town"), max_length=80, required=False)
    # Asked for only when somebody turns out to be under 18.
    guardian_name = forms.CharField(label=_("Responsible adult"), max_length=120, required=False)
    guardian_phone = forms.CharField(label=_("Telephone of the responsible adult"), max_length=40, required=False)

    FIRST_ASKED = ("first_name", "last_name", "birth_year", "town")

    def asks_for_guardian(self, year: int) -> bool:
        """Whether the year that was written means under 18."""
        try:
            born = int(self["birth_year"].value() or 0)
        except (TypeError, ValueError):
            return False
        return born >= 1900 and year - born < 18


class UnnamedForm(forms.Form):
    headcount = forms.IntegerField(label=_("How many?"), min_value=1, max_value=200, initial=1)
    age_band = forms.ChoiceField(label=_("Age"), choices=AgeBand.choices, initial=AgeBand.NOT_SAID)


@dataclass(frozen=True, slots=True)
class MachineSet:
    """Machines that are ticked together."""

    label: str
    machine_ids: frozenset[int]


def machine_sets(machines: Sequence[Machine]) -> dict[str, MachineSet]:
    """The rooms, then the kinds, with two machines or more, by the name a form gives them; the same ones once."""
    members: dict[str, set[int]] = defaultdict(set)
    labels: dict[str, str] = {}
    by_room = [(f"room-{machine.room_id}", machine.room, machine) for machine in machines if machine.room]
    by_kind = [(f"kind-{machine.category_id}", machine.category.name, machine) for machine in machines]
    for name, label, machine in (*by_room, *by_kind):
        labels[name] = str(label)
        members[name].add(machine.pk)
    found: dict[str, MachineSet] = {}
    for name, ids in members.items():
        if len(ids) > 1 and all(known.machine_ids != ids for known in found.values()):
            found[name] = MachineSet(labels[name], frozenset(ids))
    return found


def _spread(data: QueryDict, offered: Mapping[str, MachineSet]) -> QueryDict:
    """What was sent with each ticked set as its machines: after a refusal one of them can be left out."""
    sent = data.copy()
    ids = {str(pk) for name in data.getlist("sets") if name in offered for pk in offered[name].machine_ids}
    sent.setlist("machines", [*data.getlist("machines"), *sorted(ids - set(data.getlist("machines")))])
    sent.setlist("sets", [])
    return sent


class GroupForm(forms.Form):
    """Several things held under one public title, once or every week."""

    title = forms.CharField(label=_("Title, as everybody will read it"), max_length=120)
    day = DayField(label=_("Day"))
    opens = forms.TimeField(label=_("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    closes = forms.TimeField(label=_("Until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    rooms = forms.ModelMultipleChoiceField(
        label=_("Rooms"), queryset=Room.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    sets = forms.MultipleChoiceField(
        label=_("All machines of a room or kind"), required=False, widget=forms.CheckboxSelectMultiple
    )
    machines = forms.ModelMultipleChoiceField(
        label=_("Machines and seats"), queryset=Machine.objects.none(), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    every_weeks = forms.TypedChoiceField(
        label=_("Again"),
        choices=[(0, _("only this once")), (1, _("every week")), (2, _("every two weeks")), (4, _("every four weeks"))],
        coerce=int,
        initial=0,
    )
    dates = forms.IntegerField(
        label=_("How many dates in all?"),
        required=False,
        initial=10,
        validators=[MinValueValidator(2), MaxValueValidator(MOST_DATES)],
    )
    is_skipping_taken = forms.BooleanField(label=_("Leave out the dates that cannot be reserved"), required=False)
    note = forms.CharField(label=_("Note for the team"), max_length=200, required=False)

    examples = {
        "title": _("“Sewing workshop” or “Closed for a school visit”. Everybody reads it: no names of people."),
        "sets": _(
            "One tick for the eight computers of a room. If one of them cannot be reserved, all eight are ticked "
            "below: leave that one out."
        ),
        "is_skipping_taken": _(
            "Ten Tuesdays, and on one of them the room is taken: ticked, the other nine are reserved and the report "
            "names the one left out. Not ticked, nothing is reserved and you see why."
        ),
    }

    def __init__(self, data: QueryDict | None = None, *, site: Site, **kwargs: Any) -> None:
        present = Machine.objects.filter(unit__site=site, retired_at=None).select_related("unit", "category", "room")
        offered = machine_sets(list(present))
        super().__init__(_spread(data, offered) if data is not None else None, **kwargs)
        rooms: Any = self.fields["rooms"]
        machines: Any = self.fields["machines"]
        rooms.queryset = Room.objects.filter(site=site).select_related("unit")
        machines.queryset = present
        if offered:
            sets: Any = self.fields["sets"]
            sets.choices = [(name, f"{found.label} ({len(found.machine_ids)})") for name, found in offered.items()]
        else:
            del self.fields["sets"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not data.get("rooms") and not data.get("machines"):
            self.add_error("rooms", _("Tick at least one room or machine."))
        if data.get("opens") and data.get("opens") == data.get("closes"):
            self.add_error("closes", _("The end comes after the start."))
        if data.get("every_weeks") and not data.get("dates") and "dates" not in self.errors:
            self.add_error("dates", _("Write how many dates there are, the first one counted."))
        return data

    @property
    def rule(self) -> str:
        """RFC 5545, or empty when it happens once; call after `is_valid`."""
        weeks = self.cleaned_data["every_weeks"]
        return f"FREQ=WEEKLY;INTERVAL={weeks};COUNT={self.cleaned_data['dates']}" if weeks else ""


class CallListForm(forms.Form):
    first = DayField(label=_("From"))
    last = DayField(label=_("Until"))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and not dt.timedelta(0) <= last - first <= dt.timedelta(days=62):
            self.add_error("last", _("Choose a day after the first, at most two months later."))
        return data

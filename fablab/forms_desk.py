"""What is written at the desk."""

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField
from machines.models import Machine, Room
from people.models import AgeBand, Site
from reservations.group import MOST_DATES


class WelcomeForm(forms.Form):
    """Who comes in, in four fields of which two may stay empty."""

    first_name = forms.CharField(label=_("First name"), max_length=80)
    last_name = forms.CharField(label=_("Name"), max_length=80)
    birth_year = forms.IntegerField(
        label=_("Year of birth"),
        required=False,
        min_value=1900,
        max_value=2100,
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


class GroupForm(forms.Form):
    """Several things held under one public title, once or every week."""

    title = forms.CharField(label=_("Title, as everybody will read it"), max_length=120)
    day = DayField(label=_("Day"))
    opens = forms.TimeField(label=_("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    closes = forms.TimeField(label=_("Until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    rooms = forms.ModelMultipleChoiceField(
        label=_("Rooms"), queryset=Room.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
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
        "is_skipping_taken": _(
            "Ten Tuesdays, and on one of them the room is taken: ticked, the other nine are reserved and the report "
            "names the one left out. Not ticked, nothing is reserved and you see why."
        ),
    }

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rooms: Any = self.fields["rooms"]
        machines: Any = self.fields["machines"]
        rooms.queryset = Room.objects.filter(site=site).select_related("unit")
        machines.queryset = Machine.objects.filter(unit__site=site, retired_at=None).select_related("unit", "category")

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

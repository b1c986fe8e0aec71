"""What a fab manager types about when a site is open and which machines are out of service."""

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField, MomentField
from machines.models import Machine, Outage, Season
from machines.models.hours import Weekday
from machines.opening import Range
from machines.opening_checks import check_ranges

LEAST_RANGES = 2
# What an error names: the pairs themselves stand under the day's name on the page.
FIRST = (_("Opening time on %(day)s"), _("Closing time on %(day)s"))
AGAIN = (_("Another opening time on %(day)s"), _("Another closing time on %(day)s"))


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class HoursForm(forms.Form):
    """The week: for each day two ranges (more where there are more already), or the same as the day before.

    `asks_who`: each range may be one when nobody of the team is there; `unstaffed` are those, by day and opening time.
    """

    def __init__(
        self,
        *args: Any,
        week: Mapping[int, Sequence[Range]],
        unstaffed: AbstractSet[tuple[int, dt.time]] = frozenset(),
        asks_who: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.asks_who = asks_who
        self.count = max(LEAST_RANGES, *(len(ranges) for ranges in week.values()), 0)
        for day in Weekday:
            for number in range(self.count):
                opens, closes = [*week.get(day, ()), *[(None, None)] * self.count][number]
                opening, closing = AGAIN if number else FIRST
                self._add(f"opens_{day}_{number}", opening % {"day": day.label}, opens)
                self._add(f"closes_{day}_{number}", closing % {"day": day.label}, closes)
                if asks_who:
                    is_alone = opens is not None and (int(day), opens) in unstaffed
                    self._ask(f"alone_{day}_{number}", _("without the team"), is_alone)
            if day > Weekday.MONDAY:
                self._ask(f"same_{day}", _("Same as the day before"), False)

    def _add(self, name: str, label: str, initial: dt.time | None) -> None:
        self.fields[name] = forms.TimeField(label=label, required=False, widget=ClockInput(), initial=initial)

    def _ask(self, name: str, label: Any, initial: bool) -> None:
        self.fields[name] = forms.BooleanField(label=label, required=False, initial=initial)

    def days(self) -> list[dict[str, Any]]:
        """For the page: each day with its pairs of fields, and whether the team is there."""
        return [
            {
                "label": day.label,
                "pairs": [
                    (self[f"opens_{day}_{n}"], self[f"closes_{day}_{n}"], self._who(f"alone_{day}_{n}"))
                    for n in range(self.count)
                ],
                "same": self[f"same_{day}"] if day > Weekday.MONDAY else None,
                "errors": self._errors_of(day),
            }
            for day in Weekday
        ]

    def _who(self, name: str) -> Any:
        return self[name] if self.asks_who else None

    def _errors_of(self, day: int) -> list[str]:
        names = [f"{end}_{day}_{n}" for n in range(self.count) for end in ("opens", "closes")]
        return [str(error) for name in names for error in self[name].errors]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for day in Weekday:
            if data.get(f"same_{day}"):
                continue
            try:
                check_ranges(self._typed(day))
            except ValidationError as error:
                self.add_error(f"opens_{day}_0", error)
        return data

    def _typed(self, day: int) -> list[Range]:
        ranges = []
        for number in range(self.count):
            opens = self.cleaned_data.get(f"opens_{day}_{number}")
            closes = self.cleaned_data.get(f"closes_{day}_{number}")
            if opens is not None and closes is not None:
                ranges.append((opens, closes))
            elif opens is not None or closes is not None:
                missing = f"{'opens' if opens is None else 'closes'}_{day}_{number}"
                if missing not in self.errors:
                    self.add_error(missing, _("Give both times, or leave both empty."))
        return ranges

    def week(self) -> dict[int, list[Range]]:
        """ISO weekday → ranges, once the form is valid."""
        found: dict[int, list[Range]] = {}
        for day in Weekday:
            is_same = self.cleaned_data.get(f"same_{day}")
            found[int(day)] = list(found[day - 1]) if is_same else self._typed(day)
        return found

    def unstaffed(self) -> set[tuple[int, dt.time]]:
        """The ranges when nobody of the team is there, by day and opening time, once the form is valid."""
        found: set[tuple[int, dt.time]] = set()
        for day in Weekday:
            if self.cleaned_data.get(f"same_{day}"):
                found |= {(int(day), opens) for before, opens in found if before == day - 1}
                continue
            for number in range(self.count):
                opens = self.cleaned_data.get(f"opens_{day}_{number}")
                if opens is not None and self.cleaned_data.get(f"alone_{day}_{number}"):
                    found.add((int(day), opens))
        return found


class SeasonForm(forms.Form):
    """Which part of the year has a week of its own."""

    name = forms.CharField(label=_("Name, as visitors will read it"), max_length=80)
    kind = forms.ChoiceField(label=_("When?"), choices=Season.Kind.choices, widget=forms.RadioSelect)
    first = DayField(label=_("First day"), required=False)
    last = DayField(label=_("Last day"), required=False)

    examples = {
        "name": _("“Summer hours”, “School holidays”."),
        "kind": _(
            "Works in March: from a date to another. Every summer: the same dates every year, whatever year you write."
        ),
        "first": _("Leave both days empty for the school holidays: their dates are known."),
        "last": _("It is still part of the season. For a winter over New Year, 15 December to 10 January."),
    }

    def __init__(self, *args: Any, has_school_holidays: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["kind"]
        field.initial = Season.Kind.YEARLY
        if not has_school_holidays and self.initial.get("kind") != Season.Kind.SCHOOL_HOLIDAYS:
            field.choices = [row for row in Season.Kind.choices if row[0] != Season.Kind.SCHOOL_HOLIDAYS]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind, first, last = data.get("kind"), data.get("first"), data.get("last")
        if kind == Season.Kind.SCHOOL_HOLIDAYS:
            return data | {"first": None, "last": None}
        for name in ("first", "last"):
            if data.get(name) is None and name not in self.errors:
                self.add_error(name, _("Which day?"))
        if kind == Season.Kind.DATES and first and last and last < first:
            self.add_error("last", _("The last day comes after the first."))
        return data


class ClosureForm(forms.Form):
    """Dates on which other hours hold than the week's, or none."""

    CLOSED, OTHER = "closed", "other"

    first = DayField(label=_("First day"))
    last = DayField(label=_("Last day"), required=False)
    title = forms.CharField(label=_("Why, as visitors will read it"), max_length=120, required=False)
    kind = forms.ChoiceField(
        label=_("On these days we are"),
        choices=[(CLOSED, _("closed all day")), (OTHER, _("open, with these hours:"))],
        widget=forms.RadioSelect,
        initial=CLOSED,
    )
    opens_0 = forms.TimeField(label=_("Opens"), widget=ClockInput(), required=False)
    closes_0 = forms.TimeField(label=_("Closes"), widget=ClockInput(), required=False)
    opens_1 = forms.TimeField(label=_("Opens again"), widget=ClockInput(), required=False)
    closes_1 = forms.TimeField(label=_("Closes again"), widget=ClockInput(), required=False)

    parts = (
        ("", ("first", "last", "title", "kind")),
        ("", ("opens_0", "closes_0", "opens_1", "closes_1")),
    )
    examples = {
        "last": _("24 December to 2 January. Leave it empty for one day only."),
        "title": _("“Summer break”, “Open day: come in!”. Nothing about a person: everybody reads it."),
        "kind": _("Open on a public holiday: choose the day, then “open, with these hours”."),
    }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last") or data.get("first")
        data["last"] = last
        if first and last and last < first:
            self.add_error("last", _("The last day comes after the first."))
        data["ranges"] = self._ranges(data) if data.get("kind") == self.OTHER else []
        return data

    def _ranges(self, data: Mapping[str, Any]) -> list[Range]:
        ranges = []
        for number in range(2):
            opens, closes = data.get(f"opens_{number}"), data.get(f"closes_{number}")
            if (opens is None) != (closes is None):
                missing = f"{'opens' if opens is None else 'closes'}_{number}"
                if missing not in self.errors:
                    self.add_error(missing, _("Give both times, or leave both empty."))
            elif opens is not None and closes is not None:
                ranges.append((opens, closes))
        if not ranges and not self.errors:
            self.add_error("opens_0", _("From when are you open?"))
        try:
            check_ranges(ranges)
        except ValidationError as error:
            self.add_error("opens_0", error)
        return ranges


class OutageForm(forms.Form):
    """A machine out of service: why, from when, and until when if that is known."""

    machine = forms.ModelChoiceField(label=_("Machine"), queryset=Machine.objects.none(), to_field_name="slug")
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[choice for choice in Outage.Kind.choices if choice[0] != Outage.Kind.ELSEWHERE]
    )
    reason = forms.CharField(label=_("Reason, as people will read it"), max_length=200, required=False)
    start = MomentField(label=_("From"), required=False)
    end = MomentField(label=_("Until"), required=False)
    expected_end = DayField(label=_("Expected back"), required=False)

    examples = {
        "reason": _("“The belt is worn, a new one is on its way.” Nothing about a person: everybody reads it."),
        "start": _("Leave it empty for now. For maintenance next Tuesday: that day and time."),
        "end": _("Leave it empty for a fault: the machine stays out until you lift it."),
        "expected_end": _("Shown to people who want to reserve. The machine does not come back by itself."),
    }

    def __init__(self, *args: Any, machines: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["machine"]
        field.queryset, field.empty_label = machines, _("choose a machine")

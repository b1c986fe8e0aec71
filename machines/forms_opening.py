"""What a fab manager types about when a site is open and which machines are out of service."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField, MomentField
from machines.models import Machine, Outage
from machines.models.hours import Weekday
from machines.opening import Range
from machines.opening_checks import check_ranges

LEAST_RANGES = 2


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class HoursForm(forms.Form):
    """The week: for each day two ranges (more where there are more already), or the same as the day before."""

    def __init__(self, *args: Any, week: Mapping[int, Sequence[Range]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = max(LEAST_RANGES, *(len(ranges) for ranges in week.values()), 0)
        for day in Weekday:
            for number in range(self.count):
                opens, closes = [*week.get(day, ()), *[(None, None)] * self.count][number]
                words = {"day": day.label, "number": number + 1}
                self._add(f"opens_{day}_{number}", _("%(day)s, opens (%(number)d)"), words, opens)
                self._add(f"closes_{day}_{number}", _("%(day)s, closes (%(number)d)"), words, closes)
            if day > Weekday.MONDAY:
                self.fields[f"same_{day}"] = forms.BooleanField(label=_("Same as the day before"), required=False)

    def _add(self, name: str, label: Any, words: Mapping[str, Any], initial: dt.time | None) -> None:
        self.fields[name] = forms.TimeField(label=label % words, required=False, widget=ClockInput(), initial=initial)

    def days(self) -> list[dict[str, Any]]:
        """For the page: each day with its pairs of fields."""
        return [
            {
                "label": day.label,
                "pairs": [(self[f"opens_{day}_{n}"], self[f"closes_{day}_{n}"]) for n in range(self.count)],
                "same": self[f"same_{day}"] if day > Weekday.MONDAY else None,
                "errors": self._errors_of(day),
            }
            for day in Weekday
        ]

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
    kind = forms.ChoiceField(label=_("Kind"), choices=Outage.Kind.choices)
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

"""What is asked about a series: how it repeats, and which of its dates a change means."""

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from fablab.lib.day_fields import DayField
from reservations.series import Scope
from reservations.series_dates import MOST_DATES, WEEKDAYS, written

EVERY = {
    "day": ("DAILY", 1, _("every day")),
    "week": ("WEEKLY", 1, _("every week")),
    "two_weeks": ("WEEKLY", 2, _("every two weeks")),
    "four_weeks": ("WEEKLY", 4, _("every four weeks")),
    "month": ("MONTHLY", 1, _("every month, on the same weekday")),
}
WEEKLY = frozenset({"week", "two_weeks", "four_weeks"})
LAST_WEEK = 5


class RepeatForm(forms.Form):
    """How a reservation repeats from its first day on: it gives an RFC 5545 rule."""

    every = forms.ChoiceField(
        label=_("How often?"), choices=[(name, words) for name, (_f, _n, words) in EVERY.items()], initial="week"
    )
    weekdays = forms.MultipleChoiceField(
        label=_("On which days of the week?"),
        choices=[(code, WEEKDAY_NAMES[n]) for n, code in enumerate(WEEKDAYS)],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    times = forms.IntegerField(
        label=_("How many times in all?"),
        required=False,
        validators=[MinValueValidator(2), MaxValueValidator(MOST_DATES)],
        widget=forms.NumberInput(attrs={"min": 2, "max": MOST_DATES}),
    )
    until = DayField(label=_("Or until which day?"), required=False)

    examples = {
        "weekdays": _("Tuesday and Thursday. Without any, it is the weekday of the first date."),
        "until": _("The last day on which it may fall. Give this, or the number of times."),
    }

    def __init__(self, *args: Any, first_day: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first_day = first_day

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        times, until = data.get("times"), data.get("until")
        if times is None and until is None and not self.errors:
            self.add_error("times", _("Say how many times, or until which day."))
        if times is not None and until is not None:
            self.add_error("until", _("Give the number of times or the last day, not both."))
        if until is not None and until <= self.first_day:
            self.add_error("until", _("The last day comes after the first."))
        return data

    @property
    def rule(self) -> str:
        """As RFC 5545 writes it; call after `is_valid`."""
        data = self.cleaned_data
        frequency, interval, _words = EVERY[data["every"]]
        parts = {"FREQ": frequency, "INTERVAL": str(interval)}
        if data["every"] in WEEKLY:
            first = WEEKDAYS[self.first_day.weekday()]
            # The first date is one of the series, whatever was ticked.
            chosen = {*data["weekdays"], first}
            parts["BYDAY"] = ",".join(code for code in WEEKDAYS if code in chosen)
        elif frequency == "MONTHLY":
            nth = (self.first_day.day - 1) // 7 + 1
            place = "-1" if nth == LAST_WEEK else str(nth)
            parts["BYDAY"] = f"{place}{WEEKDAYS[self.first_day.weekday()]}"
        if data["times"]:
            return written(parts | {"COUNT": str(data["times"])})
        return written(parts | {"UNTIL": f"{data['until']:%Y%m%d}"})


MEANT = [
    (Scope.THIS.value, _("this date only")),
    (Scope.FOLLOWING.value, _("this date and the following")),
    (Scope.ALL.value, _("all that are to come")),
]


class ScopeForm(forms.Form):
    """Which dates of a series are meant."""

    scope = forms.ChoiceField(
        label=_("Which dates?"), choices=MEANT, widget=forms.RadioSelect, initial=Scope.FOLLOWING.value
    )


class MoveDatesForm(ScopeForm):
    """Another time for some dates of a series: the day is that of the date looked at, the others go with it."""

    field_order = ["day", "start", "end", "scope"]

    day = DayField(label=_("Day of this date"))
    start = forms.TimeField(label=_("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    end = forms.TimeField(label=_("Until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))

    examples = {"day": _("One day later here, and each of the others goes one day later too.")}

    def __init__(self, *args: Any, nights: int = 0, **kwargs: Any) -> None:
        """`nights` lie between the day of the start and that of the end: a move keeps them."""
        super().__init__(*args, **kwargs)
        if nights:
            words = ngettext("%(count)d night later, as now", "%(count)d nights later, as now", nights)
            self.fields["end"].help_text = words % {"count": nights}

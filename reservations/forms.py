import datetime as dt
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from machines.models import Machine
from machines.opening import instant_of

# Nearer the ends of the calendar, the day before or after cannot be told.
FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2200, 1, 1)


class TimeForm(forms.Form):
    """A day and two clock times, in the site's own time. An end before the start means the next day."""

    day = forms.DateField(
        label=_("Day"),
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
    )
    start = forms.TimeField(label=_("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    end = forms.TimeField(label=_("Until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    note = forms.CharField(label=_("What for? (optional)"), max_length=200, required=False)

    def __init__(self, *args: Any, machine: Machine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.machine = machine

    def interval(self) -> tuple[dt.datetime, dt.datetime]:
        """The instants meant; call after `is_valid`."""
        zone, data = self.machine.site.zone, self.cleaned_data
        end_day = data["day"] if data["end"] > data["start"] else data["day"] + dt.timedelta(days=1)
        return (
            instant_of(data["day"], data["start"], zone),
            instant_of(end_day, data["end"], zone, is_end=True),
        )

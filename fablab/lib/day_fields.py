"""Form fields for days and moments of our century: nearer the ends of the calendar, no day before or after exists."""

import datetime as dt

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

FIRST_YEAR, LAST_YEAR = 2000, 2200


def check_year(value: dt.date) -> None:
    """Raises: ValidationError when the day or moment is outside 2000 to 2200."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValidationError(_("Choose a day from a calendar of our century."))


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DayField(forms.DateField):
    widget = DayInput
    default_validators = [check_year]


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class MomentField(forms.DateTimeField):
    """A day and a time on the clock of the site whose zone is active."""

    widget = MomentInput
    default_validators = [check_year]

"""Beside each rule of a machine's own: what its category says, which holds while the field is empty."""

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from machines.forms import LENGTH_NAMES
from machines.models import Category
from machines.rule_fields import YES_NO_NAMES
from reservations.messages import duration_words

CHOICES = ("risk_level", "attendance", "grid_min")
NUMBERS = ("least_age_y", "guardian_below_y", "credits_per_hour", "no_show_min")


def say_what_the_category_says(form: forms.BaseForm, category: Category | None) -> None:
    """Write “As the category: 2 h” under lengths, and into the empty choice of what is chosen from a list."""
    for name in LENGTH_NAMES:
        form.fields[name].help_text = _words(category, _length(getattr(category, name, None)), is_line=True)
    for name in CHOICES:
        shown = getattr(category, f"get_{name}_display")() if category else ""
        _say_in_choice(form.fields[name], _words(category, shown))
    for name in NUMBERS:
        shown = getattr(category, name, None)
        form.fields[name].help_text = _words(category, _("none") if shown is None else shown, is_line=True)
    for name in YES_NO_NAMES:
        _say_in_choice(form.fields[name], _words(category, _("yes") if getattr(category, name, False) else _("no")))
    wanted: Any = form.fields["qualification"]
    wanted.empty_label = _words(category, (category.qualification or _("no qualification")) if category else "")


def _length(value: dt.timedelta | None) -> str:
    return "" if value is None else duration_words(value)


def _words(category: Category | None, value: object, *, is_line: bool = False) -> str:
    if category is None:
        return _("Empty: as the category says.") if is_line else _("as the category says")
    words = _("As the category: %(value)s.") if is_line else _("as the category: %(value)s")
    return words % {"value": value}


def _say_in_choice(field: Any, words: str) -> None:
    field.choices = [(value, words if value in ("", None) else label) for value, label in field.choices]

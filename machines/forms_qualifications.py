"""The shape of a grant to one or many."""

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField
from machines.models import Qualification
from machines.models.qualification import Level
from machines.qualification_selectors import end_of_day, end_of_day_in
from people.errors import PeopleError
from people.models import Site

ONE_YEAR, TWO_YEARS, NEVER, OTHER = "1", "2", "never", "other"


class QualifyForm(forms.Form):
    qualification = forms.ModelChoiceField(label=_("Qualification"), queryset=Qualification.objects.none())
    level = forms.TypedChoiceField(
        label=_("Level"), coerce=lambda value: Level(int(value)), choices=Level.choices, initial=Level.ALONE,
        widget=forms.RadioSelect,
    )  # fmt: skip
    lasts = forms.ChoiceField(
        label=_("How long"),
        choices=[
            (ONE_YEAR, _("One year")),
            (TWO_YEARS, _("Two years")),
            (NEVER, _("For good")),
            (OTHER, _("Until a day that I choose")),
        ],
        initial=TWO_YEARS,
        widget=forms.RadioSelect,
    )
    until = DayField(label=_("Last day, if you choose it"), required=False)

    examples: ClassVar[dict[str, "str | Promise"]] = {
        "level": _(
            "“With help”: somebody of the team stands by. “Alone”: reserves and works alone. "
            "“May train others”: shows newcomers how it is done."
        ),
        "lasts": _("Where the machine is dangerous, a year or two: people forget. For a sewing machine, for good."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["qualification"]
        field.queryset, field.empty_label = Qualification.objects.all(), _("choose a qualification")
        first_two = field.queryset[:2]
        if len(first_two) == 1:
            field.initial, field.empty_label = first_two[0], None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("lasts") == OTHER and not cleaned.get("until") and "until" not in self.errors:
            self.add_error("until", _("Choose the last day, or one of the other lengths."))
        return cleaned

    def refuse(self, error: PeopleError) -> None:
        field = getattr(error, "field", "")
        self.add_error(field if field in self.fields else None, str(error.sentence))

    def expires_at(self, site: Site, now: dt.datetime) -> dt.datetime | None:
        """The end that was chosen, a midnight on the site's clock; None for good."""
        lasts = self.cleaned_data["lasts"]
        if lasts == NEVER:
            return None
        if lasts == OTHER:
            return end_of_day(site, self.cleaned_data["until"])
        return end_of_day_in(site, now, years=int(lasts))

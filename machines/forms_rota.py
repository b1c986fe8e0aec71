"""What a fab manager types about who is on duty, and about what goes with what."""

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField
from machines.forms_opening import ClockInput
from machines.rota import MOST_WEEKS, team_of
from people.models import Site


class ShiftForm(forms.Form):
    """Somebody is on duty, once or every week."""

    person: Any = forms.ModelChoiceField(label=_("Who?"), queryset=None, to_field_name="reference")
    day = DayField(label=_("Day"))
    begins = forms.TimeField(label=_("From"), widget=ClockInput())
    ends = forms.TimeField(label=_("Until"), widget=ClockInput())
    weeks = forms.IntegerField(label=_("For how many weeks?"), min_value=1, max_value=MOST_WEEKS, initial=1)

    examples = {
        "person": _("People of this place’s team. Somebody is missing? Give them a role first, under Team and roles."),
        "ends": _("Midnight is 00:00. A night over midnight is two shifts."),
        "weeks": _("1: this day only. 10: this day and the same weekday of the nine weeks after."),
    }

    def __init__(self, *args: Any, site: Site, day: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["person"]
        field.queryset, field.empty_label = team_of(site), _("choose somebody")
        self.fields["day"].initial = day


class GoesWithForm(forms.Form):
    """One thing more that is taken along: held together, or serving several at once."""

    HELD, SHARED = "held", "shared"

    part = forms.ChoiceField(label=_("What?"))
    how = forms.ChoiceField(
        label=_("How?"),
        choices=[
            (HELD, _("It is taken too: nobody else has it meanwhile")),
            (SHARED, _("It serves several at once: it only has to work")),
        ],
        widget=forms.RadioSelect,
        initial=HELD,
    )

    examples = {
        "how": _(
            "A tripod for one camera is taken too. An extractor for two lasers serves both: when it is out of "
            "service, neither can be reserved."
        ),
    }

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["part"]
        field.choices = [("", _("choose a machine or a room")), *choices]

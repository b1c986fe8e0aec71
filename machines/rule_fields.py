"""Fields of the booking rules that the forms of categories, machines and policies share, with an example for each."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WHO_NAMES = ("needs_membership", "needs_approval", "least_age_y", "guardian_below_y", "credits_per_hour")
YES_NO_NAMES = ("needs_membership", "needs_approval")
NUMBER_NAMES = ("least_age_y", "guardian_below_y", "credits_per_hour", "no_show_min")

RULE_LABELS: dict[str, str | Promise] = {
    "least_age_y": _("Least age, in years"),
    "guardian_below_y": _("Below this age, in years, with the responsible adult"),
    "credits_per_hour": _("Credits an hour"),
    "no_show_min": _("Given to others when nobody came, minutes after the start"),
}
RULE_EXAMPLES: dict[str, str | Promise] = {
    "change_notice": _("2 hours: from two hours before the start on, only the team moves a reservation."),
    "cancel_notice": _("24 hours for a room: after that only the team cancels it. 0 minutes: until the start."),
    "rest": _("1 day: whoever used the laser on Monday reserves it again from Tuesday on, so that others have a turn."),
    "needs_approval": _("A milling machine: each reservation waits until somebody of the team has said yes."),
    "needs_membership": _("Machines kept for those who have taken out a plan; visitors see that, and whom to ask."),
    "least_age_y": _("16 for the laser cutter. Of a year of birth the youngest possible age counts."),
    "guardian_below_y": _("12 for the sewing machines: younger ones come with the adult named in their file."),
    "credits_per_hour": _("2: an hour takes two credits off what was bought from the team. 0: it costs none."),
    "no_show_min": _("15: a quarter of an hour after the start it goes to the next one. Empty: never by itself."),
}


def yes_no_field(label: Any, empty: str | Promise) -> forms.TypedChoiceField:
    """Yes, no, or nothing said."""
    return forms.TypedChoiceField(
        label=label,
        required=False,
        choices=[("", empty), ("True", _("yes")), ("False", _("no"))],
        coerce=lambda value: value == "True",
        empty_value=None,
    )


def mark_numbers(fields: dict[str, forms.Field]) -> None:
    """A keyboard of figures on telephones."""
    for name in NUMBER_NAMES:
        if name in fields:
            fields[name].widget.attrs |= {"inputmode": "numeric"}

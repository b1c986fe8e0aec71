"""What a fab manager asks for at a machine, and the same in sentences."""

import datetime as dt
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from iot.models import MachineAccess
from machines.length_field import LengthField, LengthWidget
from machines.models import Machine
from reservations.messages import duration_words
from reservations.rules import RISK_OF_INJURY

# The first that is offered is the second of these.
UNITS = ("s", "min", "h")
LENGTH_NAMES = ("walk_up", "idle_off_after", "warn_before")
Words = str | Promise


class AccessLengthField(LengthField):
    """In seconds, minutes or hours."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["widget"] = LengthWidget(UNITS)
        super().__init__(units=UNITS, **kwargs)


class AccessForm(forms.ModelForm):
    """Badge, button, second person; how long without a reservation; when it goes off."""

    examples = {
        "walk_up": gettext_lazy("A laser that is often free: 1 hour. With 0, only those who reserved are let in."),
        "needs_button": gettext_lazy("Worth it where a machine starts by itself: nobody is surprised by it."),
        "needs_two_people": gettext_lazy("For what nobody does alone: a large saw, a furnace."),
        "is_checked_after": gettext_lazy("A member of the team looks at it after each use and puts it back."),
        "idle_off_after": gettext_lazy("20 minutes: a forgotten machine frees itself for the next one."),
        "warn_before": gettext_lazy("5 minutes: time enough to ask for more with the badge."),
        "may_start_offline": gettext_lazy("If the network fails on a Saturday, those who reserved can still work."),
    }
    parts = (
        (gettext_lazy("To switch it on"), ("walk_up", "needs_button", "needs_two_people", "may_start_offline")),
        (gettext_lazy("When it ends"), ("warn_before", "idle_off_after", "is_checked_after")),
    )

    class Meta:
        model = MachineAccess
        fields = [
            "walk_up", "needs_button", "needs_two_people", "may_start_offline", "warn_before", "idle_off_after",
            "is_checked_after",
        ]  # fmt: skip
        field_classes = dict.fromkeys(LENGTH_NAMES, AccessLengthField)


def access_words(access: MachineAccess, machine: Machine) -> list[str]:
    """What happens at the machine, step by step, as somebody would tell it there."""
    lines = [_("Whoever may reserve the machine presents a badge, or types their phone’s code at a reader with keys.")]
    lines.append(_walk_up(access.walk_up))
    if access.needs_two_people:
        lines.append(_("Within 30 seconds a second person, who may use it too, presents a badge."))
    if access.needs_button:
        lines.append(_("Power comes once the button beside it is pressed, within 30 seconds."))
    else:
        lines.append(_("Then power comes at once."))
    if access.warn_before:
        before = {"time": duration_words(access.warn_before)}
        lines.append(_("%(time)s before the end it warns; a badge then asks for more time, if nobody waits.") % before)
    if access.idle_off_after:
        idle = {"time": duration_words(access.idle_off_after)}
        lines.append(_("It goes off once it has been idle for %(time)s. It is never cut while it works.") % idle)
    else:
        lines.append(_("It stays on until the end, and goes off once it has stopped working."))
    if access.is_checked_after:
        lines.append(_("After each use nobody can start it until somebody of the team has looked at it."))
    lines.append(_offline(access, machine))
    return lines


def _walk_up(length: dt.timedelta) -> str:
    if not length:
        return _("Without a reservation nobody is let in.")
    return _("Without a reservation they may have it for up to %(time)s, if it is free.") % {
        "time": duration_words(length)
    }


def _offline(access: MachineAccess, machine: Machine) -> str:
    if machine.risk >= RISK_OF_INJURY:
        return _("While the lab is out of reach nobody is let in: the machine is too dangerous for that.")
    if access.may_start_offline and not access.needs_two_people:
        return _("While the lab is out of reach, those with a reservation are let in for a day.")
    return _("While the lab is out of reach nobody is let in.")

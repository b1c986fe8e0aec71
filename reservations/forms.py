import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import FIRST_YEAR, LAST_YEAR, DayField
from machines.models import Machine
from machines.opening import instant_of
from people.models import Team


class TimeForm(forms.Form):
    """A day and two clock times, in the site's own time. An end before the start means the next day."""

    day = DayField(label=_("Day"))
    start = forms.TimeField(label=_("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    end = forms.TimeField(label=_("Until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    note = forms.CharField(label=_("What for? (optional)"), max_length=200, required=False)
    team = forms.ModelChoiceField(
        Team.objects.none(),
        label=_("In whose name?"),
        required=False,
        to_field_name="slug",
        empty_label=_("In my own name"),
        error_messages={"invalid_choice": _("You are in no such team.")},
    )
    # What a page offered, to the instant: clock times alone are ambiguous on the night of the autumn change, and
    # cannot say "the day after tomorrow".
    start_at = forms.DateTimeField(required=False, widget=forms.HiddenInput)
    end_at = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, machine: Machine, teams: QuerySet[Team] | None = None, is_for_another: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """`teams` are those that may be reserved as; without any, nothing is asked."""
        super().__init__(*args, **kwargs)
        self.machine = machine
        if is_for_another:
            team: Any = self.fields["team"]
            team.empty_label = _("In their own name")
            team.error_messages["invalid_choice"] = _("They are in no such team.")
        self.fields["team"].queryset = Team.objects.none() if teams is None else teams  # type: ignore[attr-defined]
        # Somebody who names a team all the same is told, rather than given a reservation of their own.
        if not self.data.get("team") and (teams is None or not teams.exists()):
            del self.fields["team"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        start, end = data.get("start"), data.get("end")
        is_typed = not (data.get("start_at") and data.get("end_at"))
        runs_alone = self.machine.booking.spans_closing
        if is_typed and start and end and (start == end or (end < start and not runs_alone)):
            self.add_error("end", _("The end comes after the start."))
        for name in ("start_at", "end_at"):
            instant = data.get(name)
            if instant is not None and not FIRST_YEAR <= instant.year <= LAST_YEAR:
                self.add_error("day", _("Choose a day from a calendar of our century."))
        return data

    def interval(self) -> tuple[dt.datetime, dt.datetime]:
        """The instants meant; call after `is_valid`."""
        zone, data = self.machine.site.zone, self.cleaned_data
        if data["start_at"] and data["end_at"]:
            return data["start_at"].astimezone(dt.UTC), data["end_at"].astimezone(dt.UTC)
        end_day = data["day"] if data["end"] > data["start"] else data["day"] + dt.timedelta(days=1)
        return (
            instant_of(data["day"], data["start"], zone),
            instant_of(end_day, data["end"], zone, is_end=True),
        )

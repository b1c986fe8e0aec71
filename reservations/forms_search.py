"""The questions of the search: how long, when, what kind. All by the address, so that it can be kept and shared."""

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField
from fablab.lib.intervals import Interval
from machines.models import Category
from machines.opening import MIDNIGHT, instant_of
from people.models import Site
from reservations.search import PARTS_OF_DAY, PartOfDay
from reservations.time_words import duration_words

LENGTHS_MIN = (30, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
SOON, TODAY, TOMORROW, WEEK, NEXT_WEEK, DATE = "soon", "today", "tomorrow", "week", "next-week", "date"
WHEN = [
    (SOON, _("In the next seven days")),
    (TODAY, _("Today")),
    (TOMORROW, _("Tomorrow")),
    (WEEK, _("This week, until Sunday")),
    (NEXT_WEEK, _("Next week")),
    (DATE, _("On a date")),
]
TIMES = [
    ("", _("Any time of day")),
    ("morning", _("In the morning, before 12:00")),
    ("afternoon", _("In the afternoon, 12:00 to 18:00")),
    ("evening", _("In the evening, from 18:00")),
]
USUAL = {"minutes": "60", "when": SOON}


class SearchForm(forms.Form):
    """What is left out of the address is as usual: an hour, in the next seven days, of any kind."""

    minutes = forms.TypedChoiceField(label=_("How long?"), coerce=int)
    when = forms.ChoiceField(label=_("When?"), choices=WHEN)
    day = DayField(label=_("Which date?"), required=False, error_messages={"required": _("Choose a date.")})
    time = forms.ChoiceField(label=_("At what time?"), choices=TIMES, required=False)
    kind = forms.ModelChoiceField(
        Category.objects.none(),
        label=_("What kind?"),
        to_field_name="slug",
        required=False,
        empty_label=_("Every kind"),
    )
    place = forms.ModelChoiceField(
        Site.objects.none(), label=_("Where?"), to_field_name="slug", required=False, empty_label=_("Everywhere")
    )
    others = forms.BooleanField(label=_("Also show what I may not use yet, and what is missing"), required=False)

    def __init__(self, data: Any, *, sites: QuerySet[Site], is_signed_in: bool) -> None:
        super().__init__({**USUAL, **data})
        # Which date is asked of those only who want one; the browser cannot know.
        self.use_required_attribute = False
        self.fields["day"].required = self.data["when"] == DATE
        self.sites = list(sites)
        lengths = [(n, duration_words(dt.timedelta(minutes=n))) for n in LENGTHS_MIN]
        self.fields["minutes"].choices = lengths  # type: ignore[attr-defined]
        kinds = Category.objects.filter(machines__retired_at=None, machines__isnull=False).distinct()
        self.fields["kind"].queryset = kinds  # type: ignore[attr-defined]
        if len(self.sites) > 1:
            self.fields["place"].queryset = sites  # type: ignore[attr-defined]
        else:
            del self.fields["place"]
        if not is_signed_in:
            del self.fields["others"]

    @property
    def duration(self) -> dt.timedelta:
        return dt.timedelta(minutes=self.cleaned_data["minutes"])

    @property
    def part_of_day(self) -> PartOfDay | None:
        return PARTS_OF_DAY.get(self.cleaned_data["time"])

    def window(self, now: dt.datetime) -> Interval:
        """When a start is wanted: whole local days of the place asked for, else of the first one; from now on."""
        site = self.cleaned_data.get("place") or next(iter(self.sites), None)
        zone = site.zone if site else dt.UTC
        today = now.astimezone(zone).date()
        first, after = _days(self.cleaned_data["when"], today, self.cleaned_data.get("day"))
        return Interval(instant_of(first, MIDNIGHT, zone), instant_of(after, MIDNIGHT, zone))  # type: ignore[arg-type]


def _days(when: str, today: dt.date, day: dt.date | None) -> tuple[dt.date, dt.date]:
    """The first day, and the day after the last."""
    one, monday = dt.timedelta(days=1), today - dt.timedelta(days=today.weekday())
    spans = {
        SOON: (today, today + 7 * one),
        TODAY: (today, today + one),
        TOMORROW: (today + one, today + 2 * one),
        WEEK: (today, monday + 7 * one),
        NEXT_WEEK: (monday + 7 * one, monday + 14 * one),
    }
    if when == DATE and day is not None:
        return day, day + one
    return spans[when]

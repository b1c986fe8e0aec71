"""Days with their year, for what is kept for years."""

import datetime as dt
from zoneinfo import ZoneInfo

from django import template
from django.utils import timezone
from django.utils.translation import gettext

from fablab.lib.day_words import date_words

register = template.Library()


@register.filter
def day_year(instant: dt.datetime, zone: ZoneInfo | None = None) -> str:
    """“12 March 2026”; without a zone, in the server's."""
    # Translators: a date format of Django.
    return date_words(timezone.localtime(instant, zone), gettext("j F Y"))


@register.filter
def last_day(end: dt.datetime, zone: ZoneInfo) -> str:
    """The last day of what holds until `end`: of a midnight, the day before it."""
    return day_year(end - dt.timedelta(microseconds=1), zone)


@register.filter
def clock_seconds(instant: dt.datetime, zone: ZoneInfo) -> str:
    """“14:03:20”: for what is over within a minute."""
    return instant.astimezone(zone).strftime("%H:%M:%S")

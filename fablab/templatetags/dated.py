"""Days with their year, for what is kept for years."""

import datetime as dt
from zoneinfo import ZoneInfo

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext

register = template.Library()


@register.filter
def day_year(instant: dt.datetime, zone: ZoneInfo) -> str:
    """“12 March 2026”."""
    # Translators: a date format of Django.
    return date_format(instant.astimezone(zone), gettext("j F Y"))


@register.filter
def last_day(end: dt.datetime, zone: ZoneInfo) -> str:
    """The last day of what holds until `end`: of a midnight, the day before it."""
    return day_year(end - dt.timedelta(microseconds=1), zone)

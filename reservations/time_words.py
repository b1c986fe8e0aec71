"""Lengths and moments as people say them, in the reader's language."""

import datetime as dt

from django.utils.translation import gettext, ngettext

from fablab.lib.day_words import date_words


def duration_words(duration: dt.timedelta) -> str:
    """“1 h 30”, “45 min”, “2 days”, “20 s”."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    if minutes == 0 and seconds:
        return gettext("%(seconds)d s") % {"seconds": seconds}
    if minutes >= 2 * 24 * 60 and minutes % (24 * 60) == 0:
        days = minutes // (24 * 60)
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
    if minutes < 60:
        return gettext("%(minutes)d min") % {"minutes": minutes}
    hours, rest = divmod(minutes, 60)
    if rest:
        return gettext("%(hours)d h %(minutes)02d") % {"hours": hours, "minutes": rest}
    return gettext("%(hours)d h") % {"hours": hours}


def day_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    """“Tuesday 12 March”."""
    # Translators: a date format of Django; French wants "l j F".
    return date_words(instant.astimezone(zone), gettext("l j F"))


def moment_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    """“Tuesday 12 March, 14:00”."""
    return f"{day_words(instant, zone)}, {clock_words(instant, zone)}"


def near_day_words(instant: dt.datetime, zone: dt.tzinfo, now: dt.datetime) -> str:
    """“today”, “tomorrow”, else “Tuesday 12 March”."""
    days = (instant.astimezone(zone).date() - now.astimezone(zone).date()).days
    return {0: gettext("today"), 1: gettext("tomorrow")}.get(days) or day_words(instant, zone)


def clock_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    return instant.astimezone(zone).strftime("%H:%M")

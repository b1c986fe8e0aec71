"""Lengths and moments as people say them, in the reader's language."""

import datetime as dt

from django.utils.translation import gettext, ngettext

from fablab.lib.day_words import date_words

MOMENT = dt.timedelta(microseconds=1)
MIDNIGHT = "00:00"


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


def short_day_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    """“Tue 12 Mar”."""
    # Translators: a date format of Django.
    return date_words(instant.astimezone(zone), gettext("D j M"))


def moment_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    """“Tuesday 12 March, 14:00”."""
    return f"{day_words(instant, zone)}, {clock_words(instant, zone)}"


def near_day_words(instant: dt.datetime, zone: dt.tzinfo, now: dt.datetime) -> str:
    """“today”, “tomorrow”, else “Tuesday 12 March”."""
    days = (instant.astimezone(zone).date() - now.astimezone(zone).date()).days
    return {0: gettext("today"), 1: gettext("tomorrow")}.get(days) or day_words(instant, zone)


def clock_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    return instant.astimezone(zone).strftime("%H:%M")


def from_to_words(start: dt.datetime, end: dt.datetime, zone: dt.tzinfo, *, now: dt.datetime | None = None) -> str:
    """“14:00 – 16:00”, “22:00 – 24:00”, and over midnight “22:00 – 02:00 (Wed 13 Mar)”; with `now` “(tomorrow)”.

    The one way in which pages and messages say a time whose day stands before it.
    """
    return f"{clock_words(start, zone)} – {until_words(start, end, zone, now=now)}"


def until_words(start: dt.datetime, end: dt.datetime, zone: dt.tzinfo, *, now: dt.datetime | None = None) -> str:
    """The end of what begins at `start`: the day is named where it is another; midnight ends a day, as 24:00."""
    clock = clock_words(end, zone)
    if clock == MIDNIGHT:
        # In UTC: two moments of one zone are told apart by the wall clock.
        clock, end = "24:00", end.astimezone(dt.UTC) - MOMENT
    if _is_one_day(start, end, zone):
        return clock
    return f"{clock} ({near_day_words(end, zone, now) if now else short_day_words(end, zone)})"


def both_ends_words(start: dt.datetime, end: dt.datetime, zone: dt.tzinfo) -> dict[str, str]:
    """`start` and `end` for a sentence that names no day: both with theirs where it is not one and the same."""
    since = clock_words(start, zone)
    if not _is_one_day(start, end.astimezone(dt.UTC) - MOMENT, zone):
        since = f"{since} ({short_day_words(start, zone)})"
    return {"start": since, "end": until_words(start, end, zone)}


def _is_one_day(first: dt.datetime, last: dt.datetime, zone: dt.tzinfo) -> bool:
    return first.astimezone(zone).date() == last.astimezone(zone).date()

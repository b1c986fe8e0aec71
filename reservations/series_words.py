"""The rule of a series in words: “every two weeks on Tuesday, until 7 April 2026”."""

import datetime as dt
from collections.abc import Mapping

from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.text import get_text_list
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_words import date_words
from reservations.series_dates import WEEKDAYS, rule_parts

LAST = "-1"
ORDINALS = {
    "1": _("the first %(day)s of the month"),
    "2": _("the second %(day)s of the month"),
    "3": _("the third %(day)s of the month"),
    "4": _("the fourth %(day)s of the month"),
    LAST: _("the last %(day)s of the month"),
}


def rule_words(rule: str) -> str:
    """The rule as people say it; a rule written by a program in a way we do not say stays as it is."""
    try:
        parts = rule_parts(rule)
        words = [_often(parts), _when(parts), _until(parts)]
    except (ValueError, KeyError):
        return rule
    return ", ".join(word for word in words if word)


def _often(parts: Mapping[str, str]) -> str:
    number = int(parts.get("INTERVAL", "1"))
    said = {
        "DAILY": ngettext("every day", "every %(number)d days", number),
        "WEEKLY": ngettext("every week", "every %(number)d weeks", number),
        "MONTHLY": ngettext("every month", "every %(number)d months", number),
    }[parts["FREQ"]]
    return said % {"number": number}


def _when(parts: Mapping[str, str]) -> str:
    if "BYMONTHDAY" in parts:
        return gettext("on day %(day)s of the month") % {"day": parts["BYMONTHDAY"]}
    days = parts["BYDAY"].split(",") if "BYDAY" in parts else []
    if parts["FREQ"] == "MONTHLY":
        return ", ".join(str(ORDINALS[day[:-2]]) % {"day": _weekday(day[-2:])} for day in days)
    names = get_text_list([_weekday(day) for day in days], gettext("and"))
    return gettext("on %(days)s") % {"days": names} if names else ""


def _weekday(code: str) -> str:
    return str(WEEKDAY_NAMES[WEEKDAYS.index(code)])


def _until(parts: Mapping[str, str]) -> str:
    if "COUNT" in parts:
        number = int(parts["COUNT"])
        return ngettext("once", "%(number)d times", number) % {"number": number}
    day = dt.date.fromisoformat(parts["UNTIL"][:8])
    return gettext("until %(day)s") % {"day": date_words(day, "j F Y")}

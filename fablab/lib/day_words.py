"""Days as words, in the reader's language. The one place where a day becomes words: French counts the first apart."""

import datetime as dt

from django.utils.formats import date_format
from django.utils.translation import get_language

# “1er” as Django's date formats spell it: what they would read as a part of the date stands escaped.
_FRENCH_FIRST = r"1\e\r"


def date_words(day: dt.date, pattern: str) -> str:
    """The day as Django's date format `pattern` has it; in French “1er décembre”, and “2 décembre” after it.

    An aware datetime is taken as it stands: bring it to the site's zone first.
    """
    if day.day == 1 and (get_language() or "").startswith("fr"):
        pattern = pattern.replace("j", _FRENCH_FIRST)
    return date_format(day, pattern)

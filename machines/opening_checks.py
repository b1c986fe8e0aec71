"""Which ranges of a day make sense. Pure."""

from collections.abc import Sequence
from itertools import pairwise

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from machines.opening import MIDNIGHT, Range


def check_ranges(ranges: Sequence[Range]) -> None:
    """Refuse ranges of one day that end before they begin, or that overlap; 00:00 as an end is midnight.

    Raises:
        ValidationError: with the sentence for the reader.
    """
    for opens, closes in ranges:
        if closes != MIDNIGHT and closes <= opens:
            raise ValidationError(_("The closing time comes after the opening time; midnight is 00:00."))
    ordered = sorted(ranges)
    for (_opens, closes), (next_opens, _closes) in pairwise(ordered):
        if closes == MIDNIGHT or next_opens < closes:
            raise ValidationError(_("Two ranges of a day overlap: let the second begin when the first has ended."))

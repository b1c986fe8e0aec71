"""Badge numbers: never kept. What is kept is a keyed hash, useless without this installation's secret."""

import hashlib
import hmac
import re

from django.conf import settings

PREFIX = "hmac:"
# Readers write the same number as 04:A2:…, 04 a2 … or 04a2….
_BETWEEN = re.compile(r"[\s:.-]+")


def badge_digest(number: str) -> str:
    """The mark of a badge: 64 hexadecimal digits, the same however the reader writes the number."""
    plain = _BETWEEN.sub("", number).casefold()
    # Badges have few digits: without a key, trying all of them would take minutes.
    return hmac.new(settings.SECRET_KEY.encode(), f"badge:{plain}".encode(), hashlib.sha256).hexdigest()


def masked_badge(number: str) -> str:
    """What stands in a stored message instead of the number.

    A number that looks like a mark is hashed like any other: who has read a mark cannot present it as a badge.
    """
    return PREFIX + badge_digest(number)


def digest_in(mark: str) -> str:
    """The digest that a stored message's mark holds; empty for what is no mark."""
    return mark.removeprefix(PREFIX) if mark.startswith(PREFIX) else ""

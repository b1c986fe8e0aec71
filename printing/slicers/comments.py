"""The `; key = value` comments of G-code, and the numbers, durations and lists in them."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

Comments = Mapping[str, str]

# PrusaSlicer and its kin write "; key = value", Bambu "; key : value", Cura ";KEY:value".
# Possessive (`*+`): a line of 256 kB of blanks is looked at once, not once from each of its blanks.
_COMMENT = re.compile(r"^;([^=:;\n]*+)[=:]([^\n]*+)", re.MULTILINE)
_DURATION = re.compile(r"(?:\d{1,9}\s*[dhms]\s*)+")
_DURATION_PART = re.compile(r"(\d{1,9})\s*([dhms])")
_UNIT_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
# Longer than any print: a value beyond it is a misreading.
LONGEST = timedelta(days=60)
LARGEST_NUMBER = 1e9
LONGEST_WORDS = 40
LONGEST_KEY = 80
LONGEST_NAME = 80


def read_comments(head: str, tail: str) -> Comments:
    """Every `key = value` comment by its lower-case key; the end of the file wins, then the first seen."""
    found: dict[str, str] = {}
    for text in (tail, head):
        add_pairs(found, _COMMENT.finditer(text))
    return found


def add_pairs(found: dict[str, str], matches: Iterable[re.Match[str]]) -> None:
    """Put the key and the value of each match, stripped, into `found`; what is there already stays."""
    for match in matches:
        key = match[1].strip().lower()
        if 0 < len(key) <= LONGEST_KEY:
            found.setdefault(key, match[2].strip())


def parse_duration(text: str) -> timedelta | None:
    """`1d 6h 22m 24s` as a timedelta; None when it is not one, is zero or exceeds 60 days."""
    if not _DURATION.fullmatch(text.strip()):
        return None
    total_s = sum(int(amount) * _UNIT_S[unit] for amount, unit in _DURATION_PART.findall(text))
    return timedelta(seconds=total_s) if 0 < total_s <= LONGEST.total_seconds() else None


def numbers(text: str) -> list[float]:
    """The numbers of a list separated by commas or semicolons; empty if any part is no sensible number."""
    values: list[float] = []
    for part in re.split(r"[,;]", text):
        try:
            value = float(part)
        except ValueError:
            return []
        if not math.isfinite(value) or not 0 <= value <= LARGEST_NUMBER:
            return []
        values.append(value)
    return values


def single_total(text: str) -> float | None:
    """The sum of a list of numbers; None when it is no list, or zero (slicers write 0 for unknown)."""
    return round(sum(numbers(text)), 3) or None


def first_number(comments: Comments, *keys: str) -> float | None:
    """The first number above zero under the first key that has one."""
    for key in keys:
        values = numbers(comments.get(key, ""))
        if values and values[0] > 0:
            return values[0]
    return None


def words(text: str) -> str:
    """A list of names (`PLA;PLA;PETG`) as `PLA, PETG`: each once, in order, 40 plain characters at most."""
    parts = (re.sub(r"[^A-Za-z0-9 +_-]", "", part).strip() for part in re.split(r"[,;]", text))
    return ", ".join(dict.fromkeys(part for part in parts if part))[:LONGEST_WORDS]


def whole_number(comments: Comments, most: int, *keys: str) -> int | None:
    """The first number of 1 to `most` without a fraction under the first key that has one."""
    for key in keys:
        value = first_number(comments, key)
        if value is not None and value.is_integer() and value <= most:
            return int(value)
    return None


def short_name(text: str) -> str:
    """The name of a printer or a profile without quotation marks: 80 characters on one line at most."""
    shown = "".join(character for character in text[: LONGEST_NAME * 4] if character.isprintable())
    return shown.strip().strip('"').strip()[:LONGEST_NAME].rstrip()

"""Whether two people are likely the same one, told by names, year of birth and town. Pure: no database."""

import re
from dataclasses import dataclass
from enum import IntEnum

from people.models.person import sort_key

# Letters that no decomposition takes apart.
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
# How names of these parts are heard: what is written in several ways becomes one.
_HEARD = tuple((re.compile(pattern), instead) for pattern, instead in (
    (r"[^a-z]", ""),
    (r"^h", ""), (r"(?<![csp])h", ""), (r"ph", "f"), (r"sch|sh|ch", "x"),
    (r"aul[td]s?$|eau|au", "o"), (r"ai|ei|ay|ey", "e"), (r"y", "i"), (r"ou|oo|w", "u"),
    (r"an|en|em|am", "a"), (r"in|im", "i"),
    (r"qu|q|ck|c(?=[aoulr]|$)", "k"), (r"c", "s"), (r"z", "s"), (r"g(?=[eiy])", "j"), (r"v", "f"),
    (r"(.)\1+", r"\1"),
    (r"(?<=..)[stdxpe]+$", ""),
))  # fmt: skip
SHORT_NAME = 5


class Likeness(IntEnum):
    """How alike two people are."""

    NONE = 0
    NEAR = 1
    SAME = 2


@dataclass(frozen=True, slots=True)
class Described:
    """Who somebody is, in four fields."""

    first_name: str
    last_name: str
    birth_year: int | None = None
    town: str = ""


def plain(text: str) -> str:
    """Letters and digits in lower case without accents, one space between words."""
    return " ".join(re.findall(r"[a-z0-9]+", sort_key(text).translate(_LIGATURES)))


def heard(name: str) -> str:
    """A key that is equal for names that sound alike: “Cathy” and “Kati”, “Philippe” and “Filipe”."""
    key = plain(name).replace(" ", "")
    for pattern, instead in _HEARD:
        key = pattern.sub(instead, key)
    return key


def distance(a: str, b: str, most: int) -> int:
    """Letters to add, drop, change or swap with their neighbour to come from one to the other; `most` + 1 and no
    further when there are more."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            steps = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                steps = min(steps, before[j - 2] + 1)
            row.append(steps)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return last[-1]


def likeness(one: Described, other: Described) -> Likeness:
    """SAME: the same names and nothing against it. NEAR: names a slip of the pen apart, or the same ones with another
    year in the same town. Nothing else is worth asking about: families share a name, and villages a few of them.
    """
    years = _years_apart(one, other)
    is_same_town = bool(one.town and other.town) and plain(one.town) == plain(other.town)
    is_other_town = bool(one.town and other.town) and not is_same_town
    # Names take longest, and most people differ by more than a year.
    if years is not None and years > 1 and not is_same_town:
        return Likeness.NONE
    names = _names_likeness(one, other)
    if names == Likeness.NONE or years == 0:
        return names
    if years is None:
        return Likeness.NEAR if is_other_town else names
    if years == 1 or (names == Likeness.SAME and is_same_town):
        return Likeness.NEAR
    return Likeness.NONE


def _years_apart(one: Described, other: Described) -> int | None:
    """None when one of the years is not known; two digits swapped count as one year."""
    if one.birth_year is None or other.birth_year is None:
        return None
    if any(_swapped(one.birth_year, at) == other.birth_year for at in range(3)):
        return 0 if one.birth_year == other.birth_year else 1
    return abs(one.birth_year - other.birth_year)


def _swapped(year: int, at: int) -> int:
    digits = str(year)
    return int(digits[:at] + digits[at : at + 2][::-1] + digits[at + 2 :])


def _names_likeness(one: Described, other: Described) -> Likeness:
    """The better one of the names in their order and the other way round."""
    first, last = plain(one.first_name), plain(one.last_name)
    theirs = plain(other.first_name), plain(other.last_name)
    straight = _both_alike((last, theirs[1]), (first, theirs[0]))
    return straight or _both_alike((last, theirs[0]), (first, theirs[1]))


def _both_alike(one: tuple[str, str], other: tuple[str, str]) -> Likeness:
    """The lesser of the two; the second is not looked at when the first settles it."""
    return min(found, _alike(*other)) if (found := _alike(*one)) else found


def _alike(a: str, b: str) -> Likeness:
    if a == b:
        return Likeness.SAME
    if not a or not b:
        return Likeness.NONE
    if a.replace(" ", "") == b.replace(" ", ""):
        return Likeness.SAME
    # One of two first names or of two family names, as when somebody marries.
    if set(a.split()) <= set(b.split()) or set(b.split()) <= set(a.split()):
        return Likeness.NEAR
    if _differ_by_an_ending(a, b):
        return Likeness.NONE
    most = 1 if min(len(a), len(b)) <= SHORT_NAME else 2
    if distance(a, b, most) <= most:
        return Likeness.NEAR
    # A name heard as another one never has twice its letters; asking costs a score of replacements.
    if max(len(a), len(b)) > 2 * min(len(a), len(b)):
        return Likeness.NONE
    return Likeness.NEAR if len(key := heard(a)) > 1 and key == heard(b) else Likeness.NONE


def _differ_by_an_ending(a: str, b: str) -> bool:
    """Louis and Louise, Paul and Paula are two people, often of one family."""
    short, long = sorted((a, b), key=len)
    return len(long) == len(short) + 1 and long.startswith(short) and long[-1] in "ae"

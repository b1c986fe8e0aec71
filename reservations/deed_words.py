"""The history of a reservation as sentences: who did what, for whom, why, and which rules were set aside."""

import datetime as dt
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from machines.models import Machine
from people.models import Person
from reservations.models import Deed
from reservations.rule_names import names_of
from reservations.time_words import day_words, from_to_words

Kind = Deed.Kind
# Of who comes a deed keeps how many they were, and never who: it outlives everybody.
PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class DeedLine:
    """One thing done: when, what, by whom (empty: by the clock or a device), for whom, why, what was set aside.

    `change` says of a move from where to where.
    """

    at: dt.datetime
    what: str
    change: str
    by: str
    behalf_of: str
    why: str
    set_aside: list[str]


def deed_lines(
    deeds: Iterable[Deed],
    *,
    reader: Person,
    is_team: bool,
    zone: dt.tzinfo,
    companions: Container[int] = (),
) -> list[DeedLine]:
    """The history as this reader is told it: the team reads names, the holder reads “the team”. Two queries at most.

    `companions` are the keys of those who come beside the holder.
    """
    found = list(deeds)
    changes = _changes(found, zone)
    return [
        DeedLine(
            deed.at,
            _what(deed),
            changes.get(deed.pk, ""),
            _by(deed.by, deed, reader, is_team, companions),
            str(deed.behalf_of) if deed.behalf_of is not None and is_team else "",
            deed.why,
            names_of(deed.overridden),
        )
        for deed in found
    ]


def _what(deed: Deed) -> str:
    if PEOPLE in deed.before:
        return gettext("Who comes was changed")
    if "settled" in deed.before:
        is_kept = deed.before["settled"] == "keep"
        return gettext("Kept, although it no longer fits") if is_kept else gettext("Asked to choose another time")
    return str(WORDS[Kind(deed.kind)]())


def _changes(deeds: list[Deed], zone: dt.tzinfo) -> dict[int, str]:
    """Of each move, by key: what it was before, and what the next one found, or what it is now."""
    moves = [deed for deed in deeds if "start" in deed.before]
    if not moves:
        return {}
    slugs = {deed.before["machine"] for deed in moves} - {None}
    now = moves[-1].reservation
    names = dict(Machine.objects.filter(slug__in=slugs).values_list("slug", "name"))
    # The machine is named only where it has changed.
    known = names if set(names) - {now.machine.slug if now.machine else ""} else {}
    places = [_place_before(deed, known, zone) for deed in moves]
    places.append(_place_words(now.what if known else "", now.booked_start, now.booked_end, zone))
    return {
        deed.pk: gettext("from %(before)s to %(after)s") % {"before": before, "after": after}
        for deed, before, after in zip(moves, places, places[1:], strict=False)
    }


def _place_before(deed: Deed, names: dict[str, str], zone: dt.tzinfo) -> str:
    start, end = (dt.datetime.fromisoformat(deed.before[name]) for name in ("start", "end"))
    slug = deed.before["machine"] or ""
    return _place_words(names.get(slug, ""), start, end, zone)


def _place_words(what: str, start: dt.datetime, end: dt.datetime, zone: dt.tzinfo) -> str:
    # A line does not break before the end of the time.
    times = from_to_words(start, end, zone).replace(" – ", "\N{NO-BREAK SPACE}–\N{NO-BREAK SPACE}")
    words = f"{day_words(start, zone)}, {times}"
    return f"{what}, {words}" if what else words


def _by(person: Person | None, deed: Deed, reader: Person, is_team: bool, companions: Container[int]) -> str:
    if person is None:
        return ""
    if person == reader:
        return gettext("by you")
    is_holder = deed.behalf_of_id is None
    if person.pk in companions:
        return gettext("by %(name)s, who comes too") % {"name": person if is_team else person.get_short_name()}
    if is_team:
        words = gettext("by %(name)s") if is_holder else gettext("by %(name)s, of the team")
        return words % {"name": person}
    return gettext("by the holder") if is_holder else gettext("by the team")


WORDS: dict[Kind, Callable[[], Any]] = {
    Kind.MADE: lambda: gettext("Reserved"),
    Kind.ASKED: lambda: gettext("Asked for"),
    Kind.OFFERED: lambda: gettext("Offered from the waiting list"),
    Kind.ACCEPTED: lambda: gettext("Offer accepted"),
    Kind.APPROVED: lambda: gettext("Approved"),
    Kind.REFUSED: lambda: gettext("Refused"),
    Kind.MOVED: lambda: gettext("Moved"),
    Kind.CHANGED: lambda: gettext("Changed"),
    Kind.CHECKED_IN: lambda: gettext("Checked in"),
    Kind.ASKED_WHERE: lambda: gettext("Asked whether somebody comes"),
    Kind.ANSWERED: lambda: gettext("“I am coming”: ten more minutes"),
    Kind.STAYS: lambda: gettext("“I go on”: the time stays theirs"),
    Kind.NO_SHOW: lambda: gettext("Freed for others: nobody came"),
    Kind.FINISHED: lambda: gettext("Finished"),
    Kind.CANCELLED: lambda: gettext("Cancelled"),
    Kind.EXPIRED: lambda: gettext("Ran out: nobody answered in time"),
}

"""How the words of notices about reservations are made of what was written down with them."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from people.notices import Words
from reservations.time_words import clock_words, moment_words, until_words

Params = Mapping[str, Any]


def _facts(params: Params) -> dict[str, str]:
    zone = ZoneInfo(params["zone"])
    start, end = dt.datetime.fromisoformat(params["start"]), dt.datetime.fromisoformat(params["end"])
    until = params.get("until")
    return {
        "what": params.get("what") or params.get("machine") or "",
        "moment": moment_words(start, zone),
        "end": until_words(start, end, zone),
        "end_clock": clock_words(end, zone),
        "due": moment_words(end, zone),
        "why": (params.get("why") or "").rstrip("."),
        "twin": params.get("twin") or "",
        "until": clock_words(dt.datetime.fromisoformat(until), zone) if until else "",
        "days": ", ".join(moment_words(dt.datetime.fromisoformat(text), zone) for text in params.get("starts", ())),
    }


def words_of(subject: str, body: str, *, with_why: str = "", says_due: bool = False) -> Callable[[Params], Words]:
    """`with_why` is added when somebody wrote a reason; with `says_due`, of what leaves the place, when it is due."""

    def words(params: Params) -> Words:
        facts = _facts(params)
        text = gettext(body) % facts
        if says_due and params.get("is_lent"):
            due = gettext("Bring it back: %(due)s.") % facts
            text = f"{text} {due}"
        if with_why and facts["why"]:
            text = f"{text} {gettext(with_why) % facts}"
        return Words(gettext(subject) % facts, text)

    return words


def instant_of(name: str) -> Callable[[Params], dt.datetime | None]:
    """When it is over: nobody needs to hear of it later."""

    def over_at(params: Params) -> dt.datetime | None:
        text = params.get(name)
        return dt.datetime.fromisoformat(text) if text else None

    return over_at

"""Refusals said to the team about somebody else: what is theirs is said of them, and the next step is the team's."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.utils.translation import get_language, gettext

from fablab.lib.denials import Denial
from machines.models.qualification import Level
from people.models import Person
from reservations.messages import Sentence, day_words, duration_words, sentence_of
from reservations.messages_of_people import amount_words, limit_words
from reservations.rules import Code, QuotaFact
from reservations.time_words import both_ends_words

Params = Any


def sentence_about(denial: Denial, person: Person) -> Sentence:
    """The refusal as the team reads it; what does not concern the person is said as to anybody."""
    words = WORDS.get(Code(denial.code))
    # Of those who come along it is said by name to everybody.
    if words is None or "who" in denial.params:
        return sentence_of(denial)
    message, next_step = words(str(person), denial.params)
    return Sentence(str(denial.code), message, next_step)


def _suspended(name: str, p: Params) -> tuple[str, str]:
    """Without the reason: whoever reads it opens the file, where the reading is written down."""
    if not p["end"]:
        return gettext("%(name)s may not reserve for now.") % {"name": name}, gettext("Their file says why.")
    # Of a midnight, the day before it is the last.
    last = day_words(p["end"] - dt.timedelta(microseconds=1), p["zone"])
    message = gettext("%(name)s may not reserve until %(day)s included.") % {"name": name, "day": last}
    return message, gettext("Their file says why.")


def _person_busy(name: str, p: Params) -> tuple[str, str]:
    facts = {
        "name": name,
        "machine": p["machine"],
        **both_ends_words(p["start"], p["end"], p["zone"]),
    }
    return (
        gettext("%(name)s already has %(machine)s from %(start)s to %(end)s, and both need them there.") % facts,
        gettext("Choose another time, or cancel the other reservation."),
    )


def _qualification(name: str, p: Params) -> dict[str, str]:
    language = "en" if get_language() == "en" else "fr"
    return {"name": name, "what": p[f"name_{language}"], "level": str(Level(p["level"]).label)}


def _qualification_missing(name: str, p: Params) -> tuple[str, str]:
    message = gettext("%(name)s does not have the qualification “%(what)s” that this machine needs.")
    return message % _qualification(name, p), _after_the_induction()


def _qualification_expired(name: str, p: Params) -> tuple[str, str]:
    last = day_words(p["expired_at"] - dt.timedelta(microseconds=1), p["zone"])
    message = gettext("%(name)s’s qualification “%(what)s” ended on %(day)s.")
    return message % (_qualification(name, p) | {"day": last}), _after_the_induction()


def _qualification_level(name: str, p: Params) -> tuple[str, str]:
    message = gettext("%(name)s does not have “%(what)s” at the level “%(level)s” that this machine needs.")
    return message % _qualification(name, p), _after_the_induction()


def _after_the_induction() -> str:
    return gettext("Give it once they have had the induction.")


def _rules_unsigned(name: str, p: Params) -> tuple[str, str]:
    facts = {"name": name, "of": p["of"]}
    message = gettext("%(name)s has not agreed to the rules of %(of)s yet.") % facts
    return message, gettext("They sign in their own pages, or on paper before you.")


def _quota(name: str, p: Params) -> tuple[str, str]:
    quota: QuotaFact = p["quota"]
    facts = {"name": name, "limit": limit_words(quota), "held": amount_words(quota.measure, quota.held)}
    message = gettext("%(name)s may hold at most %(limit)s, and holds %(held)s already.") % facts
    if quota.period == "to_come":
        return message, gettext("Use or cancel one first.")
    return message, gettext("Ask for less, or choose another time.")


def _too_many_open(name: str, p: Params) -> tuple[str, str]:
    if "rest" not in p:
        return _quota(name, p)
    facts = {
        "rest": duration_words(p["rest"]),
        **both_ends_words(p["start"], p["end"], p["zone"]),
    }
    message = gettext(
        "Between two reservations of this kind %(rest)s are left to others; theirs is from %(start)s to %(end)s."
    )
    return message % facts, gettext("Choose a time that lies further away from it.")


WORDS: dict[Code, Callable[[str, Params], tuple[str, str]]] = {
    Code.SUSPENDED: _suspended,
    Code.PERSON_BUSY: _person_busy,
    Code.QUALIFICATION_MISSING: _qualification_missing,
    Code.QUALIFICATION_EXPIRED: _qualification_expired,
    Code.QUALIFICATION_LEVEL: _qualification_level,
    Code.RULES_UNSIGNED: _rules_unsigned,
    Code.QUOTA_EXCEEDED: _quota,
    Code.TOO_MANY_OPEN: _too_many_open,
}

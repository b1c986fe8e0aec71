"""Refusals about people as sentences, each with its next step: see messages.py."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.utils.translation import get_language, gettext, ngettext

from fablab.lib.intervals import Interval
from reservations.rule_facts import Code, QuotaFact
from reservations.time_words import both_ends_words, clock_words, day_words, duration_words

Params = Any
MINUTES = "minutes"


def _rules_unsigned(p: Params) -> tuple[str, str]:
    return (
        gettext("You have not agreed to the rules of %(of)s yet.") % {"of": p["of"]},
        gettext("Read them under “My rules to sign”, and say yes."),
    )


def _age_limit(p: Params) -> tuple[str, str]:
    least = {"age": p["least_age_y"]}
    if not p["is_known"]:
        return (
            gettext("This machine is for people of %(age)s and over, and we do not know the year of birth.") % least,
            gettext("Ask the team to write it down."),
        )
    return (
        gettext("This machine is for people of %(age)s and over.") % least,
        gettext("Come with somebody older, who reserves it."),
    )


def _guardian_required(p: Params) -> tuple[str, str]:
    return (
        gettext("Below %(age)s years this machine wants the responsible adult there.") % {"age": p["below_y"]},
        gettext("Name them as somebody who comes along, or ask the team."),
    )


def _membership_required(p: Params) -> tuple[str, str]:
    return gettext("This machine is for people with a plan."), gettext("Ask the team which plan suits you.")


def _supervision_required(p: Params) -> tuple[str, str]:
    duty: Interval | None = p["duty"]
    message = gettext("Nobody of the team is there to watch over this machine then.")
    if p.get("is_start"):
        return message, gettext("Somebody of the team checks in first; then it can start.")
    if duty is None:
        return message, gettext("Ask the team when somebody will be.")
    hours = {
        "day": day_words(duty.start, p["zone"]),
        "begins": clock_words(duty.start, p["zone"]),
        "ends": clock_words(duty.end, p["zone"]),
    }
    return message, gettext("Somebody is there %(day)s, %(begins)s–%(ends)s.") % hours


def amount_words(measure: str, amount: int) -> str:
    """“6 h”, or “3 reservations”."""
    if measure == MINUTES:
        return duration_words(dt.timedelta(minutes=amount)) if amount else gettext("0 h")
    return ngettext("%(n)d reservation", "%(n)d reservations", amount) % {"n": amount}


def limit_words(quota: QuotaFact) -> str:
    """“6 h a week on Laser cutters, in peak hours”."""
    periods = {
        "day": gettext("a day"),
        "week": gettext("a week"),
        "month": gettext("a month"),
        "year": gettext("a year"),
        "to_come": gettext("to come"),
    }
    words = f"{amount_words(quota.measure, quota.most)} {periods[quota.period]}"
    name = quota.names.get("en" if get_language() == "en" else "fr")
    if name:
        words = gettext("%(limit)s on %(names)s") % {"limit": words, "names": name}
    return gettext("%(limit)s, in peak hours") % {"limit": words} if quota.is_peak_only else words


def _quota(p: Params) -> tuple[str, str]:
    quota: QuotaFact = p["quota"]
    facts = {"limit": limit_words(quota), "held": amount_words(quota.measure, quota.held), "who": p.get("who", "")}
    if p.get("who"):
        message = gettext("With this, %(who)s would hold more than %(limit)s.") % facts
        return message, gettext("Ask for less, come without them, or ask the team.")
    message = gettext("You may hold at most %(limit)s, and hold %(held)s already.") % facts
    if quota.period == "to_come":
        return message, gettext("Use or cancel one first, or ask the team.")
    return message, gettext("Ask for less, choose another time, or ask the team.")


def _too_many_open(p: Params) -> tuple[str, str]:
    if "rest" not in p:
        return _quota(p)
    facts = {
        "rest": duration_words(p["rest"]),
        **both_ends_words(p["start"], p["end"], p["zone"]),
    }
    return (
        gettext(
            "Between two reservations of this kind %(rest)s are left to others; yours is from %(start)s to %(end)s."
        )
        % facts,
        gettext("Choose a time that lies further away from it."),
    )


def _credit_exhausted(p: Params) -> tuple[str, str]:
    facts = {"wanted": p["wanted"], "left": p["left"]}
    return (
        gettext("That takes %(wanted)s credits, and %(left)s are left.") % facts,
        gettext("Ask the team for more, or reserve for less time."),
    )


WORDS_OF_PEOPLE: dict[Code, Callable[[Params], tuple[str, str]]] = {
    Code.RULES_UNSIGNED: _rules_unsigned,
    Code.AGE_LIMIT: _age_limit,
    Code.GUARDIAN_REQUIRED: _guardian_required,
    Code.MEMBERSHIP_REQUIRED: _membership_required,
    Code.SUPERVISION_REQUIRED: _supervision_required,
    Code.QUOTA_EXCEEDED: _quota,
    Code.TOO_MANY_OPEN: _too_many_open,
    Code.CREDIT_EXHAUSTED: _credit_exhausted,
}

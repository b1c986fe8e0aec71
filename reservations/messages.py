"""Refusals as sentences, in the reader's language, each with its next step. The only place where codes become words."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models.booking_settings import Attendance
from machines.models.outage import Outage
from machines.models.qualification import Level
from reservations.messages_of_people import WORDS_OF_PEOPLE
from reservations.next_steps import NextStep
from reservations.rules import Code
from reservations.time_words import both_ends_words, clock_words, day_words, duration_words, moment_words

__all__ = [
    "STATE_WORDS", "WORDS", "Sentence", "clock_words", "day_words", "duration_words", "moment_words", "sentence_of",
]  # fmt: skip

Params = Any


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is wrong, and what to do about it; `way` leads there where a page can."""

    code: str
    message: str
    next_step: str
    way: NextStep | None = None


def sentence_of(denial: Denial) -> Sentence:
    """The refusal in words."""
    message, next_step = WORDS[Code(denial.code)](denial.params)
    return Sentence(str(denial.code), message, next_step)


def _closed(p: Params) -> tuple[str, str]:
    opening: Interval | None = p["opening"]
    if p.get("lent") == "end":
        return gettext("It is brought back while we are open."), _when_to_bring_back(p)
    if opening is None:
        return gettext("We are closed then."), gettext("Choose another day.")
    hours = {
        "day": day_words(opening.start, p["zone"]),
        "opens": clock_words(opening.start, p["zone"]),
        "closes": clock_words(opening.end, p["zone"]),
    }
    if p.get("lent") == "start":
        message = gettext("It is fetched while we are open.")
        return message, gettext("Open %(day)s, %(opens)s–%(closes)s.") % hours
    message = (
        gettext("We are closed at that start. The machine may run on after closing, but you must be here to start it.")
        if p["attendance"] == Attendance.START
        else gettext("We are not open for all of that time.")
    )
    return message, gettext("Open %(day)s, %(opens)s–%(closes)s.") % hours


def _when_to_bring_back(p: Params) -> str:
    moments = {name: moment_words(p[name], p["zone"]) for name in ("before", "after") if p[name]}
    if len(moments) == 2:
        return gettext("Choose an end until %(before)s, or from %(after)s on.") % moments
    if "before" in moments:
        return gettext("Choose an end until %(before)s.") % moments
    if "after" in moments:
        return gettext("Choose an end from %(after)s on.") % moments
    return gettext("Choose another day.")


def _machine_unavailable(p: Params) -> tuple[str, str]:
    reason, is_elsewhere = p["reason"], p.get("kind") == Outage.Kind.ELSEWHERE
    if what := p.get("what"):
        if is_elsewhere:
            message = gettext("%(what)s is taken in another calendar then.") % {"what": what}
            return message, gettext("Leave it out, or choose another time.")
        message = gettext("%(what)s is out of service.") % {"what": what}
        return message, gettext("Leave it out, or choose another time.")
    if part := p.get("part"):
        if is_elsewhere:
            message = gettext("%(part)s goes with it, and is taken in another calendar then.") % {"part": part}
            return message, gettext("Choose another time.")
        message = gettext("%(part)s goes with it, and is out of service.") % {"part": part}
        return message, gettext("Choose another machine, or ask the team when it will be back.")
    if is_elsewhere:
        free_again = gettext("It is free again on %(moment)s.") % {"moment": moment_words(p["end"], p["zone"])}
        return gettext("The machine is taken in another calendar then."), free_again
    message = (
        gettext("The machine is out of service: %(reason)s.") % {"reason": reason.rstrip(".")}
        if reason
        else gettext("The machine is out of service.")
    )
    if p["end"]:
        return message, gettext("It should be back on %(moment)s.") % {"moment": moment_words(p["end"], p["zone"])}
    return message, gettext("Choose another machine, or ask the team when it will be back.")


def _taken(p: Params) -> tuple[str, str]:
    span = both_ends_words(p["start"], p["end"], p["zone"])
    if p.get("waits"):
        message = gettext("Somebody waits for it, from %(moment)s on.")
        moment = {"moment": moment_words(p["start"], p["zone"])}
        return message % moment, gettext("Bring it back in time, so that they can have it.")
    if part := p.get("part"):
        message = gettext("%(part)s goes with it, and is taken from %(start)s to %(end)s.")
        return message % (span | {"part": part}), gettext("Choose one of the other times below.")
    if what := p.get("what"):
        message = gettext("%(what)s is already taken from %(start)s to %(end)s, set-up and clean-up included.")
        return message % (span | {"what": what}), gettext("Leave it out, or choose another time.")
    return (
        gettext("It is already taken from %(start)s to %(end)s, set-up and clean-up included.") % span,
        gettext("Choose one of the other times below."),
    )


def _too_short(p: Params) -> tuple[str, str]:
    return (
        gettext("That is too short for this machine."),
        gettext("Ask for at least %(shortest)s.") % {"shortest": duration_words(p["shortest"])},
    )


def _too_long(p: Params) -> tuple[str, str]:
    return (
        gettext("That is too long for this machine."),
        gettext("Ask for at most %(longest)s, or ask the team.") % {"longest": duration_words(p["longest"])},
    )


def _off_grid(p: Params) -> tuple[str, str]:
    return (
        gettext("Times on this machine fall every %(grid)s.") % {"grid": duration_words(p["grid"])},
        gettext("Move the start and the end to such a time."),
    )


def _too_soon(p: Params) -> tuple[str, str]:
    if p.get("deed") == "cancel":
        facts = {"notice": duration_words(p["notice"])}
        return gettext("Cancelling wants %(notice)s of notice here.") % facts, gettext("Call the team: they can do it.")
    if p.get("deed") == "move":
        facts = {"notice": duration_words(p["notice"])}
        return gettext("Moving wants %(notice)s of notice here.") % facts, gettext("Call the team: they can do it.")
    if p["notice"]:
        return (
            gettext("This machine wants %(notice)s of notice.") % {"notice": duration_words(p["notice"])},
            gettext("Choose a time after %(moment)s.") % {"moment": moment_words(p["now"] + p["notice"], p["zone"])},
        )
    return gettext("That time is already over."), gettext("Choose a later time.")


def _too_far(p: Params) -> tuple[str, str]:
    return (
        gettext("That is too far ahead: this machine can be reserved %(window)s ahead.")
        % {"window": duration_words(p["window"])},
        gettext("Choose an earlier day, or come back later."),
    )


def _person_busy(p: Params) -> tuple[str, str]:
    facts = {
        "machine": p["machine"],
        **both_ends_words(p["start"], p["end"], p["zone"]),
    }
    if who := p.get("who"):
        # What they do then is theirs.
        message = gettext("%(who)s already has something else then.") % {"who": who}
        return message, gettext("Choose another time, or come without them.")
    return (
        gettext("You already have %(machine)s from %(start)s to %(end)s, and both need you there.") % facts,
        gettext("Choose another time, or cancel the other reservation."),
    )


def _qualification(p: Params) -> dict[str, str]:
    language = "en" if get_language() == "en" else "fr"
    training = p[f"training_{language}"]
    return {
        "name": p[f"name_{language}"],
        "level": str(Level(p["level"]).label),
        "next": training or gettext("Ask the team for the induction."),
    }


def _qualification_missing(p: Params) -> tuple[str, str]:
    words = _qualification(p)
    return gettext("This machine needs the qualification “%(name)s”.") % words, words["next"]


def _qualification_expired(p: Params) -> tuple[str, str]:
    # Of a midnight, the day before it was the last.
    last = p["expired_at"] - dt.timedelta(microseconds=1)
    words = _qualification(p) | {"day": day_words(last, p["zone"])}
    return gettext("Your qualification “%(name)s” ended on %(day)s.") % words, words["next"]


def _qualification_level(p: Params) -> tuple[str, str]:
    words = _qualification(p)
    return gettext("This machine needs “%(name)s” at the level “%(level)s”.") % words, words["next"]


def _suspended(p: Params) -> tuple[str, str]:
    message = gettext("You may not reserve for now: %(reason)s.") % {"reason": p["reason"].rstrip(".")}
    if p["end"]:
        return message, gettext("You can reserve again from %(day)s.") % {"day": day_words(p["end"], p["zone"])}
    return message, gettext("Please talk to the team.")


WORDS: dict[Code, Callable[[Params], tuple[str, str]]] = {
    Code.CLOSED: _closed,
    Code.MACHINE_UNAVAILABLE: _machine_unavailable,
    Code.TAKEN: _taken,
    Code.TOO_SHORT: _too_short,
    Code.TOO_LONG: _too_long,
    Code.OFF_GRID: _off_grid,
    Code.TOO_SOON: _too_soon,
    Code.TOO_FAR: _too_far,
    Code.PERSON_BUSY: _person_busy,
    Code.QUALIFICATION_MISSING: _qualification_missing,
    Code.QUALIFICATION_EXPIRED: _qualification_expired,
    Code.QUALIFICATION_LEVEL: _qualification_level,
    Code.SUSPENDED: _suspended,
    **WORDS_OF_PEOPLE,
}

STATE_WORDS = {
    "not_open": _("This reservation is over: it can no longer be changed."),
    "already_started": _("It has begun: only its end can be moved."),
    "already_used": _("It is in use: finish it instead of cancelling it."),
    "too_early": _("You can check in from 10 minutes before the start."),
    "held_for_a_group": _("It holds several things for a group: cancel it and reserve again."),
    "nobody_comes": _("Somebody has to come: choose at least one of you."),
    "not_started": _("Check in first: nothing has begun yet."),
    "not_pending": _("This request has been answered already, or its time is over."),
    "says_no_reason": _("Say why: the person will read it."),
    "answer_the_offer_first": _("Say yes or no to this offer first."),
    "person_is_gone": _("This person's file was erased a moment ago."),
    "offer_is_over": _("This offer has run out: the next one had their turn."),
    "waits_too_long": _("One waits for 62 days at most: choose a shorter time."),
    "waits_already": _("There is a place on the waiting list for a part of that time already: give it up first."),
    "waits_enough": _("There are 20 places on waiting lists already: give one up first."),
    "still_expected": _("They may still come: look again a little later."),
    "time_is_over": _("That time is already over: choose a later one."),
    "series_keeps_its_days": _("A monthly series keeps its days: change one date, or cancel it and reserve again."),
    "ends_before_it_starts": _("The end comes after the start."),
    "not_lent": _("It does not leave the place: check in instead."),
    "handed_over_first": _("It is handed over at the desk: ask the team."),
    "still_lent": _("It is still lent: the team takes it back at the desk."),
    "too_early_to_lend": _(
        "It can be handed over from 10 minutes before its reservation begins. To hand it over now, move the beginning "
        "of the reservation first."
    ),
    "part_not_ticked": _("Something is not ticked yet: look at each part."),
    "enough_photos": _("There are enough photos of this loan."),
    "still_out": _("It is still with somebody else: take it back first."),
    "out_of_service": _("Something of it is out of service: lift that outage first."),
}

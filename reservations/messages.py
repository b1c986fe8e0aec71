"""Refusals as sentences, in the reader's language, each with its next step. The only place where codes become words."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models.booking_settings import Attendance
from machines.models.qualification import Level
from reservations.rules import Code

Params = Any


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is wrong, and what to do about it."""

    code: str
    message: str
    next_step: str


def sentence_of(denial: Denial) -> Sentence:
    """The refusal in words."""
    message, next_step = WORDS[Code(denial.code)](denial.params)
    return Sentence(str(denial.code), message, next_step)


def duration_words(duration: dt.timedelta) -> str:
    """“1 h 30”, “45 min”, “2 days”, “20 s”."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    if minutes == 0 and seconds:
        return gettext("%(seconds)d s") % {"seconds": seconds}
    if minutes >= 2 * 24 * 60 and minutes % (24 * 60) == 0:
        days = minutes // (24 * 60)
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
    if minutes < 60:
        return gettext("%(minutes)d min") % {"minutes": minutes}
    hours, rest = divmod(minutes, 60)
    if rest:
        return gettext("%(hours)d h %(minutes)02d") % {"hours": hours, "minutes": rest}
    return gettext("%(hours)d h") % {"hours": hours}


def day_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    """“Tuesday 12 March”."""
    # Translators: a date format of Django; French wants "l j F".
    return date_format(instant.astimezone(zone), gettext("l j F"))


def moment_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    """“Tuesday 12 March, 14:00”."""
    return f"{day_words(instant, zone)}, {clock_words(instant, zone)}"


def clock_words(instant: dt.datetime, zone: dt.tzinfo) -> str:
    return instant.astimezone(zone).strftime("%H:%M")


def _closed(p: Params) -> tuple[str, str]:
    opening: Interval | None = p["opening"]
    if opening is None:
        return gettext("We are closed then."), gettext("Choose another day.")
    hours = {
        "day": day_words(opening.start, p["zone"]),
        "opens": clock_words(opening.start, p["zone"]),
        "closes": clock_words(opening.end, p["zone"]),
    }
    message = (
        gettext("We are closed at that start. The machine may run on after closing, but you must be here to start it.")
        if p["attendance"] == Attendance.START
        else gettext("We are not open for all of that time.")
    )
    return message, gettext("Open %(day)s, %(opens)s–%(closes)s.") % hours


def _machine_unavailable(p: Params) -> tuple[str, str]:
    reason = p["reason"]
    if what := p.get("what"):
        message = gettext("%(what)s is out of service.") % {"what": what}
        return message, gettext("Leave it out, or choose another time.")
    message = (
        gettext("The machine is out of service: %(reason)s.") % {"reason": reason.rstrip(".")}
        if reason
        else gettext("The machine is out of service.")
    )
    if p["end"]:
        return message, gettext("It should be back on %(moment)s.") % {"moment": moment_words(p["end"], p["zone"])}
    return message, gettext("Choose another machine, or ask the team when it will be back.")


def _taken(p: Params) -> tuple[str, str]:
    span = {"start": clock_words(p["start"], p["zone"]), "end": clock_words(p["end"], p["zone"])}
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
        "start": clock_words(p["start"], p["zone"]),
        "end": clock_words(p["end"], p["zone"]),
    }
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
    words = _qualification(p) | {"day": day_words(p["expired_at"], p["zone"])}
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
}

STATE_WORDS = {
    "not_open": _("This reservation is over: it can no longer be changed."),
    "already_started": _("It has begun: only its end can be moved."),
    "already_used": _("It is in use: finish it instead of cancelling it."),
    "too_early": _("You can check in from 10 minutes before the start."),
    "held_for_a_group": _("It holds several things for a group: cancel it and reserve again."),
    "not_started": _("Check in first: nothing has begun yet."),
}

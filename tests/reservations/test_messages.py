"""Refusals as sentences, in English, which the sources are written in."""

import datetime as dt

import pytest
from django.utils import translation

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from reservations.messages import duration_words, moment_words, sentence_of
from reservations.rules import Code
from tests.factories import NOW, PARIS, at, minutes

LASER = {
    "name_fr": "Découpe laser",
    "name_en": "Laser cutting",
    "training_fr": "Mardi à 14 h",
    "training_en": "Tuesdays at 14:00",
    "level": 2,
    "zone": PARIS,
}


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (minutes(5), "5 min"),
        (minutes(60), "1 h"),
        (minutes(90), "1 h 30"),
        (minutes(125), "2 h 05"),
        (dt.timedelta(days=1), "24 h"),
        (dt.timedelta(days=2), "2 days"),
        (dt.timedelta(days=2, hours=1), "49 h"),
    ],
)
def test_duration_in_words_is(duration, words):
    assert duration_words(duration) == words


@pytest.mark.parametrize(
    ("instant", "words"),
    [("2026-03-28 14:00", "14:00"), ("2026-03-29 03:00", "03:00"), ("2026-10-25 12:00", "12:00")],
    ids=["winter", "after the spring change", "after the autumn change"],
)
def test_moment_in_words_is_on_the_local_clock(instant, words):
    assert moment_words(at(instant), PARIS).endswith(f", {words}")


@pytest.mark.parametrize(
    ("code", "params", "message", "next_step"),
    [
        (
            Code.CLOSED,
            {"opening": None, "zone": PARIS, "lent": "end", "before": at("17:00"), "after": at("2026-03-13 10:00")},
            "It is brought back while we are open.",
            "Choose an end until Wednesday 11 March, 17:00, or from Friday 13 March, 10:00 on.",
        ),
        (
            Code.CLOSED,
            {"opening": None, "zone": PARIS, "lent": "end", "before": at("17:00"), "after": None},
            "It is brought back while we are open.",
            "Choose an end until Wednesday 11 March, 17:00.",
        ),
        (
            Code.CLOSED,
            {"opening": None, "zone": PARIS, "lent": "end", "before": None, "after": at("17:00")},
            "It is brought back while we are open.",
            "Choose an end from Wednesday 11 March, 17:00 on.",
        ),
        (
            Code.CLOSED,
            {"opening": Interval(at("10:00"), at("19:00")), "zone": PARIS, "lent": "start", "attendance": "start"},
            "It is fetched while we are open.",
            "Open Wednesday 11 March, 10:00–19:00.",
        ),
        (
            Code.TAKEN,
            {"start": at("17:00"), "end": at("18:00"), "zone": PARIS, "waits": True},
            "Somebody waits for it, from Wednesday 11 March, 17:00 on.",
            "Bring it back in time, so that they can have it.",
        ),
        (
            Code.CLOSED,
            {"opening": None, "zone": PARIS, "attendance": "throughout"},
            "We are closed then.",
            "Choose another day.",
        ),
        (
            Code.CLOSED,
            {"opening": Interval(at("10:00"), at("19:00")), "zone": PARIS, "attendance": "throughout"},
            "We are not open for all of that time.",
            "10:00–19:00.",
        ),
        (
            Code.TAKEN,
            {"start": at("10:00"), "end": at("11:15"), "zone": PARIS},
            "It is already taken from 10:00 to 11:15, set-up and clean-up included.",
            "Choose one of the other times below.",
        ),
        (
            Code.MACHINE_UNAVAILABLE,
            {"reason": "Belt worn.", "kind": "fault", "end": None, "zone": PARIS},
            "The machine is out of service: Belt worn.",
            "Choose another machine, or ask the team when it will be back.",
        ),
        (
            Code.TOO_SOON,
            {"notice": minutes(120), "now": NOW, "zone": PARIS},
            "This machine wants 2 h of notice.",
            "11:00.",
        ),
        (
            Code.TOO_SOON,
            {"notice": minutes(0), "now": NOW, "zone": PARIS},
            "That time is already over.",
            "Choose a later time.",
        ),
        (
            Code.QUALIFICATION_MISSING,
            LASER,
            "This machine needs the qualification “Laser cutting”.",
            "Tuesdays at 14:00",
        ),
        (
            Code.QUALIFICATION_MISSING,
            LASER | {"training_en": ""},
            "This machine needs the qualification “Laser cutting”.",
            "Ask the team for the induction.",
        ),
        (
            Code.SUSPENDED,
            {"reason": "Left the laser alone.", "end": None, "zone": PARIS},
            "You may not reserve for now: Left the laser alone.",
            "Please talk to the team.",
        ),
    ],
    ids=[
        "lent, back between two days",
        "lent, back after the last",
        "lent, back before the first",
        "lent, fetched while closed",
        "somebody waits",
        "closed for days",
        "closed for a part",
        "taken",
        "out of service",
        "notice",
        "past",
        "qualification",
        "qualification, no training named",
        "suspended",
    ],
)
def test_sentence_says_what_is_wrong_and_what_to_do(code, params, message, next_step):
    sentence = sentence_of(Denial(code, params))

    assert (sentence.code, sentence.message) == (str(code), message)
    assert sentence.next_step.endswith(next_step)


def test_sentence_speaks_the_readers_language():
    with translation.override("fr"):
        sentence = sentence_of(Denial(Code.QUALIFICATION_MISSING, LASER))

    assert "Découpe laser" in sentence.message
    assert sentence.next_step == "Mardi à 14 h"

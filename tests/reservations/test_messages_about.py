"""Refusals as the team reads them, about somebody else."""

import datetime as dt

import pytest
from django.utils import translation

from fablab.lib.denials import Denial
from people.models import Person
from reservations.messages import sentence_of
from reservations.messages_about import sentence_about
from reservations.rules import Code, QuotaFact
from tests.factories import PARIS, at

ODETTE = Person(first_name="Odette", last_name="Brun")
LASER = {
    "name_fr": "Découpe laser",
    "name_en": "Laser cutting",
    "training_fr": "",
    "training_en": "",
    "level": 2,
    "zone": PARIS,
}


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("code", "params", "message"),
    [
        (
            Code.SUSPENDED,
            {"reason": "Left the laser alone", "end": None, "zone": PARIS},
            "Odette Brun may not reserve for now.",
        ),
        (
            Code.SUSPENDED,
            {"reason": "Left the laser alone", "end": at("2026-03-15 00:00"), "zone": PARIS},
            "Odette Brun may not reserve until Saturday 14 March included.",
        ),
        (
            Code.PERSON_BUSY,
            {"machine": "Prusa", "start": at("10:00"), "end": at("11:00"), "zone": PARIS},
            "Odette Brun already has Prusa from 10:00 to 11:00, and both need them there.",
        ),
        (
            Code.QUALIFICATION_MISSING,
            LASER,
            "Odette Brun does not have the qualification “Laser cutting” that this machine needs.",
        ),
        (
            Code.QUALIFICATION_EXPIRED,
            LASER | {"expired_at": at("2026-03-11 00:00")},
            "Odette Brun’s qualification “Laser cutting” ended on Tuesday 10 March.",
        ),
    ],
    ids=["suspended", "suspended to a day", "busy", "not qualified", "no longer qualified"],
)
def test_sentence_names_the_person(code: Code, params: dict, message: str) -> None:
    sentence = sentence_about(Denial(code, params), ODETTE)

    assert sentence.message == message
    assert "You" not in sentence.next_step
    assert "Left the laser alone" not in sentence.message + sentence.next_step


def test_sentence_of_the_level_names_person_and_level() -> None:
    sentence = sentence_about(Denial(Code.QUALIFICATION_LEVEL, LASER), ODETTE)

    assert sentence.message.startswith("Odette Brun does not have “Laser cutting” at the level “")


def test_sentence_about_the_machine_is_the_same_for_everybody() -> None:
    denial = Denial(Code.TOO_FAR, {"window": dt.timedelta(days=14)})

    assert sentence_about(denial, ODETTE) == sentence_of(denial)


@pytest.mark.parametrize(
    ("code", "params", "message"),
    [
        (Code.RULES_UNSIGNED, {"rules": 1, "of": "Riverside"},
         "Odette Brun has not agreed to the rules of Riverside yet."),
        (Code.QUOTA_EXCEEDED, {"quota": QuotaFact("count", "week", 2, 2, 1)},
         "Odette Brun may hold at most 2 reservations a week, and holds 2 reservations already."),
        (Code.TOO_MANY_OPEN, {"quota": QuotaFact("count", "to_come", 1, 1, 1)},
         "Odette Brun may hold at most 1 reservation to come, and holds 1 reservation already."),
        (Code.TOO_MANY_OPEN, {"rest": dt.timedelta(days=2), "start": at("10:00"), "end": at("11:00"), "zone": PARIS},
         "Between two reservations of this kind 2 days are left to others; theirs is from 10:00 to 11:00."),
    ],
    ids=["rules to sign", "limit of a week", "limit to come", "pause between two"],
)  # fmt: skip
def test_limits_and_rules_are_said_of_the_person(code: Code, params: dict, message: str) -> None:
    assert sentence_about(Denial(code, params), ODETTE).message == message

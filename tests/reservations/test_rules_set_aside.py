"""What the team may set aside for once, and what nobody may; and the notice that cancelling wants."""

from dataclasses import replace

import pytest

from reservations.messages import sentence_of
from reservations.rules import MAY_BE_SET_ASIDE, BookingFacts, Code, cancel_denials
from tests.factories import PARIS, at, minutes
from tests.reservations.test_rules import ALL_CASES, ALWAYS, SETTINGS

HARD = {code for code in Code if code not in MAY_BE_SET_ASIDE}


@pytest.mark.parametrize("case", [row for row in ALL_CASES if row.values[0].answer])
@pytest.mark.parametrize("risk", [0, 2])
def test_team_sets_aside_what_may_be_and_nothing_else(case, risk):
    told = replace(case, facts={**case.facts, "set_aside": frozenset(Code), "risk": case.facts.get("risk", risk)})
    kept = [code for code in case.answer if code in HARD or (risk and code.startswith("qualification"))]

    assert [denial.code for denial in told.denials] == kept


@pytest.mark.parametrize(
    ("notice_min", "set_aside", "answer"),
    [(0, (), []), (60, (), []), (61, (), [Code.TOO_SOON]), (61, (Code.TOO_SOON,), [])],
    ids=["no notice wanted", "exactly the notice", "a minute too late", "the team may"],
)
def test_cancelling_wants_its_notice(notice_min, set_aside, answer):
    settings = replace(SETTINGS, cancel_notice=minutes(notice_min))
    facts = BookingFacts(zone=PARIS, settings=settings, opening=ALWAYS, set_aside=frozenset(set_aside))

    denials = cancel_denials(facts=facts, start=at("10:00"), now=at("09:00"))

    assert [denial.code for denial in denials] == answer
    assert all(sentence_of(denial).next_step for denial in denials)

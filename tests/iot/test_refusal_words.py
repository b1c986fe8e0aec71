"""Every code with which a machine refuses has words for the team."""

import pytest
from django.utils import translation

from iot.access import words
from iot.refusal_words import REFUSAL_WORDS, refusal_words
from reservations.rules import Code


def test_no_code_is_forgotten() -> None:
    assert {*Code, *words.OWN, "offline"} <= set(REFUSAL_WORDS)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (["unknown_badge"], "badge or code not known"),
        (["closed", "suspended"], "closed then, suspended"),
        (["of_another_time"], "of_another_time"),
        ([], "no reason was kept"),
    ],
    ids=["one", "two", "of another time", "none"],
)
def test_reasons_are_said_in_order(codes: list[str], said: str) -> None:
    with translation.override("en"):
        assert refusal_words(codes) == said

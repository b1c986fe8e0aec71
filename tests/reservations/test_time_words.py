"""From when until when, as every page and message says it."""

import pytest
from django.utils import translation

from reservations.time_words import both_ends_words, from_to_words, until_words
from tests.factories import NOW, PARIS, at

SPANS = [
    ("14:00", "16:00", "14:00 – 16:00", "14:00 – 16:00"),
    ("22:00", "2026-03-12 00:00", "22:00 – 24:00", "22:00 – 24:00"),
    ("22:00", "2026-03-12 02:00", "22:00 – 02:00 (Thu 12 Mar)", "22:00 – 02:00 (tomorrow)"),
    ("09:00", "2026-03-14 00:00", "09:00 – 24:00 (Fri 13 Mar)", "09:00 – 24:00 (Friday 13 March)"),
    ("09:00", "2026-03-18 09:00", "09:00 – 09:00 (Wed 18 Mar)", "09:00 – 09:00 (Wednesday 18 March)"),
    ("2026-03-29 01:30", "2026-03-29 03:30", "01:30 – 03:30", "01:30 – 03:30"),
]
IDS = ["one day", "until midnight", "over midnight", "until a later midnight", "a week", "spring night"]


@pytest.mark.parametrize(("start", "end", "words", "near"), SPANS, ids=IDS)
def test_time_names_the_day_of_its_end_where_it_is_another(start, end, words, near):
    with translation.override("en"):
        assert from_to_words(at(start), at(end), PARIS) == words
        assert from_to_words(at(start), at(end), PARIS, now=NOW) == near


def test_time_is_said_in_french():
    with translation.override("fr"):
        assert until_words(at("2026-03-31 22:00"), at("2026-04-01 02:00"), PARIS) == "02:00 (mer 1er avr.)"


def test_day_is_that_of_the_site():
    # 23:30 UTC is half past midnight in Paris.
    start, end = at("2026-03-12 00:30"), at("2026-03-12 01:30")

    assert from_to_words(start, end, PARIS) == "00:30 – 01:30"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("16:00", {"start": "14:00", "end": "16:00"}),
        ("2026-03-12 00:00", {"start": "14:00", "end": "24:00"}),
        ("2026-03-13 09:00", {"start": "14:00 (Wed 11 Mar)", "end": "09:00 (Fri 13 Mar)"}),
    ],
    ids=["one day", "until midnight", "over days"],
)
def test_sentence_without_a_day_names_both_where_they_differ(end, words):
    with translation.override("en"):
        assert both_ends_words(at("14:00"), at(end), PARIS) == words

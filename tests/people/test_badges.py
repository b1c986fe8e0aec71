"""A badge's number is kept nowhere: not in a message, not in the quarantine, not in its detail."""

import re

import pytest

from people.badges import badge_digest, digest_in, masked_badge


@pytest.mark.parametrize(
    "written", ["04:A2:3B:11", "04a23b11", " 04 A2 3B 11 ", "04-a2-3b-11", "04.A2.3B.11"],
    ids=["colons", "plain", "blanks", "hyphens", "dots"],
)  # fmt: skip
def test_digest_is_of_the_number_however_it_is_written(written: str):
    assert badge_digest(written) == badge_digest("04A23B11")


def test_digest_needs_the_secret_of_this_installation(settings):
    here = badge_digest("04A23B11")
    settings.SECRET_KEY = "another installation's secret"

    assert re.fullmatch("[0-9a-f]{64}", here)
    assert badge_digest("04A23B11") != here


def test_mark_in_a_message_finds_the_badge():
    assert digest_in(masked_badge("04A23B11")) == badge_digest("04 a2 3b 11")


def test_mark_cannot_be_presented_as_a_badge():
    mark = masked_badge("04A23B11")

    assert digest_in(masked_badge(mark)) != badge_digest("04A23B11")
    assert digest_in("04A23B11") == ""

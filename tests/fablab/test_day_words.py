"""Days in words: French has a first of the month, and what holds until a midnight ends the day before it."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import translation

from fablab.lib.day_words import date_words
from fablab.lib.denials import Denial
from fablab.templatetags.dated import day_year, last_day
from fablab.templatetags.shell import day, short_day
from reservations.messages import day_words, sentence_of
from reservations.rules import Code
from tests.fablab.settings_pages import signed_in
from tests.factories import PARIS, at, grant, make_person, make_qualification, make_site, suspend

FIRST, SECOND = dt.date(2026, 12, 1), dt.date(2026, 12, 2)


@pytest.mark.parametrize(
    ("language", "date", "words"),
    [
        ("fr", FIRST, "mardi 1er décembre"),
        ("fr", SECOND, "mercredi 2 décembre"),
        ("fr", dt.date(2026, 12, 11), "vendredi 11 décembre"),
        ("en", FIRST, "Tuesday 1 December"),
    ],
)
def test_first_of_the_month_in_words_is(language, date, words):
    with translation.override(language):
        assert date_words(date, "l j F") == words


@pytest.mark.parametrize(
    "words",
    [
        lambda instant: day(instant, PARIS),
        lambda instant: short_day(instant, PARIS),
        lambda instant: day_year(instant, PARIS),
        lambda instant: day_words(instant, PARIS),
    ],
    ids=["day", "short_day", "day_year", "day_words"],
)
def test_every_way_to_say_a_day_knows_the_first(words):
    with translation.override("fr"):
        assert " 1er " in f" {words(at('2026-12-01 09:00'))} "


def test_what_ends_at_midnight_had_the_day_before_as_its_last():
    with translation.override("en"):
        assert last_day(at("2027-07-01 00:00"), PARIS) == "30 June 2027"


def test_refusal_names_the_last_day_of_the_qualification():
    names = {"name_fr": "Laser", "name_en": "Laser", "training_fr": "", "training_en": "", "level": 2, "zone": PARIS}
    denial = Denial(Code.QUALIFICATION_EXPIRED, names | {"expired_at": at("2027-07-01 00:00")})

    with translation.override("en"):
        assert "ended on Wednesday 30 June" in sentence_of(denial).message


@pytest.mark.django_db
def test_member_reads_the_last_day_that_the_file_has() -> None:
    make_site()
    person = make_person()
    suspend(person=person, end=at("2099-03-02 00:00"))
    grant(person=person, qualification=make_qualification(), expires_at=at("2099-07-01 00:00"))
    member: Client = signed_in(person)

    page = member.get("/me/").content.decode()

    assert "until 30 June 2099 included" in page
    assert "until 1 March 2099 included" in page

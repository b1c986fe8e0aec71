"""Why a day is closed, as everybody reads it."""

import datetime as dt

import pytest
from django.utils import translation

from machines.closed_words import closed_day, closed_days
from machines.models import OpeningException, Season
from machines.opening import SeasonWeek, Timetable
from machines.selectors import load_hours, timetable
from tests.factories import PARIS, every_day, make_site

DAY = dt.date(2026, 3, 12)
WEEK = {n: [(dt.time(10), dt.time(19))] for n in range(1, 7)}


@pytest.mark.parametrize(
    ("day", "more", "words"),
    [
        (DAY, {}, None),
        (dt.date(2026, 3, 15), {}, "Closed"),
        (DAY, {"exceptions": {DAY: []}}, "Closed"),
        (DAY, {"exceptions": {DAY: []}, "titles": {DAY: "Works."}}, "Closed: Works"),
        (DAY, {"exceptions": {DAY: [(dt.time(14), dt.time(15))]}, "titles": {DAY: "Works"}}, None),
        (DAY, {"holidays": {DAY}}, "Closed: public holiday"),
        (DAY, {"seasons": [SeasonWeek("Spring break", {}, DAY, DAY)]}, "Closed: Spring break"),
    ],
    ids=["open", "a Sunday", "no reason given", "works", "open for an hour", "public holiday", "season"],
)
def test_closed_day_says_why(day, more, words):
    with translation.override("en"):
        found = closed_day(day, Timetable(PARIS, WEEK, **more))

        assert (found.words if found else None) == words


@pytest.mark.django_db
def test_reasons_come_with_the_hours_in_one_query(django_assert_num_queries):
    site = make_site(hours=every_day("10:00", "19:00"))
    OpeningException.objects.create(site=site, date=DAY, title="Works")
    day = DAY + dt.timedelta(days=1)
    Season.objects.create(site=site, name="Spring break", first=day, last=day)

    with django_assert_num_queries(1):
        load_hours([site])
        found = closed_days(DAY, 7, timetable(site, DAY, DAY))

    assert [(each.day, each.reason) for each in found] == [(DAY, "Works"), (day, "Spring break")]

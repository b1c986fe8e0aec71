"""Opening hours as the database keeps them."""

import datetime as dt

import pytest

from fablab.lib.intervals import Interval
from machines.opening import opening_on
from machines.selectors import public_holidays, timetable
from tests.factories import at, every_day, make_exception, make_site

WEDNESDAY = dt.date(2026, 3, 11)
BASTILLE_DAY = dt.date(2026, 7, 14)


def opening(site, day):
    return opening_on(day, timetable(site, day, day))


@pytest.mark.django_db
def test_timetable_reads_the_week_of_its_own_site():
    site = make_site(hours={3: [("14:00", "18:00"), ("09:00", "12:00")]})
    make_site(hours=every_day("20:00", "22:00"))

    assert opening(site, WEDNESDAY) == [
        Interval(at("09:00"), at("12:00")),
        Interval(at("14:00"), at("18:00")),
    ]
    assert opening(site, WEDNESDAY + dt.timedelta(days=1)) == []


@pytest.mark.django_db
def test_dated_exceptions_replace_the_day():
    site = make_site(hours=every_day("10:00", "19:00"))
    make_exception(site=site, date="2026-03-11")
    make_exception(site=site, date="2026-03-12", opens="08:00", closes="09:00")
    make_exception(site=site, date="2026-03-12", opens="20:00", closes="00:00")

    assert opening(site, WEDNESDAY) == []
    assert opening(site, WEDNESDAY + dt.timedelta(days=1)) == [
        Interval(at("2026-03-12 08:00"), at("2026-03-12 09:00")),
        Interval(at("2026-03-12 20:00"), at("2026-03-13 00:00")),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "is_open"),
    [
        ({"is_closed_on_holidays": True}, False),
        ({"is_closed_on_holidays": False}, True),
        ({"is_closed_on_holidays": True, "holiday_country": ""}, True),
        ({"is_closed_on_holidays": True, "holiday_country": "XX"}, True),
        ({"is_closed_on_holidays": True, "holiday_country": "FR", "holiday_region": "Nowhere"}, True),
    ],
    ids=["closed on holidays", "open on holidays", "no country", "unknown country", "unknown region"],
)
def test_public_holiday_closes_the_site(fields, is_open):
    site = make_site(hours=every_day("10:00", "19:00"), **fields)

    assert bool(opening(site, BASTILLE_DAY)) == is_open


def test_public_holidays_of_alsace_have_good_friday():
    assert dt.date(2026, 4, 3) in public_holidays("FR", "Alsace", 2026)
    assert dt.date(2026, 4, 3) not in public_holidays("FR", "", 2026)


@pytest.mark.django_db
def test_timetable_takes_one_query_for_as_long_as_the_site_is_at_hand(django_assert_num_queries):
    site = make_site(is_closed_on_holidays=True)

    with django_assert_num_queries(1):
        timetable(site, WEDNESDAY, WEDNESDAY)
        timetable(site, BASTILLE_DAY, BASTILLE_DAY)

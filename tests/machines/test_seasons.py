"""Seasons: which week holds on a date, as a table; and as the database keeps them."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from machines.models import OpeningHours, PeakHours, Season
from machines.opening import SeasonWeek, Timetable
from machines.seasons import add_season, change_season, remove_season, seasons_of, set_peak_hours
from machines.selectors import school_holidays, staffed_timetable, timetable
from machines.services import set_weekly_hours
from machines.year import DayKind, day_of, months_of
from tests.factories import NOW, PARIS, every_day, make_exception, make_site

TEN, NOON, TWO, SEVEN = dt.time(10), dt.time(12), dt.time(14), dt.time(19)
USUAL, SHORT = ((TEN, SEVEN),), ((TWO, SEVEN),)
JULY, AUGUST = dt.date(2026, 7, 6), dt.date(2026, 8, 28)


def weekly(ranges):
    return dict.fromkeys(range(1, 8), ranges)


def on(text):
    return dt.date.fromisoformat(text)


SUMMER = SeasonWeek("Summer", weekly(SHORT), JULY, AUGUST)
WINTER = SeasonWeek("Winter", weekly(SHORT), on("2020-12-15"), on("2020-01-10"), is_yearly=True)
SCHOOL = SeasonWeek("No school", weekly(SHORT))


@pytest.mark.parametrize(
    ("season", "day", "holds"),
    [
        (SUMMER, "2026-07-05", False),
        (SUMMER, "2026-07-06", True),
        (SUMMER, "2026-08-28", True),
        (SUMMER, "2026-08-29", False),
        (SUMMER, "2027-07-10", False),
        (WINTER, "2026-12-14", False),
        (WINTER, "2026-12-15", True),
        (WINTER, "2027-01-10", True),
        (WINTER, "2027-01-11", False),
        (SeasonWeek("x", {}, on("2024-02-29"), on("2024-03-01"), is_yearly=True), "2026-02-28", False),
        (SeasonWeek("x", {}, on("2024-02-29"), on("2024-03-01"), is_yearly=True), "2026-03-01", True),
        (SCHOOL, "2026-04-01", True),
        (SCHOOL, "2026-04-02", False),
    ],
    ids=["day before", "first day", "last day", "day after", "another year", "before winter", "winter begins",
         "winter over New Year", "winter is over", "leap day that is none", "day after the leap day", "no school",
         "school again"],
)  # fmt: skip
def test_season_holds(season, day, holds):
    assert season.holds_on(on(day), frozenset({on("2026-04-01")})) is holds


@pytest.mark.parametrize(
    ("more", "ranges"),
    [
        ({}, USUAL),
        ({"seasons": [SUMMER]}, SHORT),
        ({"seasons": [SeasonWeek("Shut", {}, JULY, AUGUST), SUMMER]}, ()),
        ({"seasons": [SUMMER], "holidays": {on("2026-07-14")}}, ()),
        ({"seasons": [SUMMER], "holidays": {on("2026-07-14")}, "exceptions": {on("2026-07-14"): USUAL}}, USUAL),
    ],
    ids=["usual week", "season", "the first season", "holiday before season", "special date before all"],
)
def test_what_holds_on_a_day(more, ranges):
    assert tuple(Timetable(PARIS, weekly(USUAL), **more).ranges_on(on("2026-07-14"))) == ranges


# --- as the database keeps them -----------------------------------------------------------------------------------


def ranges_on(site, day):
    return tuple(timetable(site, on(day), on(day)).ranges_on(on(day)))


def season_at(site, by, kind=Season.Kind.DATES, first=JULY, last=AUGUST, ranges=SHORT):
    made = add_season(site=site, name="Summer", kind=kind, first=first, last=last, by=by, now=NOW)
    set_weekly_hours(site=site, season=made, ranges=weekly(ranges), by=by, now=NOW)
    return made


@pytest.mark.django_db
def test_season_begins_as_a_copy_of_the_usual_week(by):
    site = make_site(hours=every_day("10:00", "19:00"))

    add_season(site=site, name=" Summer ", kind=Season.Kind.DATES, first=JULY, last=AUGUST, by=by, now=NOW)

    assert ranges_on(site, "2026-07-07") == USUAL
    assert Season.objects.get().name == "Summer"


@pytest.mark.django_db
def test_season_has_a_week_of_its_own_and_leaves_the_usual_one(by, django_assert_num_queries):
    site = make_site(hours=every_day("10:00", "19:00"))
    season_at(site, by)

    with django_assert_num_queries(1):
        found = [ranges_on(site, day) for day in ("2026-07-05", "2026-07-06", "2026-08-29")]

    assert found == [USUAL, SHORT, USUAL]


@pytest.mark.django_db
def test_usual_week_written_anew_leaves_the_season(by):
    site = make_site(hours=every_day("10:00", "19:00"))
    season_at(site, by)

    set_weekly_hours(site=site, ranges=weekly([(TEN, NOON)]), by=by, now=NOW)

    assert [ranges_on(site, day) for day in ("2026-07-05", "2026-07-06")] == [((TEN, NOON),), SHORT]


@pytest.mark.django_db
def test_season_without_hours_closes(by):
    site = make_site(hours=every_day("10:00", "19:00"))
    season_at(site, by, ranges=[])

    assert ranges_on(site, "2026-07-07") == ()


@pytest.mark.django_db
def test_removed_season_gives_the_usual_week_back(by):
    site = make_site(hours=every_day("10:00", "19:00"))
    made = season_at(site, by)

    remove_season(season=made, by=by)
    site.__dict__.pop("_hours", None)

    assert ranges_on(site, "2026-07-07") == USUAL
    assert not OpeningHours.objects.filter(season__isnull=False).exists()


@pytest.mark.django_db
def test_narrower_season_is_asked_first(by):
    site = make_site(hours=every_day("10:00", "19:00"), holiday_country="FR", school_zone="Zone B")
    season_at(site, by, kind=Season.Kind.SCHOOL_HOLIDAYS, ranges=[(TEN, NOON)])
    season_at(site, by, kind=Season.Kind.YEARLY, first=on("2001-07-01"), last=on("2001-07-31"), ranges=[(NOON, TWO)])
    season_at(site, by, first=on("2026-07-20"), last=on("2026-07-21"))

    found = [ranges_on(site, day) for day in ("2026-07-20", "2026-07-10", "2026-08-10", "2026-06-10")]

    assert found == [SHORT, ((NOON, TWO),), ((TEN, NOON),), USUAL]
    assert [season.kind for season in seasons_of(site)] == ["dates", "yearly", "school_holidays"]


def test_school_holidays_of_zones_are_as_the_ministry_published_them():
    # Arrêté of 7 December 2022: winter 2026 from 14 February to 2 March in zone B, a week earlier in zone A.
    assert on("2026-02-14") in school_holidays("FR", "Zone B", 2026)
    assert on("2026-03-01") in school_holidays("FR", "Zone B", 2026)
    assert on("2026-03-02") not in school_holidays("FR", "Zone B", 2026)
    assert on("2026-02-07") in school_holidays("FR", "Zone A", 2026)
    assert school_holidays("FR", "", 2026) == school_holidays("FR", "Zone X", 2026) == frozenset()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        {"kind": Season.Kind.DATES, "first": AUGUST, "last": JULY},
        {"kind": Season.Kind.DATES, "first": JULY, "last": None},
        {"kind": Season.Kind.YEARLY, "first": None, "last": AUGUST},
        {"kind": Season.Kind.DATES, "first": JULY, "last": AUGUST, "name": " "},
    ],
    ids=["backwards", "no end", "no beginning", "no name"],
)
def test_season_that_makes_no_sense_is_refused(by, fields):
    with pytest.raises(ValidationError):
        add_season(**({"site": make_site(), "name": "Summer", "by": by, "now": NOW} | fields))

    assert not Season.objects.exists()


@pytest.mark.django_db
def test_season_may_change_its_days_and_forgets_them_for_school_holidays(by):
    made = season_at(make_site(), by)

    change_season(season=made, name="No school", kind=Season.Kind.SCHOOL_HOLIDAYS, first=JULY, last=AUGUST, by=by)

    made.refresh_from_db()
    assert (made.name, made.kind, made.first, made.last) == ("No school", "school_holidays", None, None)


@pytest.mark.django_db
def test_staffed_hours_leave_out_the_ranges_without_the_team(by):
    site = make_site(hours={})
    set_weekly_hours(
        site=site, ranges=weekly([(TEN, NOON), (TWO, SEVEN)]), unstaffed={(3, TEN)}, by=by, now=NOW
    )  # fmt: skip
    wednesday = on("2026-03-11")

    table = staffed_timetable(site, wednesday, wednesday)

    assert table is not None
    assert (table.ranges_on(wednesday), table.ranges_on(on("2026-03-12"))) == (
        [(TWO, SEVEN)],
        [(TEN, NOON), (TWO, SEVEN)],
    )
    assert staffed_timetable(make_site(), wednesday, wednesday) is None


@pytest.mark.django_db
def test_peak_hours_replace_those_before(by):
    site = make_site()
    set_peak_hours(site=site, ranges={1: [(TEN, NOON)]}, by=by, now=NOW)

    set_peak_hours(site=site, ranges={6: [(TWO, SEVEN), (TEN, NOON)]}, by=by, now=NOW)

    assert list(PeakHours.objects.values_list("weekday", "begins", "ends")) == [(6, TEN, NOON), (6, TWO, SEVEN)]
    with pytest.raises(ValidationError):
        set_peak_hours(site=site, ranges={6: [(SEVEN, TWO)]}, by=by, now=NOW)


# --- the year -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, DayKind.OPEN),
        ({"seasons": [SUMMER]}, DayKind.SEASON),
        ({"seasons": [SeasonWeek("Shut", {}, JULY, AUGUST)]}, DayKind.SEASON_CLOSED),
        ({"holidays": {on("2026-07-14")}}, DayKind.HOLIDAY),
        ({"exceptions": {on("2026-07-14"): USUAL}}, DayKind.SPECIAL),
        ({"exceptions": {on("2026-07-14"): ()}, "seasons": [SUMMER]}, DayKind.SPECIAL_CLOSED),
    ],
    ids=["usual", "season", "closed season", "holiday", "special", "closed for once"],
)
def test_day_of_the_year_says_what_decides_it(more, kind):
    assert day_of(on("2026-07-14"), Timetable(PARIS, weekly(USUAL), **more), {}).kind == kind


def test_day_without_hours_is_closed_as_usual():
    assert day_of(on("2026-07-14"), Timetable(PARIS, {}), {}).kind == DayKind.CLOSED


def test_month_names_seasons_across_a_holiday_and_again_after_usual_days():
    bridge = SeasonWeek("Bridge", weekly(SHORT), on("2026-07-28"), on("2026-07-30"))
    fest = {on("2026-07-20"): USUAL, on("2026-07-21"): USUAL}
    short_summer = SeasonWeek("Summer", weekly(SHORT), on("2026-07-13"), on("2026-07-24"))
    table = Timetable(
        PARIS, weekly(USUAL), seasons=[short_summer, bridge], holidays={on("2026-07-14")}, exceptions=fest
    )

    july = months_of(2026, table, dict.fromkeys(fest, "Fest"))[6]

    found = [(each.first.day, each.last.day, each.kind, each.title) for each in july.stretches]
    assert found == [
        (13, 24, DayKind.SEASON, "Summer"),
        (14, 14, DayKind.HOLIDAY, ""),
        (20, 21, DayKind.SPECIAL, "Fest"),
        (28, 30, DayKind.SEASON, "Bridge"),
    ]


@pytest.mark.django_db
def test_exceptions_still_count_beside_seasons(by):
    site = make_site(hours=every_day("10:00", "19:00"))
    season_at(site, by)
    make_exception(site=site, date="2026-07-07")

    assert ranges_on(site, "2026-07-07") == ()

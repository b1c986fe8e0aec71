"""Who is on duty, and when a dangerous machine is watched over: by the rota, by the hours, by who is here."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from fablab.lib.intervals import Interval
from machines.models import Shift
from machines.rota import add_shifts, drop_shift, shifts_of, team_of
from machines.services import set_weekly_hours
from machines.supervision import supervised_now, supervised_times
from people.models import Person, Role
from people.visits import LONGEST_STAY, arrive, leave
from tests.factories import NOW, at, give_role, make_person, make_site, make_staff, minutes, turn_off

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

WEDNESDAY = dt.date(2026, 3, 11)
TWO, SIX, MIDNIGHT = dt.time(14), dt.time(18), dt.time(0)
START, END = at("15:00"), at("16:00")


@pytest.fixture
def site():
    return make_site(has_rota=True)


@pytest.fixture
def person(site):
    return make_staff(site=site)


def add(site, person, **fields):
    known = {"day": WEDNESDAY, "begins": TWO, "ends": SIX, "weeks": 1, "by": person, "now": NOW}
    return add_shifts(**({"site": site, "person": person} | known | fields))


def test_shift_is_repeated_every_week_at_the_same_local_time(site, person):
    made = add(site, person, weeks=4)

    # The clock goes forward on 29 March.
    assert [(shift.start, shift.end) for shift in made] == [
        (at(f"2026-{day} 14:00"), at(f"2026-{day} 18:00")) for day in ("03-11", "03-18", "03-25", "04-01")
    ]


def test_shift_until_midnight_ends_with_the_day(site, person):
    (made,) = add(site, person, ends=MIDNIGHT)

    assert made.end == at("2026-03-12 00:00")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"ends": dt.time(13)}, "ends"),
        ({"weeks": 0}, "weeks"),
        ({"weeks": 53}, "weeks"),
        ({"day": WEDNESDAY - dt.timedelta(days=1)}, "day"),
    ],
    ids=["backwards", "no week", "more than a year", "over already"],
)
def test_shift_that_makes_no_sense_is_refused(site, person, fields, name):
    with pytest.raises(ValidationError) as refused:
        add(site, person, **fields)

    assert list(refused.value.message_dict) == [name]


def test_only_the_team_of_the_place_is_on_duty(site, person):
    member, elsewhere = make_person(), make_staff(site=make_site())
    give_role(person=member, site=site, role=Role.MEMBER)

    for stranger in (member, elsewhere):
        with pytest.raises(ValidationError):
            add(site, stranger, by=person)

    assert list(team_of(site)) == [person]


def test_shifts_that_meet_are_refused_all_together(site, person):
    add(site, person, day=WEDNESDAY + dt.timedelta(days=7))

    with pytest.raises(ValidationError, match="18 March"):
        add(site, person, weeks=3)

    assert Shift.objects.count() == 1


def test_dropped_shift_leaves_the_time_to_others_and_to_oneself(site, person):
    (made,) = add(site, person)

    drop_shift(shift=made, by=person, now=NOW)
    drop_shift(shift=made, by=person, now=NOW + minutes(5))

    made.refresh_from_db()
    assert made.dropped_at == NOW
    assert add(site, person)
    assert len(shifts_of(site, START, END)) == 1


# --- supervision --------------------------------------------------------------------------------------------------


def test_place_that_says_nothing_asks_nothing():
    assert supervised_times(make_site(), START, END) is None


def test_rota_says_when_somebody_is_there(site, person):
    add(site, person)
    add(site, make_staff(site=site), begins=dt.time(18), ends=dt.time(20), by=person)

    assert supervised_times(site, START, END) == (Interval(at("14:00"), at("20:00")),)


def test_shift_counts_while_whoever_has_it_is_of_the_team_of_that_place(site, person):
    gone, elsewhere = make_staff(site=site), make_staff(site=site)
    add(site, gone, begins=dt.time(18), ends=dt.time(20), by=person)
    add(site, elsewhere, begins=dt.time(20), ends=dt.time(22), by=person)
    add(site, person)
    Person.objects.filter(pk=gone.pk).update(is_active=False)
    elsewhere.role_grants.update(site=make_site())

    assert supervised_times(site, START, END) == (Interval(at("14:00"), at("18:00")),)
    assert [shift.is_of_team for shift in shifts_of(site, at("14:00"), at("23:00"))] == [True, False, False]


def test_hours_without_the_team_are_not_supervised():
    site = make_site(hours={})
    ranges = {3: [(dt.time(10), TWO), (TWO, SIX)]}
    set_weekly_hours(site=site, ranges=ranges, unstaffed={(3, TWO)}, by=make_person(), now=NOW)

    found = supervised_times(site, START, END)

    assert found == (Interval(at("2026-03-18 10:00"), at("2026-03-18 14:00")),)


@pytest.mark.parametrize(
    ("is_on_rota", "visit", "has_desk", "is_watched"),
    [
        (True, None, True, False),
        (True, "here", True, True),
        (False, "here", True, True),
        (False, None, True, False),
        (True, "left", True, False),
        (False, "forgotten", True, False),
        (False, "member", True, False),
        (True, None, False, True),
        (False, None, False, False),
    ],
    ids=["on the rota, not here", "on the rota and here", "here without a shift", "nobody", "has left",
         "never checked out", "only a member is here", "no desk: the rota counts", "no desk, no rota"],
)  # fmt: skip
def test_start_asks_who_is_checked_in(site, person, is_on_rota, visit, has_desk, is_watched):
    now = START
    if is_on_rota:
        add(site, person)
    if visit:
        who = make_person() if visit == "member" else person
        arrived = now - LONGEST_STAY if visit == "forgotten" else now - minutes(60)
        came = arrive(site=site, person=who, by=None, now=arrived)
        if visit == "left":
            leave(visit=came, now=now - minutes(1))
    if not has_desk:
        turn_off("desk")

    found = supervised_now(site, START, END, now=now)

    assert found is not None
    assert any(duty.contains(Interval(START, END)) for duty in found) is is_watched


def test_start_where_the_place_says_nothing_asks_nothing():
    assert supervised_now(make_site(), START, END, now=START) is None


def test_start_in_staffed_hours_needs_no_check_in():
    site = make_site(hours={})
    ranges = {3: [(dt.time(8), dt.time(10)), (TWO, SIX)]}
    set_weekly_hours(site=site, ranges=ranges, unstaffed={(3, dt.time(8))}, by=make_person(), now=NOW)

    found = supervised_now(site, START, END, now=START)

    assert found is not None
    assert any(duty.contains(Interval(START, END)) for duty in found)

"""What a machine inherits from its category, and what the database refuses."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.db.models import RestrictedError
from django.db.models.deletion import ProtectedError

from machines.models import Attendance, Machine, OpeningException, OpeningHours, Outage, QualificationGrant
from machines.models.booking_settings import BookingSettings
from tests.factories import (
    NOW,
    at,
    grant,
    make_category,
    make_exception,
    make_machine,
    make_outage,
    make_person,
    make_qualification,
    make_site,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
CATEGORY = BookingSettings(
    attendance="throughout",
    shortest=minutes(30),
    longest=minutes(240),
    grid=minutes(15),
    notice=minutes(60),
    window=28 * DAY,
    setup_buffer=minutes(5),
    cleanup_buffer=minutes(10),
)


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ({}, {}),
        ({"longest": DAY}, {"longest": DAY}),
        ({"notice": minutes(0)}, {"notice": minutes(0)}),
        ({"cleanup_buffer": minutes(0)}, {"cleanup_buffer": minutes(0)}),
        ({"grid_min": 60}, {"grid": minutes(60)}),
        ({"attendance": Attendance.START}, {"attendance": "start"}),
        ({"attendance": ""}, {}),
    ],
    ids=["nothing", "longest", "no notice", "no clean-up", "grid", "attendance", "attendance left empty"],
)
def test_machine_booking_is_its_own_value_or_its_categorys(override, changed):
    category = make_category(notice=minutes(60), setup_buffer=minutes(5), cleanup_buffer=minutes(10))

    machine = make_machine(category=category, **override)

    expected = {name: getattr(CATEGORY, name) for name in CATEGORY.__slots__} | changed
    assert machine.booking == BookingSettings(**expected)


@pytest.mark.parametrize(("own", "expected"), [(None, 2), (0, 0), (3, 3)], ids=["inherited", "own zero", "own"])
def test_machine_risk_is_its_own_or_its_categorys(own, expected):
    assert make_machine(category=make_category(risk_level=2), risk_level=own).risk == expected


def test_machine_qualification_beats_its_categorys():
    laser, cnc = make_qualification(), make_qualification()
    category = make_category(qualification=laser)

    assert make_machine(category=category).wanted_qualification == laser
    assert make_machine(category=category, qualification=cnc).wanted_qualification == cnc


def test_retired_machine_is_shown_to_nobody():
    kept = make_machine()
    make_machine(retired_at=NOW)

    assert list(Machine.objects.visible_to(make_person(is_superuser=True))) == [kept]


@pytest.mark.parametrize(
    ("start", "end", "is_found"),
    [
        ("09:00", "10:00", False),
        ("09:00", "10:01", True),
        ("11:59", "13:00", True),
        ("12:00", "13:00", False),
    ],
    ids=["until it starts", "one minute of it", "its last minute", "from its end"],
)
def test_outage_overlapping_is_half_open(start, end, is_found):
    outage = make_outage(machine=make_machine(), start=at("10:00"), end=at("12:00"))

    assert list(Outage.objects.overlapping(at(start), at(end))) == ([outage] if is_found else [])


def test_outage_holds_from_its_start_until_its_end():
    outage = make_outage(machine=make_machine(), start=at("10:00"), end=at("12:00"))
    endless = make_outage(machine=make_machine(), start=at("12:00"))

    assert list(Outage.objects.holding_at(at("10:00"))) == [outage]
    assert list(Outage.objects.holding_at(at("12:00"))) == [endless]


@pytest.mark.parametrize(
    ("granted", "expires", "is_valid"),
    [("12:00", None, True), ("12:01", None, False), ("09:00", "12:00", False), ("09:00", "12:01", True)],
    ids=["just granted", "granted later", "just expired", "expires later"],
)
def test_qualification_grant_is_valid_from_grant_to_expiry(granted, expires, is_valid):
    held = grant(
        person=make_person(),
        qualification=make_qualification(),
        granted_at=at(granted),
        expires_at=at(expires) if expires else None,
    )

    assert list(QualificationGrant.objects.valid_at(at("12:00"))) == ([held] if is_valid else [])


def hours_of_day(**fields):
    return OpeningHours.objects.create(
        **({"site": make_site(open_all_day=False), "weekday": 1, "opens": "10:00", "closes": "12:00"} | fields)
    )


def twice_the_same_range():
    site = make_site(open_all_day=False)
    hours_of_day(site=site)
    hours_of_day(site=site, closes="11:00")


def closed_twice_on_one_date():
    site = make_site()
    make_exception(site=site, date="2026-03-11")
    make_exception(site=site, date="2026-03-11")


def half_an_exception():
    OpeningException.objects.create(site=make_site(), date="2026-03-11", opens="10:00")


def qualified(**fields):
    return grant(person=make_person(), qualification=make_qualification(), **fields)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("opening_range_once", twice_the_same_range),
        ("opening_weekday_is_iso", lambda: hours_of_day(weekday=0)),
        ("opening_weekday_is_iso", lambda: hours_of_day(weekday=8)),
        ("opening_closes_after_it_opens", lambda: hours_of_day(closes="10:00")),
        ("exception_range_once", closed_twice_on_one_date),
        ("exception_times_both_or_none", half_an_exception),
        ("exception_times_both_or_none", lambda: make_exception(site=make_site(), date="2026-03-11", closes="10:00")),
        (
            "exception_times_both_or_none",
            lambda: make_exception(site=make_site(), date="2026-03-11", opens="10:00", closes="10:00"),
        ),
        ("category_longest_not_below_shortest", lambda: make_category(longest=minutes(29))),
        ("category_grid_is_known", lambda: make_category(grid_min=7)),
        ("category_risk_is_known", lambda: make_category(risk_level=4)),
        ("category_seat_is_not_lent", lambda: make_category(is_seat=True, is_lent=True)),
        ("machine_longest_not_below_shortest", lambda: make_machine(shortest=DAY, longest=minutes(30))),
        ("machine_grid_is_known", lambda: make_machine(grid_min=7)),
        ("machine_risk_is_known", lambda: make_machine(risk_level=4)),
        ("outage_ends_after_it_starts", lambda: make_outage(machine=make_machine(), end=NOW)),
        ("qualification_expires_after_grant", lambda: qualified(granted_at=NOW, expires_at=NOW)),
        ("qualification_level_is_known", lambda: qualified(level=4)),
    ],
)
def test_database_refuses(name, write):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        write()


@pytest.mark.parametrize(
    "write",
    [
        lambda: hours_of_day(opens="00:00", closes="00:00"),
        lambda: hours_of_day(opens="18:00", closes="00:00"),
        lambda: make_exception(site=make_site(), date="2026-03-11", opens="18:00", closes="00:00"),
        lambda: make_category(shortest=DAY, longest=DAY),
        lambda: make_machine(shortest=DAY),
    ],
    ids=["all day", "until midnight", "exception until midnight", "one length only", "one bound of its own"],
)
def test_database_accepts(write):
    assert write().pk


def test_machine_with_history_is_never_deleted():
    machine = make_machine()
    reserve(machine=machine, start=at("10:00"), end=at("11:00"))

    with pytest.raises((ProtectedError, RestrictedError)):
        machine.delete()

"""Cancel, check in, finish, and the sweep of what has ended."""

import datetime as dt

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from machines.models import Attendance
from reservations.credits import credits_left, give_credits
from reservations.errors import ReservationRefused, WrongState
from reservations.life import check_in, close_ended_reservations, finish_reservation
from reservations.models import HeldUnit, Quota, Reservation, Status
from reservations.services import cancel_reservation
from tests.factories import (
    NOW,
    at,
    every_day,
    make_category,
    make_machine,
    make_person,
    make_site,
    make_staff,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN, TWELVE = at("10:00"), at("11:00"), at("12:00")
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def machine():
    return make_machine(setup_buffer=minutes(15), cleanup_buffer=minutes(15))


@pytest.fixture
def booked(machine):
    """10:00 to 12:00."""
    return reserve(machine=machine, start=TEN, end=TWELVE, holder=make_person())


@pytest.fixture
def running(booked):
    return check_in(reservation=booked, now=TEN)


def row(reservation):
    return Reservation.objects.values().get(pk=reservation.pk)


def test_cancelling_gives_the_time_back_and_says_who(booked, machine):
    done = cancel_reservation(reservation=booked, by=booked.holder, now=NOW)

    assert (done.status, done.cancelled_at, done.cancelled_by) == (Status.CANCELLED, NOW, booked.holder)
    assert not HeldUnit.objects.get().is_holding
    assert reserve(machine=machine, start=TEN, end=TWELVE).pk


def test_cancelling_twice_changes_nothing(booked):
    cancel_reservation(reservation=booked, by=booked.holder, now=NOW)
    before = row(booked)

    cancel_reservation(reservation=booked, by=make_person(), now=NOW + minutes(1))

    assert row(booked) == before


def test_reservation_in_use_is_finished_not_cancelled(running):
    with pytest.raises(WrongState, match="already_used"):
        cancel_reservation(reservation=running, by=running.holder, now=at("10:30"))


def test_reservation_whose_time_is_over_is_not_cancelled(booked):
    cancel_reservation(reservation=reserve_after(booked), by=booked.holder, now=at("13:00") - SECOND)

    with pytest.raises(WrongState, match="not_open"):
        cancel_reservation(reservation=booked, by=booked.holder, now=TWELVE)


def reserve_after(booked):
    """12:30 to 13:00."""
    return reserve(machine=booked.machine, start=at("12:30"), end=at("13:00"))


@pytest.mark.parametrize(
    ("now", "answer"),
    [
        (TEN - minutes(10) - SECOND, "too_early"),
        (TEN - minutes(10), Status.IN_USE),
        (TWELVE - SECOND, Status.IN_USE),
        (TWELVE, "not_open"),
    ],
    ids=["a second too early", "ten minutes before", "the last second", "when it is over"],
)
def test_check_in_opens_ten_minutes_before_and_closes_with_the_time(booked, now, answer):
    try:
        outcome = check_in(reservation=booked, now=now).status
    except WrongState as error:
        outcome = error.code

    assert outcome == answer
    assert row(booked)["checked_in_at"] == (now if outcome == Status.IN_USE else None)


def test_checking_in_twice_keeps_the_first_time(running):
    check_in(reservation=running, now=at("10:05"))

    assert row(running)["checked_in_at"] == TEN


def test_cancelled_reservation_is_not_checked_in(booked):
    cancel_reservation(reservation=booked, by=booked.holder, now=NOW)

    with pytest.raises(WrongState, match="not_open"):
        check_in(reservation=booked, now=TEN)


def test_finishing_early_gives_the_tail_back_after_the_clean_up(running, machine):
    done = finish_reservation(reservation=running, now=at("10:40"))

    assert (done.status, done.end, done.finished_at) == (Status.COMPLETED, at("10:40"), at("10:40"))
    assert (done.booked_start, done.booked_end) == (TEN, TWELVE)
    held = HeldUnit.objects.get()
    assert held.period == DateTimeTZRange(TEN, at("10:40"))
    assert held.blocked == DateTimeTZRange(at("09:45"), at("10:55"))
    with pytest.raises(ReservationRefused):
        reserve(machine=machine, start=ELEVEN, end=TWELVE, now=at("10:41"))
    assert reserve(machine=machine, start=at("11:15"), end=TWELVE, now=at("10:41")).pk


@pytest.mark.parametrize("now", [TWELVE, at("12:20")], ids=["on time", "late"])
def test_finishing_at_its_end_or_later_keeps_the_time(running, now):
    done = finish_reservation(reservation=running, now=now)

    assert (done.end, done.finished_at) == (TWELVE, now)
    assert HeldUnit.objects.get().blocked == DateTimeTZRange(at("09:45"), at("12:15"))


def test_finishing_before_the_start_gives_all_of_it_back(booked, machine):
    check_in(reservation=booked, now=at("09:52"))

    done = finish_reservation(reservation=booked, now=at("09:58"), by=booked.holder)

    assert (done.status, done.cancelled_at, done.cancelled_by) == (Status.CANCELLED, at("09:58"), booked.holder)
    assert reserve(machine=machine, start=TEN, end=TWELVE, now=at("09:59")).pk


@pytest.fixture
def dear():
    """Somebody's reservation of a machine that costs and wants a day's notice, which counts for their week."""
    Quota.objects.create(measure="count", period="week", most=1)
    machine = make_machine(category=make_category(credits_per_hour=2, cancel_notice=dt.timedelta(days=1)))
    person = make_person()
    give_credits(person=person, amount=5, by=None, now=NOW)
    return reserve(machine=machine, start=TEN, end=TWELVE, holder=person)


@pytest.mark.parametrize("who", ["holder", "companion", "device", "team"])
def test_checking_in_is_no_way_round_the_notice(dear, who):
    by = {"holder": dear.holder, "companion": make_person(), "device": None, "team": make_staff(site=dear.site)}[who]
    check_in(reservation=dear, now=at("09:52"))

    done = finish_reservation(reservation=dear, now=at("09:58"), by=by)

    is_free = who == "team"
    assert (done.status, credits_left(dear.holder, NOW)) == (Status.CANCELLED, 5 if is_free else 1)
    others = make_person()
    give_credits(person=others, amount=5, by=None, now=NOW)
    assert reserve(machine=dear.machine, start=TEN, end=TWELVE, holder=others, now=at("09:59")).pk
    later = {"machine": dear.machine, "holder": dear.holder, "start": at("2026-03-12 10:00")}
    more = {"end": at("2026-03-12 10:30"), "now": at("09:59")}
    if is_free:
        assert reserve(**later, **more).pk
    else:
        with pytest.raises(ReservationRefused, match="quota_exceeded"):
            reserve(**later, **more)


def test_finishing_twice_changes_nothing(running):
    finish_reservation(reservation=running, now=at("10:40"))
    before = row(running)

    finish_reservation(reservation=running, now=at("10:50"))

    assert row(running) == before


def test_finishing_needs_a_check_in(booked):
    with pytest.raises(WrongState, match="not_started"):
        finish_reservation(reservation=booked, now=at("10:30"))


def test_finishing_what_was_cancelled_is_refused(booked):
    cancel_reservation(reservation=booked, by=booked.holder, now=NOW)

    with pytest.raises(WrongState, match="not_open"):
        finish_reservation(reservation=booked, now=at("10:30"))


def test_print_that_ends_in_the_night_is_held_until_it_can_be_cleared():
    site = make_site(hours=every_day("10:00", "19:00"))
    printer = make_machine(
        site=site, attendance=Attendance.START, longest=minutes(1440), cleanup_buffer=minutes(15)
    )  # fmt: skip
    job = reserve(machine=printer, start=at("17:00"), end=at("2026-03-12 12:00"))
    check_in(reservation=job, now=at("17:00"))

    finish_reservation(reservation=job, now=at("2026-03-12 03:00"))

    held = HeldUnit.objects.get()
    assert held.period == DateTimeTZRange(at("17:00"), at("2026-03-12 03:00"))
    assert held.blocked == DateTimeTZRange(at("17:00"), at("2026-03-12 10:15"))


def test_sweep_finishes_what_is_over_and_nothing_else(machine):
    over = reserve(machine=machine, start=TEN, end=ELEVEN)
    used = reserve(machine=machine, start=at("11:30"), end=TWELVE)
    ahead = reserve(machine=machine, start=at("12:30"), end=at("13:00"))
    dropped = reserve(machine=machine, start=at("14:00"), end=at("15:00"))
    check_in(reservation=used, now=at("11:30"))
    cancel_reservation(reservation=dropped, by=make_person(), now=NOW)

    counts = [close_ended_reservations(now=now) for now in (TWELVE, TWELVE, at("12:59"))]

    assert counts == [2, 0, 0]
    assert {r.pk: (r.status, r.finished_at) for r in Reservation.objects.all()} == {
        over.pk: (Status.COMPLETED, ELEVEN),
        used.pk: (Status.COMPLETED, TWELVE),
        ahead.pk: (Status.CONFIRMED, None),
        dropped.pk: (Status.CANCELLED, None),
    }


def test_sweep_takes_the_oldest_first_when_there_are_many(machine):
    first = reserve(machine=machine, start=TEN, end=ELEVEN)
    reserve(machine=machine, start=at("11:30"), end=TWELVE)

    assert close_ended_reservations(now=at("15:00"), most=1) == 1
    assert Reservation.objects.get(status=Status.COMPLETED) == first


def test_finished_time_stays_held_in_history(running, machine):
    finish_reservation(reservation=running, now=at("10:40"))

    with pytest.raises(ReservationRefused):
        reserve(machine=machine, start=at("10:30"), end=at("11:15"), now=at("10:40"))

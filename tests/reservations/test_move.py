"""Moving and extending: every rule is asked at the destination, and a refusal changes nothing."""

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from reservations.errors import ReservationRefused, WrongState
from reservations.life import check_in, finish_reservation
from reservations.models import HeldUnit, Refusal, Reservation, Status
from reservations.rules import Code
from reservations.services import cancel_reservation, move_reservation
from tests.factories import (
    NOW,
    at,
    every_day,
    make_machine,
    make_outage,
    make_person,
    make_qualification,
    make_site,
    minutes,
    reserve,
    suspend,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN, TWELVE = at("10:00"), at("11:00"), at("12:00")


@pytest.fixture
def holder():
    return make_person()


@pytest.fixture
def machine():
    return make_machine(site=make_site(hours=every_day("08:00", "20:00")), cleanup_buffer=minutes(15))


@pytest.fixture
def booked(machine, holder):
    """10:00 to 11:00."""
    return reserve(machine=machine, start=TEN, end=ELEVEN, holder=holder)


def move(reservation, start, end, *, now=NOW, **more):
    by = reservation.holder
    return move_reservation(reservation=reservation, start=at(start), end=at(end), by=by, now=now, **more)


def state(reservation):
    """All that a move may change."""
    fresh = Reservation.objects.get(pk=reservation.pk)
    held = HeldUnit.objects.get(reservation=fresh)
    return (
        fresh.machine_id, fresh.start, fresh.end, fresh.booked_start, fresh.booked_end, fresh.status,
        held.unit_id, held.period, held.blocked, held.is_holding,
    )  # fmt: skip


def test_move_takes_time_and_buffers_along(booked, machine):
    moved = move(booked, "14:00", "15:30")

    start, end = at("14:00"), at("15:30")
    period, blocked = DateTimeTZRange(start, end), DateTimeTZRange(start, end + minutes(15))
    assert state(moved) == (
        machine.pk, start, end, start, end, Status.CONFIRMED, machine.unit_id, period, blocked, True,
    )  # fmt: skip


def test_move_gives_the_old_time_back(booked, machine):
    move(booked, "14:00", "15:00")

    assert reserve(machine=machine, start=TEN, end=ELEVEN).pk


def test_move_within_its_own_time_is_not_in_its_own_way(booked):
    assert move(booked, "10:30", "11:30").start == at("10:30")


def test_move_to_another_machine_leaves_the_first(booked, machine):
    other = make_machine(site=machine.site)

    moved = move(booked, "10:00", "11:00", machine=other)

    assert (moved.machine, HeldUnit.objects.get().unit_id) == (other, other.unit_id)
    assert reserve(machine=machine, start=TEN, end=ELEVEN).pk


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        ("19:00", "20:15", Code.CLOSED),
        ("16:00", "17:00", Code.MACHINE_UNAVAILABLE),
        ("12:15", "13:15", Code.TAKEN),
        ("11:30", "12:00", Code.PERSON_BUSY),
        ("10:00", "10:15", Code.TOO_SHORT),
        ("08:00", "12:15", Code.TOO_LONG),
        ("10:05", "11:05", Code.OFF_GRID),
        ("08:30", "09:30", Code.TOO_SOON),
        ("2026-04-15 10:00", "2026-04-15 11:00", Code.TOO_FAR),
    ],
)
def test_move_asks_every_rule_and_keeps_the_old_time(booked, machine, holder, start, end, code):
    make_outage(machine=machine, start=at("16:30"), end=at("18:00"))
    reserve(machine=machine, start=at("13:00"), end=at("14:00"))
    reserve(machine=make_machine(site=machine.site), start=at("11:15"), end=at("12:00"), holder=holder)
    before = state(booked)

    with pytest.raises(ReservationRefused) as refused:
        move(booked, start, end)

    codes = [denial.code for denial in refused.value.denials]
    assert code in codes
    assert state(booked) == before
    assert [row.codes for row in Refusal.objects.all()] == [[str(each) for each in codes]]


def test_move_asks_the_person_rules_too(booked, machine, holder):
    other = make_machine(site=machine.site, qualification=make_qualification())
    suspend(person=holder)
    before = state(booked)

    with pytest.raises(ReservationRefused) as refused:
        move(booked, "14:00", "15:00", machine=other)

    assert [denial.code for denial in refused.value.denials] == [Code.SUSPENDED, Code.QUALIFICATION_MISSING]
    assert state(booked) == before


def test_running_reservation_is_extended_over_free_time(booked):
    check_in(reservation=booked, now=TEN)

    extended = move(booked, "10:00", "12:00", now=at("10:30"))

    assert (extended.end, extended.booked_end, extended.status) == (TWELVE, TWELVE, Status.IN_USE)


def test_extension_stops_at_the_next_person(booked, machine):
    reserve(machine=machine, start=at("11:30"), end=at("12:30"))
    check_in(reservation=booked, now=TEN)
    before = state(booked)

    extended = move(booked, "10:00", "11:15", now=at("10:30"))
    with pytest.raises(ReservationRefused) as refused:
        move(booked, "10:00", "11:30", now=at("10:30"))

    assert [denial.code for denial in refused.value.denials] == [Code.TAKEN]
    assert extended.end == at("11:15")
    assert state(booked) != before


def test_extension_wants_no_notice(holder):
    machine = make_machine(notice=minutes(120))
    booked = reserve(machine=machine, start=at("11:00"), end=at("12:00"), holder=holder)

    assert move(booked, "11:00", "13:00", now=at("11:05")).end == at("13:00")


@pytest.mark.parametrize("is_checked_in", [True, False], ids=["in use", "not checked in"])
def test_running_reservation_keeps_its_start_and_its_machine(booked, machine, is_checked_in):
    if is_checked_in:
        check_in(reservation=booked, now=at("09:50"))
    later = at("09:55") if is_checked_in else TEN

    with pytest.raises(WrongState, match="already_started"):
        move(booked, "10:15", "11:00", now=later)
    with pytest.raises(WrongState, match="already_started"):
        move(booked, "10:00", "11:00", now=later, machine=make_machine(site=machine.site))


def test_running_reservation_cannot_end_in_the_past(booked):
    check_in(reservation=booked, now=TEN)

    with pytest.raises(ReservationRefused) as refused:
        move(booked, "10:00", "10:30", now=at("10:40"))

    assert [denial.code for denial in refused.value.denials] == [Code.TOO_SOON]


def finished(booked):
    check_in(reservation=booked, now=TEN)
    finish_reservation(reservation=booked, now=at("10:30"))


def cancelled(booked):
    cancel_reservation(reservation=booked, by=booked.holder, now=NOW)


@pytest.mark.parametrize("end_it", [finished, cancelled])
def test_reservation_that_ended_is_not_moved(booked, end_it):
    end_it(booked)

    with pytest.raises(WrongState, match="not_open"):
        move(booked, "14:00", "15:00")


def test_reservation_whose_time_is_over_is_not_moved_even_before_the_sweep(booked):
    with pytest.raises(WrongState, match="not_open"):
        move(booked, "10:00", "12:00", now=ELEVEN)

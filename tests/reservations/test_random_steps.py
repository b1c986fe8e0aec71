"""Random steps through the services, after each of which the promise of this app must hold."""

import datetime as dt

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from fablab.lib.intervals import Interval
from machines.models import Attendance
from reservations.errors import ReservationError
from reservations.life import check_in, close_ended_reservations, finish_reservation
from reservations.models import HeldUnit, Reservation
from reservations.models.reservation import HOLDING
from reservations.services import cancel_reservation, create_reservation, move_reservation
from tests.factories import (
    NOW,
    PARIS,
    at,
    every_day,
    make_category,
    make_machine,
    make_person,
    make_site,
    minutes,
    reserve,
)

pytestmark = pytest.mark.slow

BROKEN_PROMISES = """
    SELECT 'overlap', one.id, other.id
    FROM reservations_heldunit one JOIN reservations_heldunit other
      ON one.unit_id = other.unit_id AND one.id < other.id AND one.blocked && other.blocked
    WHERE one.is_holding AND other.is_holding
    UNION ALL
    SELECT 'not as its reservation', held.id, reservation.id
    FROM reservations_reservation reservation
    JOIN machines_machine machine ON machine.id = reservation.machine_id
    LEFT JOIN reservations_heldunit held ON held.reservation_id = reservation.id
    WHERE held.period IS DISTINCT FROM tstzrange(reservation.start, reservation."end")
       OR held.unit_id IS DISTINCT FROM machine.unit_id
       OR held.is_holding IS DISTINCT FROM (reservation.status = ANY(%s))
"""

machines = st.integers(0, 2)
people = st.integers(0, 2)
chosen = st.integers(0, 30)
# The clock is put forward, and back, in the night before these; one of three is an ordinary day.
days = st.sampled_from(["2026-03-11", "2026-03-29", "2026-10-25"])
times = st.tuples(st.integers(-2, 40), st.integers(1, 16))
waits = st.integers(0, 90)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), machines, people, times),
        st.tuples(st.just("move"), machines, chosen, times),
        st.tuples(st.just("extend"), chosen, st.integers(0, 8)),
        st.tuples(st.just("cancel"), chosen),
        st.tuples(st.just("check_in"), chosen),
        st.tuples(st.just("finish"), chosen),
        st.tuples(st.just("wait"), waits),
        st.tuples(st.just("sweep")),
    ),
    min_size=5,
    max_size=25,
)


class Lab:
    """Three machines and three people; one machine runs alone and one has buffers. Times count from `first`."""

    def __init__(self, hours=("08:00", "19:00"), first="2026-03-11 09:00", now=NOW):
        self.first = at(first)
        site = make_site(hours=every_day(*hours))
        category = make_category(shortest=minutes(15), longest=minutes(60 * 20))
        self.machines = [
            make_machine(site=site, category=category),
            make_machine(site=site, category=category, setup_buffer=minutes(15), cleanup_buffer=minutes(30)),
            make_machine(site=site, category=category, attendance=Attendance.START, cleanup_buffer=minutes(15)),
        ]
        self.people = [make_person(), make_person(), None]
        self.now = now
        self.done = 0

    def some(self, index):
        """One of the reservations made so far, if any."""
        rows = list(Reservation.objects.with_places().order_by("id"))
        return rows[index % len(rows)] if rows else None

    def interval(self, times):
        start = self.first + minutes(30 * times[0])
        return {"start": start, "end": start + minutes(30 * times[1])}

    def take(self, name, *arguments):
        """One step; a refusal is an answer too."""
        try:
            getattr(self, name)(*arguments)
            self.done += 1
        except ReservationError:
            return

    def create(self, machine, person, times):
        holder = self.people[person]
        create_reservation(
            machine=self.machines[machine], holder=holder, by=holder, now=self.now, **self.interval(times)
        )  # fmt: skip

    def move(self, machine, index, times):
        if found := self.some(index):
            move_reservation(
                reservation=found, machine=self.machines[machine], by=self.people[0], now=self.now,
                **self.interval(times),
            )  # fmt: skip

    def extend(self, index, quarters):
        if found := self.some(index):
            end = found.end + minutes(15 * quarters)
            move_reservation(reservation=found, start=found.start, end=end, by=self.people[0], now=self.now)

    def cancel(self, index):
        if found := self.some(index):
            cancel_reservation(reservation=found, by=self.people[0], now=self.now)

    def check_in(self, index):
        if found := self.some(index):
            check_in(reservation=found, now=self.now)

    def finish(self, index):
        if found := self.some(index):
            finish_reservation(reservation=found, now=self.now)

    def wait(self, number):
        self.now += dt.timedelta(minutes=number)

    def sweep(self):
        close_ended_reservations(now=self.now)


def broken_promises():
    with connection.cursor() as cursor:
        cursor.execute(BROKEN_PROMISES, [sorted(HOLDING)])
        return cursor.fetchall()


class PromiseHolds(TestCase):
    @given(steps=steps)
    @settings(max_examples=100, deadline=None)
    def test_held_units_never_overlap_and_follow_their_reservation(self, steps):
        lab = Lab()

        for step in steps:
            lab.take(*step)

            assert broken_promises() == []

    @given(steps=steps, day=days, opens=st.sampled_from(["00:00", "02:00", "02:30", "03:00"]))
    @settings(max_examples=60, deadline=None)
    def test_they_hold_in_the_nights_in_which_the_clock_is_changed(self, steps, day, opens):
        lab = Lab((opens, "19:00"), f"{day} 01:00", at(f"{day} 00:30"))

        for step in steps:
            lab.take(*step)

            assert broken_promises() == []
        assert_only_open_minutes_are_held(lab.machines[:2], opens, "19:00")


def assert_only_open_minutes_are_held(machines, opens, closes):
    """Minute by minute, by the clock on the wall: what needs people there never runs while the place is shut."""
    for row in Reservation.objects.filter(machine__in=machines, status__in=HOLDING):
        walk = (row.start + minutes(n) for n in range(int((row.end - row.start) / minutes(1))))
        assert all(opens <= f"{instant.astimezone(PARIS):%H:%M}" < closes for instant in walk), row


# Quarters of an hour from eleven in the evening before: the night, the change, and the morning after it.
quarters = st.tuples(st.integers(0, 48), st.integers(1, 12))
CHANGES = ("2026-03-29", "2026-10-25")


class ReservedAcrossAChange(TestCase):
    """What is accepted, and what is then blocked, against a walk through the minutes of the night."""

    @given(
        wanted=st.lists(quarters, min_size=1, max_size=6),
        day=st.sampled_from(CHANGES),
        opens=st.sampled_from(["00:00", "01:00", "02:00", "02:30", "03:00"]),
        setup=st.sampled_from([0, 15]),
        cleanup=st.sampled_from([0, 20]),
    )
    @settings(max_examples=80, deadline=None)
    def test_accepted_and_blocked_are_what_the_minutes_say(self, wanted, day, opens, setup, cleanup):
        first = at(f"{day} 00:00") - minutes(60)
        machine = make_machine(
            site=make_site(hours=every_day(opens, "20:00")), shortest=minutes(15), longest=minutes(180), grid_min=15,
            setup_buffer=minutes(setup), cleanup_buffer=minutes(cleanup),
        )  # fmt: skip
        held = set()

        for begin, length in wanted:
            asked = Interval(first + minutes(15 * begin), first + minutes(15 * (begin + length)))
            with_buffers = asked.grown(minutes(setup), minutes(cleanup))
            is_open = all(opens <= f"{instant.astimezone(PARIS):%H:%M}" < "20:00" for instant in walked(asked))
            expected = is_open and held.isdisjoint(walked(with_buffers))

            assert is_accepted(machine, asked, now=first - minutes(60)) == expected, asked

            held |= set(walked(with_buffers)) if expected else set()
        blocked = [row.blocked for row in HeldUnit.objects.filter(unit=machine.unit, is_holding=True)]
        assert {instant for each in blocked for instant in walked(Interval(each.lower, each.upper))} == held


def walked(interval):
    """Its minutes, of time that passes and not of the clock."""
    return [interval.start + minutes(n) for n in range(int((interval.end - interval.start) / minutes(1)))]


def is_accepted(machine, asked, now):
    try:
        reserve(machine=machine, start=asked.start, end=asked.end, now=now)
    except ReservationError:
        return False
    return True

"""Random steps through the services, after each of which the promise of this app must hold."""

import datetime as dt

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from machines.models import Attendance
from reservations.errors import ReservationError
from reservations.life import check_in, close_ended_reservations, finish_reservation
from reservations.models import Reservation
from reservations.models.reservation import HOLDING
from reservations.services import cancel_reservation, create_reservation, move_reservation
from tests.factories import NOW, at, every_day, make_category, make_machine, make_person, make_site, minutes

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
    """Three machines and three people; one machine runs alone and one has buffers."""

    def __init__(self):
        site = make_site(hours=every_day("08:00", "19:00"))
        category = make_category(shortest=minutes(15), longest=minutes(60 * 20))
        self.machines = [
            make_machine(site=site, category=category),
            make_machine(site=site, category=category, setup_buffer=minutes(15), cleanup_buffer=minutes(30)),
            make_machine(site=site, category=category, attendance=Attendance.START, cleanup_buffer=minutes(15)),
        ]
        self.people = [make_person(), make_person(), None]
        self.now = NOW
        self.done = 0

    def some(self, index):
        """One of the reservations made so far, if any."""
        rows = list(Reservation.objects.with_places().order_by("id"))
        return rows[index % len(rows)] if rows else None

    def interval(self, times):
        start = at("09:00") + minutes(30 * times[0])
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


class PromiseHolds(TestCase):
    @given(steps=steps)
    @settings(max_examples=100, deadline=None)
    def test_held_units_never_overlap_and_follow_their_reservation(self, steps):
        lab = Lab()

        for step in steps:
            lab.take(*step)

            with connection.cursor() as cursor:
                cursor.execute(BROKEN_PROMISES, [sorted(HOLDING)])
                assert cursor.fetchall() == []

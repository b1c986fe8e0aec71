"""Random walks through the life of reservations, by service, API and admin alike: no illegal step is possible."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from people.models import Role
from reservations.errors import ReservationError
from reservations.expiry import expire_due
from reservations.life import approve, check_in, close_ended_reservations, finish_reservation, refuse
from reservations.models import Deed, Reservation, Status
from reservations.no_show import answer, ask_where_they_are, release_no_shows
from reservations.services import cancel_reservation, create_reservation, move_reservation
from reservations.waiting import accept_offer, decline_offer, join_waiting, sweep_waiting
from tests.factories import NOW, at, make_category, make_machine, make_person, make_site, make_staff, minutes

pytestmark = pytest.mark.slow

S = Status
# What may follow what. Nothing follows an end.
LEGAL = {
    S.HELD: {S.CONFIRMED, S.PENDING, S.EXPIRED, S.CANCELLED},
    S.PENDING: {S.CONFIRMED, S.REFUSED, S.EXPIRED, S.CANCELLED},
    S.CONFIRMED: {S.IN_USE, S.PENDING, S.CANCELLED, S.NO_SHOW, S.COMPLETED},
    S.IN_USE: {S.COMPLETED, S.CANCELLED},
}
BEGINNINGS = {S.HELD, S.PENDING, S.CONFIRMED}
DEEDS = (
    "create", "move", "cancel", "approve", "refuse", "check_in", "finish", "wait_for", "accept", "decline", "coming",
    "sweep", "admin",
)  # fmt: skip
steps = st.lists(
    st.tuples(st.sampled_from(DEEDS), st.booleans(), st.integers(0, 9), st.integers(0, 40)), min_size=5, max_size=30
)


class Walk:
    """One machine that wants a yes and one that does not, three people, a manager, and a clock that goes on."""

    def __init__(self):
        site = make_site()
        self.machines = [
            make_machine(site=site, category=make_category(needs_approval=wants)) for wants in (False, True)
        ]
        self.people = [make_person() for _ in range(3)]
        self.manager = make_staff(site=site, role=Role.FAB_MANAGER)
        self.now = NOW

    def some(self, number):
        rows = list(Reservation.objects.with_places().order_by("pk"))
        return rows[number % len(rows)] if rows else None

    def step(self, deed, by_api, number, wait_min):
        self.now += minutes(wait_min)
        try:
            if deed in ("create", "wait_for", "sweep"):
                getattr(self, deed)(number)
            elif found := self.some(number):
                self.admin(found) if deed == "admin" else self.change(deed, by_api, found)
        except ReservationError:
            return

    def create(self, number):
        who, start = self.people[number % 3], at("10:00") + minutes(30 * (number % 5))
        create_reservation(
            machine=self.machines[number % 2], start=start, end=start + minutes(60), holder=who, by=who, now=self.now
        )  # fmt: skip

    def wait_for(self, number):
        if found := self.some(number):
            who = self.people[number % 3]
            join_waiting(machine=found.machine, person=who, start=found.start, end=found.end, by=who, now=self.now)

    def sweep(self, number):
        (expire_due, sweep_waiting, ask_where_they_are, release_no_shows,
         lambda now: close_ended_reservations(now=now))[number % 5](self.now)  # fmt: skip

    def change(self, deed, by_api, found):
        if by_api and deed in ("cancel", "check_in", "finish"):
            self.by_api(deed, found)
            return
        now, holder = self.now, found.holder
        {
            "move": lambda: move_reservation(
                reservation=found, start=found.start + minutes(30), end=found.end + minutes(30), by=holder, now=now
            ),
            "cancel": lambda: cancel_reservation(reservation=found, by=holder, now=now),
            "approve": lambda: approve(reservation=found, by=self.manager, now=now),
            "refuse": lambda: refuse(reservation=found, by=self.manager, now=now, decision="No"),
            "check_in": lambda: check_in(reservation=found, now=now, by=holder),
            "finish": lambda: finish_reservation(reservation=found, now=now, by=holder),
            "accept": lambda: accept_offer(reservation=found, by=holder, now=now),
            "decline": lambda: decline_offer(reservation=found, by=holder, now=now),
            "coming": lambda: answer(reservation=found, by=holder, now=now),
        }[deed]()

    def by_api(self, deed, found):
        client = Client()
        with time_machine.travel(self.now, tick=False):
            client.force_login(found.holder, backend="people.sign_in_backends.PersonBackend")
            path = f"/api/v1/reservations/{found.reference}/{deed.replace('_', '-')}/"
            assert client.post(path).status_code in (200, 409)

    def admin(self, found):
        client = Client()
        client.force_login(self.manager, backend="people.sign_in_backends.PersonBackend")
        path = f"/admin/reservations/reservation/{found.pk}/change/"
        assert client.post(path, {"status": "confirmed"}).status_code in (302, 403)


def statuses():
    return dict(Reservation.objects.values_list("pk", "status"))


class LifeIsLegal(TestCase):
    @given(walk=steps)
    @settings(max_examples=40, deadline=None)
    def test_no_walk_takes_an_illegal_step_and_each_leaves_its_deed(self, walk):
        lab, before = Walk(), {}

        for step in walk:
            lab.step(*step)

            after = statuses()
            changed = {pk: (before.get(pk), now) for pk, now in after.items() if before.get(pk) != now}
            assert set(before) <= set(after), "nothing is deleted"
            for old, new in changed.values():
                assert new in (BEGINNINGS if old is None else LEGAL.get(Status(old), set())), f"{old} → {new}"
            before = after
        without = Reservation.objects.exclude(pk__in=Deed.objects.values("reservation"))
        assert not without.exists()


def test_every_status_is_reached_by_some_step_or_is_kept_for_drafts():
    reached = BEGINNINGS.union(*LEGAL.values())

    assert set(Status) - reached == {Status.DRAFT}


def test_clock_of_the_walks_reaches_the_ends():
    assert NOW + dt.timedelta(minutes=40 * 30) > at("13:00")

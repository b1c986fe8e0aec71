"""Many at once for the same thing: one winner, no deadlock, no long wait. On a real database, with real commits."""

import contextlib
import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from reservations.credits import give_credits, ledger_differs
from reservations.errors import ReservationError, ReservationRefused, WrongState
from reservations.life import check_in, finish_reservation
from reservations.models import HeldUnit, Quota, Refusal, Reservation, Status
from reservations.services import cancel_reservation, create_reservation, move_reservation
from tests.factories import NOW, at, make_category, make_machine, make_person, make_site, minutes, reserve

pytestmark = [
    pytest.mark.serial,
    # Naming the apps makes Django empty tables with CASCADE: the partitioned readings are not its own.
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

CLIENTS = 50
ROUNDS = 6
# Half of what the settings allow. All fifty share one interpreter here, which stretches the queue to over a second.
LONGEST_LOCK_WAIT = "4s"
TEN, ELEVEN = at("10:00"), at("11:00")


def at_once(actions):
    """Run them all from one starting gun, each on a connection of its own that waits for no lock too long."""
    gun = threading.Barrier(len(actions))

    def run(action):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LONGEST_LOCK_WAIT])
            gun.wait(timeout=30)
            return action()
        except ReservationError as error:
            return error
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def wish(machine, holder, start=TEN, end=ELEVEN):
    return lambda: create_reservation(
        machine=machine, start=start, end=end, holder=holder, by=holder, now=NOW
    )  # fmt: skip


def change_to(reservation, machine, start):
    return lambda: move_reservation(
        reservation=reservation, start=start, end=start + minutes(60), by=reservation.holder, now=NOW, machine=machine
    )  # fmt: skip


def winners(outcomes):
    return [outcome for outcome in outcomes if isinstance(outcome, Reservation)]


def losers_codes(outcomes):
    return {tuple(d.code for d in outcome.denials) for outcome in outcomes if isinstance(outcome, ReservationRefused)}


def test_fifty_people_for_one_slot_make_one_winner_each_round():
    machine, people = make_machine(), [make_person() for _ in range(CLIENTS)]
    before = deadlocks()

    for round_number in range(ROUNDS):
        start = TEN + minutes(60 * round_number)
        outcomes = at_once([wish(machine, person, start, start + minutes(60)) for person in people])

        assert len(winners(outcomes)) == 1
        assert losers_codes(outcomes) == {("taken",)}

    assert Reservation.objects.count() == HeldUnit.objects.count() == ROUNDS
    assert Refusal.objects.count() == ROUNDS * (CLIENTS - 1)
    assert deadlocks() == before


def test_ten_people_for_three_twins_make_three_winners():
    site, category = make_site(), make_category()
    twins = [make_machine(site=site, category=category) for _ in range(3)]
    people = [make_person() for _ in range(10)]

    def any_of(holder):
        """Ask for the first twin, then for the next."""

        def act():
            for twin in twins[:-1]:
                with contextlib.suppress(ReservationRefused):
                    return wish(twin, holder)()
            return wish(twins[-1], holder)()

        return act

    outcomes = at_once([any_of(person) for person in people])

    assert sorted(made.machine_id for made in winners(outcomes)) == [twin.pk for twin in twins]
    assert losers_codes(outcomes) == {("taken",)}


def test_one_person_at_ten_machines_at_once_gets_one():
    site, person = make_site(), make_person()
    machines = [make_machine(site=site) for _ in range(10)]

    outcomes = at_once([wish(machine, person) for machine in machines])

    assert len(winners(outcomes)) == 1
    assert losers_codes(outcomes) == {("person_busy",)}


def test_two_reservations_that_swap_machines_do_not_deadlock():
    site = make_site()
    machines = [make_machine(site=site), make_machine(site=site)]
    before = deadlocks()

    for round_number in range(10):
        day = TEN + dt.timedelta(days=round_number)
        booked = [
            reserve(machine=machine, start=day, end=day + minutes(60), holder=make_person()) for machine in machines
        ]
        later = day + minutes(120)
        at_once([change_to(*pair, later) for pair in zip(booked, reversed(machines), strict=True)])

    assert Reservation.objects.count() == 20
    assert deadlocks() == before


def test_move_cancel_check_in_and_finish_at_once_end_in_one_state():
    machine = make_machine()
    for round_number in range(8):
        start = TEN + minutes(120 * round_number)
        booked = reserve(machine=machine, start=start, end=start + minutes(60), holder=make_person())
        now = start - minutes(5)
        actions = [
            lambda b=booked, n=now: cancel_reservation(reservation=b, by=b.holder, now=n),
            lambda b=booked, n=now: check_in(reservation=b, now=n),
            lambda b=booked, n=now: finish_reservation(reservation=b, now=n + minutes(20)),
            lambda b=booked, n=now: move_reservation(
                reservation=b, start=b.start, end=b.end + minutes(30), by=b.holder, now=n
            ),
        ]

        outcomes = at_once(actions)

        assert all(isinstance(outcome, Reservation | WrongState) for outcome in outcomes)
        fresh = Reservation.objects.get(pk=booked.pk)
        held = HeldUnit.objects.get(reservation=fresh)
        assert held.period == DateTimeTZRange(fresh.start, fresh.end)
        assert held.is_holding == (fresh.status != Status.CANCELLED)


def test_constraint_has_the_last_word_over_a_writer_who_takes_no_lock():
    machine, person = make_machine(), make_person()
    times = DateTimeTZRange(TEN, ELEVEN)
    intruder = Reservation.objects.create(
        site=machine.site, machine=machine, start=TEN, end=ELEVEN, booked_start=TEN, booked_end=ELEVEN, created_at=NOW
    )  # fmt: skip

    with ThreadPoolExecutor(1) as pool:
        connection.set_autocommit(False)
        try:
            HeldUnit.objects.create(reservation=intruder, unit_id=machine.unit_id, period=times, blocked=times)
            waiting = pool.submit(at_once, [wish(machine, person)])
            wait_until_somebody_waits()
            connection.commit()
        finally:
            connection.rollback()
            connection.set_autocommit(True)
        (outcome,) = waiting.result(timeout=10)

    assert losers_codes([outcome]) == {("taken",)}
    assert HeldUnit.objects.get().reservation == intruder
    assert [row.codes for row in Refusal.objects.all()] == [["taken"]]


def wait_until_somebody_waits():
    """Until another session waits for a lock. (The activity view would be frozen inside a transaction.)"""
    give_up_at = time.monotonic() + 10
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
    while time.monotonic() < give_up_at:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waited")


def test_last_credits_and_the_last_of_a_limit_are_used_once():
    site = make_site()
    paid = make_category(credits_per_hour=1)
    person, other = make_person(), make_person()
    give_credits(person=person, amount=1, by=None, now=NOW)
    Quota.objects.create(measure="count", period="to_come", most=1)
    costly = [make_machine(site=site, category=paid) for _ in range(5)]
    free = [make_machine(site=site) for _ in range(5)]

    spent = at_once([
        wish(machine, person, TEN + minutes(60 * n), ELEVEN + minutes(60 * n)) for n, machine in enumerate(costly)
    ])  # fmt: skip
    limited = at_once([
        wish(machine, other, TEN + minutes(60 * n), ELEVEN + minutes(60 * n)) for n, machine in enumerate(free)
    ])  # fmt: skip

    assert [len(winners(outcomes)) for outcomes in (spent, limited)] == [1, 1]
    assert ledger_differs() == []

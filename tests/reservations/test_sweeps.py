"""A row that cannot be swept keeps none of the others waiting."""

import logging

import pytest
from django.db import connection

from machines.models import Outage
from reservations import evidence
from reservations.evidence import Use
from reservations.expiry import expire_due
from reservations.life import close_ended_reservations
from reservations.loans import hand_over
from reservations.models import Condition, Reservation, Status, WaitingEntry
from reservations.no_show import ask_where_they_are, release_no_shows
from reservations.overdue import GRACE, watch_overdue
from reservations.waiting import join_waiting, sweep_waiting
from tests.factories import at, make_machine, make_person, minutes, reserve

pytestmark = pytest.mark.django_db

TEN, ELEVEN, TWELVE = at("10:00"), at("11:00"), at("12:00")
THURSDAY_TEN = at("2026-03-12 10:00")

BREAKS = """
CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'this row is broken'; END $$;
CREATE TRIGGER breaks BEFORE {deed} ON {table} FOR EACH ROW WHEN ({row}) EXECUTE FUNCTION breaks();
"""


def break_row(deed, table, row):
    """From now on the server refuses this row, as it would one that breaks a constraint nobody thought of."""
    with connection.cursor() as cursor:
        cursor.execute(BREAKS.format(deed=deed, table=table, row=row))


def two():
    return [reserve(machine=make_machine(), start=TEN, end=TWELVE, holder=make_person()) for _ in range(2)]


@pytest.fixture
def pair():
    """Of two the first is broken."""
    broken, sound = two()
    break_row("UPDATE", "reservations_reservation", f"OLD.id = {broken.pk}")
    return broken, sound


def statuses(*rows):
    return [Reservation.objects.get(pk=row.pk).status for row in rows]


def test_what_is_over_is_finished_beside_one_that_cannot_be(pair, caplog):
    assert close_ended_reservations(now=TWELVE) == 1

    assert statuses(*pair) == [Status.CONFIRMED, Status.COMPLETED]
    assert [(log.levelno, "this row is broken" in caplog.text) for log in caplog.records] == [(logging.ERROR, True)]
    assert pair[0].holder.last_name not in caplog.text


def test_those_who_have_not_come_are_asked_beside_one_who_cannot_be(pair):
    assert ask_where_they_are(TEN + minutes(5)) == 1


def test_what_nobody_came_for_is_released_beside_what_cannot_be(monkeypatch, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(evidence, "_witnesses", [lambda machine, start, end: Use.IDLE])
    pair = two()
    for row in pair:
        row.holder.contact_email = f"{row.pk}@example.org"
        row.holder.save()
    ask_where_they_are(TEN + minutes(5))
    break_row("UPDATE", "reservations_reservation", f"OLD.id = {pair[0].pk}")

    assert release_no_shows(TEN + minutes(15)) == 1
    assert statuses(*pair) == [Status.CONFIRMED, Status.NO_SHOW]


def test_what_may_never_be_released_does_not_stand_before_what_may(monkeypatch, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    silent, heard = two()
    heard.holder.contact_email = "zoe@example.org"
    heard.holder.save()
    monkeypatch.setattr(evidence, "_witnesses", [lambda machine, start, end: Use.IDLE])
    ask_where_they_are(TEN + minutes(5))

    assert release_no_shows(TEN + minutes(15), most=1) == 1
    assert statuses(silent, heard) == [Status.CONFIRMED, Status.NO_SHOW]


def test_requests_run_out_beside_one_that_cannot():
    broken, sound = two()
    Reservation.objects.update(status=Status.PENDING, expires_at=TEN)
    break_row("UPDATE", "reservations_reservation", f"OLD.id = {broken.pk}")

    assert expire_due(TEN) == 1
    assert statuses(broken, sound) == [Status.PENDING, Status.EXPIRED]


def test_those_who_wait_are_served_beside_one_who_cannot_be():
    entries = []
    for _ in range(2):
        person = make_person()
        entries.append(
            join_waiting(machine=make_machine(), person=person, start=TEN, end=ELEVEN, by=person, now=at("09:00"))
        )
    break_row("INSERT", "reservations_reservation", f"NEW.holder_id = {entries[0].person_id}")

    assert sweep_waiting(at("09:01")) == 1
    states = list(WaitingEntry.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["waiting", "offered"]


def test_broken_place_on_the_list_stops_nobody_who_reserves():
    machine, person = make_machine(), make_person()
    join_waiting(machine=machine, person=person, start=TEN, end=ELEVEN, by=person, now=at("09:00"))
    break_row("INSERT", "reservations_reservation", f"NEW.holder_id = {person.pk}")

    assert reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person()).pk


def test_what_is_not_back_is_watched_beside_what_cannot_be(site, kind, mediator):
    laptops = [make_machine(site=site, category=kind) for _ in range(2)]
    for laptop in laptops:
        borrowed = reserve(machine=laptop, start=TEN, end=THURSDAY_TEN, holder=make_person())
        hand_over(reservation=borrowed, conditions={laptop.pk: Condition.GOOD}, by=mediator, now=TEN)
    break_row("INSERT", "machines_outage", f"NEW.machine_id = {laptops[0].pk}")

    assert watch_overdue(THURSDAY_TEN + GRACE) == 1
    assert Outage.objects.get().machine == laptops[1]


def test_what_is_never_brought_back_does_not_stand_before_what_is_late(site, kind, mediator):
    laptops = [make_machine(site=site, category=kind) for _ in range(2)]
    for laptop in laptops:
        borrowed = reserve(machine=laptop, start=TEN, end=THURSDAY_TEN, holder=make_person())
        hand_over(reservation=borrowed, conditions={laptop.pk: Condition.GOOD}, by=mediator, now=TEN)

    assert [watch_overdue(THURSDAY_TEN + GRACE, most=1) for _ in range(3)] == [1, 1, 0]

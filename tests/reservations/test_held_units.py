"""What the database itself refuses, and the trigger that keeps held units in step with their reservation."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from machines.models import Unit
from reservations.models import HeldUnit, Refusal, Reservation, Status
from reservations.models.reservation import HOLDING
from tests.factories import NOW, at, make_machine, make_person, minutes, reserve

pytestmark = pytest.mark.django_db

TEN, ELEVEN, TWELVE = at("10:00"), at("11:00"), at("12:00")


@pytest.fixture
def booked():
    """10:00 to 11:00, with 15 min of clean-up."""
    return reserve(machine=make_machine(cleanup_buffer=minutes(15)), start=TEN, end=ELEVEN, holder=make_person())


def raw_reservation(machine, *, status=Status.CONFIRMED, **fields):
    """Straight into the table, past every rule."""
    times = {"start": TEN, "end": ELEVEN, "booked_start": TEN, "booked_end": ELEVEN, "created_at": NOW}
    return Reservation.objects.create(site=machine.site, machine=machine, status=status, **(times | fields))


def raw_held(reservation, start, end, *, blocked=None, **fields):
    period = DateTimeTZRange(at(start), at(end))
    return HeldUnit.objects.create(
        reservation=reservation,
        unit_id=fields.pop("unit_id", reservation.machine.unit_id),
        period=period,
        blocked=blocked or period,
        **fields,
    )


@pytest.mark.parametrize(
    ("start", "end", "is_refused"),
    [
        ("10:00", "11:00", True),
        ("11:14", "12:00", True),
        ("09:00", "10:01", True),
        ("11:15", "12:00", False),
        ("09:00", "10:00", False),
    ],
    ids=["same time", "inside the clean-up", "first minute", "after the clean-up", "just before"],
)
def test_raw_insert_over_a_held_unit_is_refused(booked, start, end, is_refused):
    other = raw_reservation(booked.machine)

    try:
        with transaction.atomic():
            raw_held(other, start, end)
        refusal = ""
    except IntegrityError as error:
        refusal = str(error)

    assert ("held_units_do_not_overlap" in refusal) == is_refused


def test_raw_update_onto_a_held_unit_is_refused(booked):
    other = raw_held(raw_reservation(booked.machine), "13:00", "14:00")
    times = DateTimeTZRange(at("10:30"), at("11:30"))

    with pytest.raises(IntegrityError, match="held_units_do_not_overlap"), transaction.atomic():
        HeldUnit.objects.filter(pk=other.pk).update(period=times, blocked=times)


# What the constraints want beside the status.
WITH_STATUS = {
    Status.CANCELLED: {"cancelled_at": NOW},
    Status.HELD: {"expires_at": NOW},
    Status.REFUSED: {"decided_at": NOW},
}


@pytest.mark.parametrize("status", Status)
def test_held_unit_of_a_new_row_follows_the_status(status):
    machine = make_machine()

    # A wrong claim is put right by the trigger.
    held = raw_held(
        raw_reservation(machine, status=status, **WITH_STATUS.get(status, {})),
        "10:00",
        "11:00",
        is_holding=status not in HOLDING,
    )

    held.refresh_from_db()
    assert held.is_holding == (status in HOLDING)


@pytest.mark.parametrize("status", Status)
def test_is_holding_follows_update_of_the_status(booked, status):
    Reservation.objects.filter(pk=booked.pk).update(status=status, **WITH_STATUS.get(status, {}))

    assert HeldUnit.objects.get().is_holding == (status in HOLDING)


def test_is_holding_follows_bulk_update_and_plain_sql():
    machine = make_machine()
    rows = [reserve(machine=machine, start=at(f"{hour}:00"), end=at(f"{hour + 1}:00")) for hour in range(10, 13)]
    for reservation in rows[:2]:
        reservation.status = Status.NO_SHOW

    Reservation.objects.bulk_update(rows[:2], ["status"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reservations_reservation SET status = 'expired' WHERE id = %s", [rows[2].pk])

    assert list(HeldUnit.objects.filter(is_holding=True)) == []


def test_is_holding_cannot_be_switched_off_alone(booked):
    HeldUnit.objects.update(is_holding=False)

    assert HeldUnit.objects.get().is_holding


def test_reservation_does_not_come_back_over_another(booked):
    Reservation.objects.filter(pk=booked.pk).update(status=Status.CANCELLED, cancelled_at=NOW)
    reserve(machine=booked.machine, start=TEN, end=ELEVEN)

    with pytest.raises(IntegrityError, match="held_units_do_not_overlap"), transaction.atomic():
        Reservation.objects.filter(pk=booked.pk).update(status=Status.CONFIRMED, cancelled_at=None)

    assert list(Reservation.objects.filter(status=Status.CANCELLED)) == [booked]


def test_one_constraint_name_is_the_one_the_services_know():
    from reservations.holding import NO_OVERLAP

    assert NO_OVERLAP in {constraint.name for constraint in HeldUnit._meta.constraints}


def unbounded():
    reservation = raw_reservation(make_machine())
    period = DateTimeTZRange(TEN, None)
    HeldUnit.objects.create(
        reservation=reservation, unit_id=reservation.machine.unit_id, period=period, blocked=period
    )  # fmt: skip


def empty():
    raw_held(raw_reservation(make_machine()), "10:00", "10:00", blocked=DateTimeTZRange(TEN, ELEVEN))


def blocked_too_narrow():
    raw_held(raw_reservation(make_machine()), "10:00", "11:00", blocked=DateTimeTZRange(TEN, at("10:59")))


def held_twice():
    reservation = raw_reservation(make_machine())
    raw_held(reservation, "10:00", "11:00")
    raw_held(reservation, "13:00", "14:00")


def write(**fields):
    raw_reservation(make_machine(), **fields)


def refusal_without_reason():
    Refusal.objects.create(machine=make_machine(), start=TEN, end=ELEVEN, codes=[], origin="page", at=NOW)


@pytest.mark.parametrize(
    ("name", "attempt"),
    [
        ("held_period_is_bounded", unbounded),
        ("held_period_is_bounded", empty),
        ("held_blocked_covers_period", blocked_too_narrow),
        ("unit_held_once_a_reservation", held_twice),
        ("reservation_ends_after_it_starts", lambda: write(end=TEN)),
        ("reservation_booked_in_order", lambda: write(booked_end=TEN)),
        ("reservation_status_is_known", lambda: write(status="asleep")),
        ("reservation_cancelled_has_its_time", lambda: write(status=Status.CANCELLED)),
        ("reservation_cancelled_has_its_time", lambda: write(cancelled_at=NOW)),
        ("reservation_finished_is_completed", lambda: write(finished_at=NOW)),
        ("reservation_held_has_an_end", lambda: write(status=Status.HELD)),
        ("reservation_refused_was_decided", lambda: write(status=Status.REFUSED)),
        ("reservation_no_show_never_came", lambda: write(status=Status.NO_SHOW, checked_in_at=NOW)),
        ("refusal_has_a_reason", refusal_without_reason),
    ],
)
def test_database_refuses(name, attempt):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        attempt()


def test_one_reservation_may_hold_several_units(booked):
    extra = Unit.objects.create(site=booked.site)

    raw_held(booked, "10:00", "11:00", unit_id=extra.pk)

    assert booked.held_units.count() == 2

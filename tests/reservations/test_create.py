"""Reserving: what is written, what is refused, and what is kept of a refusal."""

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from machines.models import Attendance
from reservations.errors import Alternative, ReservationRefused
from reservations.models import HeldUnit, Origin, Refusal, Reservation, Status
from reservations.refusals import pseudonym
from reservations.rules import Code, Purpose
from reservations.services import create_reservation
from tests.factories import (
    NOW,
    at,
    every_day,
    grant,
    make_category,
    make_machine,
    make_outage,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    make_team,
    minutes,
    reserve,
    suspend,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN, TWELVE = at("10:00"), at("11:00"), at("12:00")


def span(start, end):
    return DateTimeTZRange(at(start), at(end))


def codes_of(refused):
    return [denial.code for denial in refused.value.denials]


def test_reservation_holds_its_unit_with_both_buffers():
    machine = make_machine(setup_buffer=minutes(10), cleanup_buffer=minutes(15))
    holder, staff = make_person(), make_staff(site=machine.site)
    team = make_team(site=machine.site, members=[holder])

    made = create_reservation(
        machine=machine, start=TEN, end=ELEVEN, holder=holder, by=staff, now=NOW,
        origin=Origin.DESK, team=team, note="Badges",
    )  # fmt: skip

    kept = Reservation.objects.get()
    assert kept == made
    assert (kept.start, kept.end, kept.booked_start, kept.booked_end) == (TEN, ELEVEN, TEN, ELEVEN)
    assert (kept.holder, kept.created_by, kept.team) == (holder, staff, team)
    assert (kept.status, kept.origin, kept.note, kept.created_at) == ("confirmed", "desk", "Badges", NOW)
    held = HeldUnit.objects.get()
    assert (held.unit_id, held.reservation, held.is_holding) == (machine.unit_id, made, True)
    assert (held.period, held.blocked) == (span("10:00", "11:00"), span("09:50", "11:15"))


def test_anonymous_ticket_has_no_holder():
    machine = make_machine()

    made = reserve(machine=machine, start=TEN, end=ELEVEN, origin=Origin.KIOSK)

    assert (made.holder, made.created_by) == (None, None)


def test_anonymous_ticket_is_not_qualified():
    machine = make_machine(qualification=make_qualification())

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=TEN, end=ELEVEN)

    assert codes_of(refused) == [Code.QUALIFICATION_MISSING]


@pytest.mark.parametrize(
    ("start", "end", "is_taken"),
    [
        ("11:45", "12:45", False),
        ("11:30", "12:30", True),
        ("08:45", "09:15", False),
        ("09:00", "09:30", True),
    ],
    ids=["after both buffers", "inside the buffers", "before both buffers", "buffers touch before"],
)
def test_neighbours_keep_both_buffers(start, end, is_taken):
    machine = make_machine(setup_buffer=minutes(15), cleanup_buffer=minutes(30))
    reserve(machine=machine, start=TEN, end=ELEVEN)

    try:
        reserve(machine=machine, start=at(start), end=at(end), now=at("2026-03-10 09:00"))
    except ReservationRefused as refusal:
        answer = [denial.code for denial in refusal.denials]
    else:
        answer = []

    assert answer == ([Code.TAKEN] if is_taken else [])


def test_two_machines_of_one_category_do_not_disturb_each_other():
    category, site = make_category(), make_site()
    first, second = make_machine(site=site, category=category), make_machine(site=site, category=category)

    reserve(machine=first, start=TEN, end=ELEVEN)
    reserve(machine=second, start=TEN, end=ELEVEN)

    assert Reservation.objects.count() == 2


def test_every_reason_is_given_and_the_refusal_is_recorded():
    machine = make_machine(site=make_site(open_all_day=False), qualification=make_qualification())
    holder = make_person()
    suspend(person=holder)
    make_outage(machine=machine)

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=at("10:05"), end=at("10:10"), holder=holder, origin=Origin.API)

    expected = ["suspended", "qualification_missing", "machine_unavailable", "closed", "too_short", "off_grid"]
    assert codes_of(refused) == expected
    assert refused.value.alternatives == []
    row = Refusal.objects.get()
    assert (row.machine, row.start, row.end, row.at) == (machine, at("10:05"), at("10:10"), NOW)
    assert (row.codes, row.origin, row.pseudonym) == (expected, "api", pseudonym(holder))
    assert not Reservation.objects.exists()
    assert not HeldUnit.objects.exists()


def test_pseudonym_tells_people_apart_and_names_nobody():
    one, other = make_person(), make_person()

    assert pseudonym(one) == pseudonym(one)
    assert pseudonym(one) != pseudonym(other)
    assert len(pseudonym(one)) == 16
    assert pseudonym(None) == ""


def test_refusal_offers_a_twin_then_the_next_free_time():
    site, category = make_site(), make_category()
    machine = make_machine(site=site, category=category, position=1)
    twin = make_machine(site=site, category=category, position=2)
    make_machine(site=site)
    make_machine(category=category)
    reserve(machine=machine, start=TEN, end=ELEVEN)

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())

    assert [(found.machine, found.interval.start) for found in refused.value.alternatives] == [
        (twin, TEN),
        (twin, at("10:15")),
        (machine, ELEVEN),
    ]
    assert all(isinstance(found, Alternative) for found in refused.value.alternatives)


@pytest.mark.parametrize(
    ("start", "end"),
    [("11:00", "10:00"), ("11:00", "11:00"), ("11:00", "2200-01-01 00:00")],
    ids=["backwards", "empty", "centuries"],
)
def test_absurd_interval_is_a_refusal(start, end):
    machine = make_machine()

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=at(start), end=at(end))

    assert set(codes_of(refused)) & {Code.TOO_SHORT, Code.TOO_LONG}
    assert Refusal.objects.count() == 1


def test_person_is_busy_at_one_machine_at_a_time():
    site, holder = make_site(), make_person()
    reserve(machine=make_machine(site=site, name="Laser"), start=TEN, end=TWELVE, holder=holder)
    other = make_machine(site=site)

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=other, start=ELEVEN, end=TWELVE, holder=holder)

    (denial,) = refused.value.denials
    assert (denial.code, denial.params["machine"]) == (Code.PERSON_BUSY, "Laser")
    assert reserve(machine=other, start=TWELVE, end=at("13:00"), holder=holder).pk


@pytest.mark.parametrize("is_inherited", [True, False], ids=["by its category", "by itself"])
def test_machine_that_runs_alone_keeps_nobody_busy(is_inherited):
    site, holder = make_site(), make_person()
    unattended = {"attendance": Attendance.START}
    printer = (
        make_machine(site=site, category=make_category(**unattended))
        if is_inherited
        else make_machine(site=site, **unattended)
    )
    laser = make_machine(site=site)

    reserve(machine=printer, start=TEN, end=TWELVE, holder=holder)
    reserve(machine=laser, start=TEN, end=TWELVE, holder=holder)
    reserve(machine=make_machine(site=site, **unattended), start=TEN, end=TWELVE, holder=holder)

    assert Reservation.objects.filter(holder=holder).count() == 3


@pytest.mark.parametrize(
    ("end", "blocked_until"),
    [
        ("2026-03-12 07:00", "2026-03-12 10:20"),
        ("18:30", "18:50"),
        ("2026-03-12 11:00", "2026-03-12 11:20"),
    ],
    ids=["ends in the night", "ends while open", "ends next day while open"],
)
def test_unattended_machine_is_held_until_somebody_can_clear_it(end, blocked_until):
    site = make_site(hours=every_day("10:00", "19:00"))
    machine = make_machine(
        site=site, attendance=Attendance.START, longest=minutes(1440), cleanup_buffer=minutes(20)
    )  # fmt: skip

    reserve(machine=machine, start=at("17:00"), end=at(end))

    held = HeldUnit.objects.get()
    assert (held.period, held.blocked) == (span("17:00", end), span("17:00", blocked_until))


def test_qualification_that_ends_before_the_start_is_expired():
    laser, holder = make_qualification(), make_person()
    machine = make_machine(qualification=laser)
    grant(person=holder, qualification=laser, expires_at=at("10:30"))

    reserve(machine=machine, start=TEN, end=ELEVEN, holder=holder)
    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=ELEVEN, end=TWELVE, holder=holder)

    assert codes_of(refused) == [Code.QUALIFICATION_EXPIRED]


def test_walk_up_starts_off_the_grid_under_the_same_rules():
    machine, holder = make_machine(notice=minutes(120)), make_person()
    reserve(machine=machine, start=at("12:00"), end=at("13:00"), now=at("2026-03-10 09:00"))

    made = reserve(
        machine=machine, start=NOW + minutes(7), end=at("11:07"), holder=holder, now=NOW + minutes(7),
        origin=Origin.WALK_UP, purpose=Purpose.START,
    )  # fmt: skip
    with pytest.raises(ReservationRefused) as refused:
        reserve(
            machine=machine, start=at("11:30"), end=at("12:01"), now=at("11:30"),
            origin=Origin.WALK_UP, purpose=Purpose.START,
        )  # fmt: skip

    assert (made.status, made.origin) == (Status.CONFIRMED, "walk_up")
    assert codes_of(refused) == [Code.TAKEN]

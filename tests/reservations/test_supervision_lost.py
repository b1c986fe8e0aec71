"""Reservations over which nobody watches any more, once a shift is dropped; and starting by who is here."""

import datetime as dt

import pytest

from fablab.unfit import unfit_reservations
from machines.models import Attendance
from machines.rota import add_shifts, drop_shift
from people.models import Person
from people.visits import arrive, leave
from reservations.errors import ReservationRefused
from reservations.life import check_in
from reservations.models import Participant, Reservation
from reservations.rules import Purpose
from reservations.supervision_lost import reservations_without_supervision
from tests.factories import NOW, at, make_category, make_machine, make_person, make_site, make_staff, minutes, reserve

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]
START, END = at("15:00"), at("16:00")


@pytest.fixture
def site():
    return make_site(has_rota=True)


@pytest.fixture
def mediator(site):
    return make_staff(site=site)


@pytest.fixture
def shift(site, mediator):
    (made,) = add_shifts(
        site=site, person=mediator, day=dt.date(2026, 3, 11), begins=dt.time(14), ends=dt.time(18), weeks=1,
        by=mediator, now=NOW,
    )  # fmt: skip
    return made


def laser_at(site, risk=2, **fields):
    return make_machine(site=site, category=make_category(risk_level=risk, **fields))


def drop(shift, by):
    drop_shift(shift=shift, by=by, now=NOW)


@pytest.mark.parametrize(
    ("risk", "has_companion", "is_lost"),
    [(1, False, False), (2, False, True), (2, True, False), (3, True, True)],
    ids=["little risk", "serious", "serious, with somebody", "grave, with somebody"],
)
def test_dropped_shift_takes_supervision_away(site, mediator, shift, risk, has_companion, is_lost):
    held = reserve(machine=laser_at(site, risk), start=START, end=END, holder=make_person())
    if has_companion:
        Participant.objects.create(reservation=held, person=make_person())
    assert reservations_without_supervision(site=site, now=NOW) == []

    drop(shift, mediator)

    assert reservations_without_supervision(site=site, now=NOW) == ([held] if is_lost else [])


def test_one_alone_in_the_holders_place_is_lost_too(site, mediator, shift):
    held = reserve(machine=laser_at(site), start=START, end=END, holder=make_person())
    Participant.objects.create(reservation=held, person=make_person())
    Reservation.objects.update(holder_takes_part=False)

    drop(shift, mediator)

    assert reservations_without_supervision(site=site, now=NOW) == [held]


@pytest.mark.parametrize("how", ["role taken away", "account closed"])
def test_shift_of_somebody_who_left_the_team_supervises_nothing(site, mediator, shift, how):
    held = reserve(machine=laser_at(site), start=START, end=END, holder=make_person())

    if how == "role taken away":
        mediator.role_grants.all().delete()
    else:
        Person.objects.filter(pk=mediator.pk).update(is_active=False)

    assert reservations_without_supervision(site=site, now=NOW) == [held]
    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=laser_at(site), start=START, end=END, holder=make_person())
    assert [denial.code for denial in refused.value.denials] == ["supervision_required"]


def test_what_runs_alone_wants_somebody_at_its_start_only(site, mediator, shift):
    long = laser_at(site, attendance=Attendance.START, longest=minutes(600))
    held = reserve(machine=long, start=at("17:00"), end=at("22:00"), holder=make_person())

    assert reservations_without_supervision(site=site, now=NOW) == []
    drop(shift, mediator)

    assert reservations_without_supervision(site=site, now=NOW) == [held]


def test_call_list_says_that_nobody_is_on_duty(site, mediator, shift):
    held = reserve(machine=laser_at(site), start=START, end=END, holder=make_person())
    drop(shift, mediator)

    found = [(row.reservation, row.reason) for row in unfit_reservations(site=site, now=NOW)]

    assert found == [(held, "nobody of the team is on duty then")]


def test_place_without_a_rota_loses_nothing(django_assert_max_num_queries):
    site = make_site()
    reserve(machine=laser_at(site), start=START, end=END, holder=make_person())

    with django_assert_max_num_queries(2):
        assert reservations_without_supervision(site=site, now=NOW) == []


def test_departure_blocks_new_starts_and_stops_nothing(site, mediator, shift):
    laser, now = laser_at(site), START
    here = arrive(site=site, person=mediator, by=None, now=now - minutes(30))
    running = reserve(
        machine=laser, start=now, end=now + minutes(30), holder=make_person(), now=now, purpose=Purpose.START
    )
    check_in(reservation=running, now=now)

    leave(visit=here, now=now + minutes(5))

    running.refresh_from_db()
    assert running.status == "in_use"
    assert reservations_without_supervision(site=site, now=now + minutes(6)) == []
    with pytest.raises(ReservationRefused) as refused:
        reserve(
            machine=laser_at(site), start=now, end=now + minutes(30), holder=make_person(), now=now + minutes(6),
            purpose=Purpose.START,
        )  # fmt: skip
    assert [denial.code for denial in refused.value.denials] == ["supervision_required"]
    booked = reserve(machine=laser_at(site), start=at("16:00"), end=at("17:00"), holder=make_person(), now=now)
    assert booked.status == "confirmed", "booking reads the rota"

"""The desk reserves under the same rules as everybody, for a person or a ticket without a name."""

import datetime as dt

import pytest

from machines.models import Category, Machine
from people.models import FileAccess, Person, Site
from reservations.desk import end_seat, extend, reserve_at_desk, start_seat
from reservations.errors import ReservationRefused, WrongState
from reservations.models import Origin, Refusal, Status
from tests.factories import (
    NOW,
    at,
    every_day,
    make_machine,
    make_person,
    make_qualification,
    make_site,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def site() -> Site:
    return make_site(hours=every_day("09:00", "19:00"))


@pytest.fixture
def staff() -> Person:
    return make_person()


@pytest.fixture
def seat(site: Site) -> Machine:
    machine = make_machine(site=site, name="PC 1")
    Category.objects.filter(pk=machine.category_id).update(is_seat=True)
    return machine


def test_seat_starts_now_and_ends_on_the_grid(seat: Machine, staff: Person) -> None:
    now = at("09:07")

    made = start_seat(machine=seat, length=HOUR, holder=None, by=staff, now=now)

    assert (made.status, made.origin, made.holder) == (Status.IN_USE, Origin.DESK, None)
    assert (made.start, made.end, made.checked_in_at) == (now, at("10:15"), now)


def test_seat_of_somebody_is_noted_in_their_file(seat: Machine, staff: Person) -> None:
    person = make_person()

    start_seat(machine=seat, length=HOUR, holder=person, by=staff, now=NOW)

    noted = FileAccess.objects.get()
    assert (noted.person, noted.by, noted.deed) == (person, staff, "reserved")


def test_seat_that_is_taken_soon_is_refused_with_reasons_kept(seat: Machine, staff: Person) -> None:
    reserve(machine=seat, start=at("09:30"), end=at("10:30"))

    with pytest.raises(ReservationRefused) as refusal:
        start_seat(machine=seat, length=HOUR, holder=None, by=staff, now=NOW)

    assert [denial.code for denial in refusal.value.denials] == ["taken"]
    assert Refusal.objects.get().codes == ["taken"]


def test_ticket_opens_no_machine_that_wants_a_qualification(site: Site, staff: Person) -> None:
    laser = make_machine(site=site, qualification=make_qualification())

    with pytest.raises(ReservationRefused) as refusal:
        reserve_at_desk(machine=laser, start=at("14:00"), end=at("15:00"), holder=None, by=staff, now=NOW)

    assert [denial.code for denial in refusal.value.denials] == ["qualification_missing"]


def test_seat_is_extended_until_somebody_else_comes(seat: Machine, staff: Person) -> None:
    made = start_seat(machine=seat, length=HOUR, holder=None, by=staff, now=NOW)
    reserve(machine=seat, start=at("10:30"), end=at("11:30"))

    longer = extend(reservation=made, by=staff, now=at("09:50"), length=minutes(30))
    with pytest.raises(ReservationRefused) as refusal:
        extend(reservation=longer, by=staff, now=at("10:20"), length=minutes(30))

    assert longer.end == at("10:30")
    assert [denial.code for denial in refusal.value.denials] == ["taken"]


def test_reservation_that_does_not_run_is_not_extended(seat: Machine, staff: Person) -> None:
    made = reserve(machine=seat, start=at("14:00"), end=at("15:00"))

    with pytest.raises(WrongState) as error:
        extend(reservation=made, by=staff, now=NOW, length=minutes(30))

    assert error.value.code == "not_started"


def test_seat_that_ends_is_free_at_once(seat: Machine, staff: Person) -> None:
    made = start_seat(machine=seat, length=HOUR, holder=None, by=staff, now=NOW)

    done = end_seat(reservation=made, by=staff, now=at("09:20"))

    assert (done.status, done.end) == (Status.COMPLETED, at("09:20"))
    assert start_seat(machine=seat, length=HOUR, holder=None, by=staff, now=at("09:20")).status == Status.IN_USE

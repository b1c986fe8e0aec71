"""What the team does with reservations that no longer fit: told, cancelled or kept, written down, never twice."""

import datetime as dt

import pytest

from fablab.unfit import unfit_reservations
from people.models import Delivery, Notice, Person, Role, Site
from reservations.errors import OnlyForTheTeam
from reservations.life import check_in
from reservations.models import Deed, Reservation, Status
from reservations.services import move_reservation
from reservations.settling import Choice, Settled, settle
from tests.factories import (
    NOW,
    at,
    every_day,
    make_exception,
    make_machine,
    make_outage,
    make_person,
    make_site,
    make_staff,
    reserve,
)

pytestmark = pytest.mark.django_db
FRIDAY = "2026-03-13"


@pytest.fixture
def site() -> Site:
    return make_site(hours=every_day("08:00", "20:00"))


@pytest.fixture
def manager(site: Site) -> Person:
    return make_staff(site=site, role=Role.FAB_MANAGER)


@pytest.fixture
def stranded(site: Site) -> Reservation:
    """On a day that was closed after it was reserved."""
    times = {"start": at(f"{FRIDAY} 10:00"), "end": at(f"{FRIDAY} 12:00")}
    made = reserve(machine=make_machine(site=site), holder=make_person(contact_email="a@b.example"), **times)
    make_exception(site=site, date=FRIDAY)
    return made


def do(choice: Choice, row: Reservation, by: Person, problem: str = "closed") -> Settled:
    return settle(problems={row.pk: problem}, rows=[row], choice=choice, why="We move", by=by, now=NOW)


def left(site: Site) -> list[tuple[str, str]]:
    return [(unfit.reservation.reference, unfit.settled) for unfit in unfit_reservations(site=site, now=NOW)]


def told(row: Reservation) -> list[str]:
    return list(Notice.objects.filter(person=row.holder, due_at=NOW).values_list("kind", flat=True))


def test_whoever_holds_it_is_asked_for_another_time_once(site: Site, manager: Person, stranded: Reservation) -> None:
    for _again in range(2):
        do(Choice.NOTIFY, stranded, manager)

    assert told(stranded) == ["reservation_does_not_fit"]
    assert left(site) == [(stranded.reference, "notify")]
    assert Deed.objects.filter(reservation=stranded, kind="changed", why="We move", by=manager).count() == 1


def test_somebody_without_e_mail_is_called_by_the_desk(site: Site, manager: Person) -> None:
    holder = make_person(contact_email="", phone="06 00 00 00 01")
    machine = make_machine(site=site)
    row = reserve(machine=machine, start=at(f"{FRIDAY} 10:00"), end=at(f"{FRIDAY} 12:00"), holder=holder)
    make_exception(site=site, date=FRIDAY)

    do(Choice.NOTIFY, row, manager)

    assert Delivery.objects.get(notice__person=holder, notice__due_at=NOW).status == Delivery.Status.TO_CALL


def test_cancelled_it_is_free_and_the_holder_reads_why(site: Site, manager: Person, stranded: Reservation) -> None:
    done = do(Choice.CANCEL, stranded, manager)

    stranded.refresh_from_db()
    assert (done.done, done.left, stranded.status, left(site)) == (1, (), Status.CANCELLED, [])
    notice = Notice.objects.get(person=stranded.holder, due_at=NOW)
    assert (notice.kind, notice.params["why"]) == ("reservation_cancelled", "We move")


def test_kept_it_waits_for_nobody_until_it_is_moved_or_something_else_is_wrong(
    site: Site, manager: Person, stranded: Reservation
) -> None:
    do(Choice.KEEP, stranded, manager)
    assert (left(site), told(stranded)) == ([], [])

    make_outage(machine=stranded.machine, start=at(f"{FRIDAY} 11:00"), end=at(f"{FRIDAY} 15:00"))
    assert left(site) == [(stranded.reference, "")]
    do(Choice.KEEP, stranded, manager, "away")
    assert left(site) == []

    Reservation.objects.filter(pk=stranded.pk).update(start=stranded.start + dt.timedelta(minutes=30))
    assert left(site) == [(stranded.reference, "")]


def test_moved_to_where_it_fits_it_leaves_the_list(site: Site, manager: Person, stranded: Reservation) -> None:
    do(Choice.NOTIFY, stranded, manager)

    move_reservation(
        reservation=stranded, start=at("2026-03-14 10:00"), end=at("2026-03-14 12:00"), by=stranded.holder, now=NOW
    )

    assert left(site) == []


def test_one_that_runs_is_left_and_named(site: Site, manager: Person) -> None:
    row = reserve(machine=make_machine(site=site), start=NOW, end=at("12:00"))
    check_in(reservation=row, now=NOW)

    done = do(Choice.CANCEL, row, manager)

    assert (done.done, done.left) == (0, (row,))
    assert Reservation.objects.get(pk=row.pk).status == Status.IN_USE


def test_nobody_settles_the_reservations_of_another_site(stranded: Reservation) -> None:
    elsewhere = make_staff(site=make_site(), role=Role.FAB_MANAGER)

    with pytest.raises(OnlyForTheTeam):
        do(Choice.CANCEL, stranded, elsewhere)

    assert Reservation.objects.get(pk=stranded.pk).status == Status.CONFIRMED

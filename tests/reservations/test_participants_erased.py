"""Somebody who takes part is erased: their rows go, what was done and counted stays."""

import pytest
from django.db.models import Count

from people.erasure import ErasureRefused, erase_person
from people.models import Notice
from reservations.deeds import history
from reservations.life import check_in
from reservations.models import Participant, Reservation, Status
from reservations.participants import set_participants
from tests.factories import NOW, at, make_machine, make_person, make_site, make_team, minutes, reserve

pytestmark = pytest.mark.django_db

TEN, ELEVEN = at("2026-03-14 10:00"), at("2026-03-14 11:00")


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def ana():
    return make_person(first_name="Ana")


@pytest.fixture
def bo():
    return make_person(first_name="Bo", last_name="Quillfeather")


@pytest.fixture
def booked(ana, bo):
    """Ana's, with Bo."""
    site = make_site()
    team = make_team(site=site, members=[ana, bo])
    return reserve(machine=make_machine(site=site), start=TEN, end=ELEVEN, holder=ana, team=team, companions=[bo])


def test_companion_goes_and_the_reservation_stays(booked, ana, bo):
    erase_person(person=bo, by=None, now=NOW)

    booked.refresh_from_db()
    assert (booked.status, booked.holder, booked.team.name) == (Status.CONFIRMED, ana, "Bike repair")
    assert not Participant.objects.exists()
    assert not Notice.objects.filter(person=bo).exists()


def test_where_nobody_else_comes_the_time_is_free_and_the_holder_hears_of_it(booked, ana, bo):
    set_participants(reservation=booked, people=[bo], holder_takes_part=False, by=ana, now=NOW)

    erase_person(person=bo, by=None, now=NOW)

    booked.refresh_from_db()
    assert booked.status == Status.CANCELLED
    told = Notice.objects.filter(person=ana).exclude(kind__startswith="reminder")
    assert list(told.values_list("kind", flat=True)) == ["reservation_cancelled"]


def test_what_is_over_is_counted_as_before(booked, bo):
    before = Reservation.objects.aggregate(n=Count("pk"))
    Reservation.objects.update(status=Status.COMPLETED)

    erase_person(person=bo, by=None, now=ELEVEN + minutes(60))

    assert Reservation.objects.aggregate(n=Count("pk")) == before
    assert Reservation.objects.get().status == Status.COMPLETED
    assert list(history(booked).values_list("kind", flat=True)) == ["made"]


def test_nobody_is_erased_while_they_are_at_the_machine(booked, bo):
    check_in(reservation=booked, now=TEN, by=bo)

    with pytest.raises(ErasureRefused):
        erase_person(person=bo, by=None, now=TEN)

"""Whose reservation it is, and who sees it."""

import pytest
from django.contrib.auth.models import AnonymousUser

from people.models import Role
from reservations.models import Reservation
from tests.factories import at, make_machine, make_person, make_site, make_staff, reserve

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine():
    return make_machine()


@pytest.fixture
def holder():
    return make_person()


@pytest.fixture
def booked(machine, holder):
    """The holder's; an anonymous ticket and another site's reservation stand beside it."""
    made = reserve(machine=machine, start=at("10:00"), end=at("11:00"), holder=holder)
    reserve(machine=machine, start=at("14:00"), end=at("15:00"))
    reserve(machine=make_machine(), start=at("16:00"), end=at("17:00"), holder=make_person())
    return made


def starts_seen(person):
    return [f"{row.start.astimezone(row.site.zone):%H:%M}" for row in Reservation.objects.visible_to(person)]


def may_change(person, reservation):
    return person.has_perm("reservations.change", reservation)


def test_visitor_who_is_not_signed_in_sees_and_changes_nothing(booked):
    assert starts_seen(AnonymousUser()) == []
    assert not may_change(AnonymousUser(), booked)


def test_holder_sees_and_changes_their_own(booked, holder):
    assert starts_seen(holder) == ["10:00"]
    assert may_change(holder, booked)


@pytest.mark.parametrize("role", [Role.VISITOR, Role.MEMBER])
def test_member_sees_and_changes_nothing_of_others(booked, machine, role):
    member = make_staff(site=machine.site, role=role)

    assert starts_seen(member) == []
    assert not may_change(member, booked)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.MEDIATOR, Role.FAB_MANAGER, Role.ADMINISTRATOR])
def test_staff_see_and_change_all_of_their_site(booked, machine, role):
    staff = make_staff(site=machine.site, role=role)

    assert starts_seen(staff) == ["10:00", "14:00"]
    assert may_change(staff, booked)
    assert staff.has_perm("reservations.reserve_for_others", machine)


def test_staff_of_another_site_see_and_change_nothing(booked, machine):
    staff = make_staff(site=make_site())

    assert starts_seen(staff) == []
    assert not may_change(staff, booked)
    assert not staff.has_perm("reservations.reserve_for_others", machine)


def test_superuser_sees_and_changes_everything(booked):
    everyone = make_person(is_superuser=True)

    assert starts_seen(everyone) == ["10:00", "14:00", "16:00"]
    assert may_change(everyone, booked)


def test_several_roles_do_not_repeat_a_row(booked, machine):
    staff = make_staff(site=machine.site)
    staff.role_grants.create(site=machine.site, role=Role.MEDIATOR, granted_at=at("09:00"))

    assert starts_seen(staff) == ["10:00", "14:00"]

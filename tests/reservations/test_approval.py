"""What waits for the team's yes: asked, answered, run out."""

import pytest

from people.models import Role
from reservations.errors import ReservationRefused, WrongState
from reservations.expiry import expire_due
from reservations.life import approve, refuse
from reservations.models import Deed, HeldUnit, Status
from reservations.services import cancel_reservation, create_reservation, move_reservation
from reservations.wishes import SetAside
from tests.factories import (
    NOW,
    at,
    make_category,
    make_machine,
    make_outage,
    make_person,
    make_site,
    make_staff,
    reserve,
    suspend,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN = at("10:00"), at("11:00")


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def machine(site):
    return make_machine(site=site, category=make_category(needs_approval=True))


@pytest.fixture
def manager(site):
    return make_staff(site=site, role=Role.FAB_MANAGER)


@pytest.fixture
def asked(machine):
    return reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())


def deeds_of(reservation):
    return [deed.kind for deed in Deed.objects.filter(reservation=reservation).order_by("id")]


def test_what_needs_a_yes_is_pending_and_holds_its_time(machine, asked):
    assert (asked.status, asked.expires_at) == (Status.PENDING, TEN)
    assert HeldUnit.objects.get().is_holding
    with pytest.raises(ReservationRefused):
        reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())


def test_team_reserves_without_asking_itself(machine, manager):
    assert reserve(machine=machine, start=TEN, end=ELEVEN, holder=manager).status == Status.CONFIRMED


def test_yes_confirms_and_is_written_down(asked, manager):
    done = approve(reservation=asked, by=manager, now=NOW, decision="Bring goggles")

    assert (done.status, done.decided_by, done.decision, done.expires_at) == (
        Status.CONFIRMED, manager, "Bring goggles", None,
    )  # fmt: skip
    assert deeds_of(asked) == [Deed.Kind.ASKED, Deed.Kind.APPROVED]
    assert approve(reservation=asked, by=manager, now=NOW).decision == "Bring goggles"


@pytest.mark.parametrize(
    "happened",
    [lambda r: suspend(person=r.holder), lambda r: make_outage(machine=r.machine)],
    ids=["suspended since", "out of service since"],
)
def test_yes_asks_every_rule_again(asked, manager, happened):
    happened(asked)

    with pytest.raises(ReservationRefused):
        approve(reservation=asked, by=manager, now=NOW)

    asked.refresh_from_db()
    assert asked.status == Status.PENDING


def test_yes_long_after_it_was_asked_does_not_want_the_notice_again(site, manager):
    machine = make_machine(site=site, category=make_category(needs_approval=True, notice=ELEVEN - at("10:00")))
    asked = reserve(machine=machine, start=at("14:00"), end=at("15:00"), holder=make_person())

    assert approve(reservation=asked, by=manager, now=at("13:45")).status == Status.CONFIRMED


def test_no_says_why_and_gives_the_time_back(machine, asked, manager):
    done = refuse(reservation=asked, by=manager, now=NOW, decision="We are away")

    assert (done.status, done.decision, done.decided_at) == (Status.REFUSED, "We are away", NOW)
    assert reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person()).pk
    with pytest.raises(WrongState, match="not_pending"):
        approve(reservation=asked, by=manager, now=NOW)


def test_no_without_a_reason_is_no_answer(asked, manager):
    with pytest.raises(WrongState, match="says_no_reason"):
        refuse(reservation=asked, by=manager, now=NOW, decision=" ")


def test_request_nobody_answered_ends_with_its_start(asked, manager):
    assert expire_due(TEN) == 1
    assert expire_due(TEN) == 0

    asked.refresh_from_db()
    assert asked.status == Status.EXPIRED
    with pytest.raises(WrongState, match="not_pending"):
        approve(reservation=asked, by=manager, now=TEN)


def test_moving_what_was_approved_asks_again(asked, manager):
    approved = approve(reservation=asked, by=manager, now=NOW)

    moved = move_reservation(reservation=approved, start=at("12:00"), end=at("13:00"), by=asked.holder, now=NOW)

    assert (moved.status, moved.expires_at) == (Status.PENDING, at("12:00"))


def test_request_is_cancelled_by_who_asked(asked):
    assert cancel_reservation(reservation=asked, by=asked.holder, now=NOW).status == Status.CANCELLED


def test_rule_set_aside_by_the_team_is_in_the_history(site, manager):
    machine, holder = make_machine(site=site), make_person()
    aside = SetAside(frozenset({"too_long"}), "Exhibition on Saturday")

    made = create_reservation(
        machine=machine, start=TEN, end=at("18:00"), holder=holder, by=manager, now=NOW, set_aside=aside
    )

    deed = Deed.objects.get(reservation=made)
    assert (deed.overridden, deed.why) == (["too_long"], "Exhibition on Saturday")
    with pytest.raises(ValueError, match="reason"):
        SetAside(frozenset({"too_long"}), " ")

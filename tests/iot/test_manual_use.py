"""Use begun and ended by hand, at a machine that no device watches."""

import datetime as dt

import pytest

from iot.manual_use import open_manual, start_manual, stop_manual, sweep_manual
from iot.models import DeviceCommand, MachineAccess, StopReason, UsageSession
from machines.models import Machine, Outage
from people.errors import NotAllowed, WrongState
from people.models import Person
from reservations.errors import ReservationRefused
from reservations.life import finish_reservation
from reservations.models import Origin, Reservation, Status
from tests.factories import (
    NOW,
    make_outage,
    make_person,
    make_qualification,
    make_staff,
    make_team,
    minutes,
    reserve,
    suspend,
)
from tests.iot.builders import make_device

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def camille(db: None) -> Person:
    return make_person()


def test_start_with_a_reservation_checks_it_in_and_belongs_to_it(lathe: Machine, camille: Person) -> None:
    reservation = reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(60))

    session = start_manual(lathe, camille, NOW + minutes(2))

    reservation.refresh_from_db()
    assert (session.source, session.person, session.reservation) == ("manual", camille, reservation)
    assert (session.start, session.end, reservation.status) == (NOW + minutes(2), None, Status.IN_USE)


def test_start_without_a_reservation_makes_one_on_the_spot(lathe: Machine, camille: Person) -> None:
    session = start_manual(lathe, camille, NOW)

    made = Reservation.objects.get(machine=lathe)
    assert (made.origin, made.status, made.holder) == (Origin.WALK_UP, Status.IN_USE, camille)
    assert session.reservation == made


def test_start_by_one_who_comes_along_is_theirs_and_the_teams(lathe: Machine, camille: Person) -> None:
    bo = make_person(first_name="Bo")
    team = make_team(site=lathe.site, members=[camille, bo])
    reservation = reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(60), team=team)

    session = start_manual(lathe, bo, NOW)

    assert (session.person, session.team, session.reservation) == (bo, team, reservation)


REFUSED = {
    "qualification": (lambda lathe, _me: Machine.objects.filter(pk=lathe.pk).update(qualification=make_qualification()),
                      "qualification_missing"),
    "suspended": (lambda _lathe, me: suspend(person=me, start=NOW - minutes(1)), "suspended"),
    "taken": (lambda lathe, _me: reserve(machine=lathe, holder=make_person(), start=NOW, end=NOW + minutes(60)),
              "taken"),
    "to be checked": (lambda lathe, _me: make_outage(machine=lathe, start=NOW, kind=Outage.Kind.TO_CHECK),
                      "previous_to_check"),
    "locked for safety": (lambda lathe, _me: make_outage(machine=lathe, start=NOW, kind=Outage.Kind.LOCK_OUT),
                          "safety_input"),
    "only with a reservation": (
        lambda lathe, _me: MachineAccess.objects.create(machine=lathe, walk_up=dt.timedelta(0)), "no_reservation"),
}  # fmt: skip


@pytest.mark.parametrize(("arrange", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_start_is_refused_by_the_rules_of_reserving(lathe: Machine, camille: Person, arrange, code: str) -> None:
    arrange(lathe, camille)
    lathe.refresh_from_db()

    with pytest.raises(ReservationRefused) as refused:
        start_manual(Machine.objects.with_places().get(pk=lathe.pk), camille, NOW)

    assert [str(denial.code) for denial in refused.value.denials] == [code]
    assert not UsageSession.objects.exists()


def test_start_while_one_is_open_says_whose_it_is(lathe: Machine, camille: Person) -> None:
    start_manual(lathe, camille, NOW)

    with pytest.raises(WrongState) as own:
        start_manual(lathe, camille, NOW + minutes(1))
    with pytest.raises(WrongState) as others:
        start_manual(lathe, make_person(), NOW + minutes(1))

    assert {own.value.code, others.value.code} == {"in_use"}
    assert (str(own.value)[:3], "Camille" in str(others.value)) == ("You", False)
    assert UsageSession.objects.count() == 1


def test_start_at_a_machine_with_a_device_is_refused(lathe: Machine, camille: Person) -> None:
    make_device("plug", lathe)

    with pytest.raises(WrongState) as refused:
        start_manual(lathe, camille, NOW)

    assert refused.value.code == "has_device"


def test_no_order_is_ever_sent(lathe: Machine, camille: Person) -> None:
    Machine.objects.filter(pk=lathe.pk).update(risk_level=1)

    session = start_manual(Machine.objects.with_places().get(pk=lathe.pk), camille, NOW)
    stop_manual(session, camille, NOW + minutes(5))

    assert not DeviceCommand.objects.exists()


def test_stop_counts_the_hours_once_and_gives_the_rest_back(lathe: Machine, camille: Person) -> None:
    session = start_manual(lathe, camille, NOW)

    stopped = stop_manual(session, camille, NOW + minutes(20))

    lathe.refresh_from_db()
    made = Reservation.objects.get(machine=lathe)
    assert (stopped.end, stopped.stop_reason, lathe.used_s) == (NOW + minutes(20), StopReason.NORMAL, 20 * 60)
    assert (made.status, made.end) == (Status.COMPLETED, NOW + minutes(20))
    with pytest.raises(WrongState, match="is_over"):
        raise_code(lambda: stop_manual(session, camille, NOW + minutes(30)))
    lathe.refresh_from_db()
    assert lathe.used_s == 20 * 60


def raise_code(act) -> None:
    """So that the code is what is matched, not the sentence."""
    try:
        act()
    except WrongState as error:
        raise WrongState(error.code, error.code) from error


def test_stop_keeps_what_was_reserved_before(lathe: Machine, camille: Person) -> None:
    reservation = reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(120))
    session = start_manual(lathe, camille, NOW)

    stop_manual(session, camille, NOW + minutes(20))
    again = start_manual(lathe, camille, NOW + minutes(40))

    reservation.refresh_from_db()
    assert (reservation.status, reservation.end) == (Status.IN_USE, NOW + minutes(120))
    assert again.reservation == reservation


def test_stop_by_another_member_is_refused_and_by_the_team_is_written_so(lathe: Machine, camille: Person) -> None:
    session = start_manual(lathe, camille, NOW)

    with pytest.raises(NotAllowed):
        stop_manual(session, make_person(), NOW + minutes(5))
    stopped = stop_manual(session, make_staff(site=lathe.site), NOW + minutes(9))

    assert (stopped.end, stopped.stop_reason) == (NOW + minutes(9), StopReason.SUPERVISOR)


def test_machine_waits_to_be_checked_where_that_is_asked_for(lathe: Machine, camille: Person) -> None:
    MachineAccess.objects.create(machine=lathe, is_checked_after=True)

    stop_manual(start_manual(lathe, camille, NOW), camille, NOW + minutes(5))

    assert Outage.objects.filter(machine=lathe, kind=Outage.Kind.TO_CHECK, end=None).count() == 1


def test_forgotten_use_ends_with_its_reservation(lathe: Machine, camille: Person) -> None:
    reservation = reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(60))
    session = start_manual(lathe, camille, NOW)

    swept = [sweep_manual(now=NOW + minutes(at)) for at in (59, 75, 76)]

    session.refresh_from_db()
    lathe.refresh_from_db()
    assert swept == [0, 1, 0]
    assert (session.end, session.stop_reason) == (reservation.end, StopReason.BOOKING_END)
    assert lathe.used_s == 3600


def test_next_one_begins_although_the_last_forgot_to_end(lathe: Machine, camille: Person) -> None:
    bo = make_person(first_name="Bo")
    reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(60))
    reserve(machine=lathe, holder=bo, start=NOW + minutes(60), end=NOW + minutes(120))
    first = start_manual(lathe, camille, NOW)

    second = start_manual(lathe, bo, NOW + minutes(61))

    first.refresh_from_db()
    assert (first.end, first.stop_reason) == (NOW + minutes(60), StopReason.BOOKING_END)
    assert open_manual(lathe) == second


def test_use_whose_reservation_was_finished_elsewhere_ends_then(lathe: Machine, camille: Person) -> None:
    session = start_manual(lathe, camille, NOW)
    assert session.reservation is not None
    finish_reservation(reservation=session.reservation, now=NOW + minutes(10))

    sweep_manual(now=NOW + minutes(30))

    session.refresh_from_db()
    assert session.end == NOW + minutes(10)

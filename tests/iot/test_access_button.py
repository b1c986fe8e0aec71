"""The button asks: whose the machine is now, by the rules of a badge; a button says nothing of who presses it."""

import datetime as dt
from typing import Any

import pytest

from iot.access.sessions import open_access
from iot.models import AccessAttempt, AccessSession, Device, MachineAccess
from iot.protocol import Decision
from machines.models import Machine, Outage
from people.models import Person
from reservations.life import check_in
from reservations.models import Reservation, Status
from tests.factories import NOW, make_outage, make_person, make_staff, minutes, reserve, suspend
from tests.iot.readers import OTHER, power_on, tap, with_badge

pytestmark = pytest.mark.django_db


def press(reader: Device, at: dt.datetime = NOW) -> Decision:
    return tap(reader, "button", kind="button", at=at)


def checked_in(machine: Machine, holder: Person, *, at: dt.datetime = NOW, length: int = 60) -> Reservation:
    made = reserve(machine=machine, holder=holder, start=NOW, end=NOW + minutes(length))
    return check_in(reservation=made, now=at, by=holder)


def seconds(count: float) -> dt.timedelta:
    return dt.timedelta(seconds=count)


def test_button_begins_what_is_checked_in_until_its_end(lathe: Machine, reader: Device) -> None:
    camille = make_person(first_name="Camille")
    reservation = checked_in(lathe, camille)

    decision = press(reader, NOW + minutes(10))

    session = open_access(lathe.pk)
    assert session is not None
    assert (decision.is_allowed, decision.most_s, decision.display_name) == (True, 50 * 60, "Camille")
    assert (session.reference, session.person, session.reservation) == (decision.session_id, camille, reservation)
    attempt = AccessAttempt.objects.get()
    assert (attempt.kind, attempt.person, attempt.is_allowed) == ("button", camille, True)


def not_yet(lathe: Machine) -> None:
    reserve(machine=lathe, holder=make_person(), start=NOW, end=NOW + minutes(60))


def over(lathe: Machine) -> None:
    Reservation.objects.filter(pk=checked_in(lathe, make_person()).pk).update(status=Status.COMPLETED)


def later(lathe: Machine) -> None:
    made = reserve(machine=lathe, holder=make_person(), start=NOW + minutes(60), end=NOW + minutes(120))
    Reservation.objects.filter(pk=made.pk).update(status=Status.IN_USE, checked_in_at=NOW)


NOBODYS = {
    "nobody reserved": lambda lathe: None,
    "not checked in": not_yet,
    "finished": over,
    "not yet its time": later,
}


@pytest.mark.parametrize("arrange", NOBODYS.values(), ids=NOBODYS)
def test_button_at_a_machine_nobody_is_known_at_asks_for_a_badge(lathe: Machine, reader: Device, arrange: Any) -> None:
    arrange(lathe)

    decision = press(reader)

    assert (decision.is_allowed, decision.reason, decision.session_id) == (False, "badge_first", "")
    assert decision.text
    assert not AccessSession.objects.exists()


def test_button_does_not_reserve_on_the_spot(lathe: Machine, reader: Device) -> None:
    press(reader)

    assert not Reservation.objects.exists()


REFUSED = {
    "suspended since": (lambda lathe, who: suspend(person=who, start=NOW - minutes(1)), "suspended"),
    "stopped for safety": (
        lambda lathe, who: make_outage(machine=lathe, start=NOW, kind=Outage.Kind.LOCK_OUT),
        "safety_input",
    ),
    "to be checked": (
        lambda lathe, who: make_outage(machine=lathe, start=NOW, kind=Outage.Kind.TO_CHECK),
        "previous_to_check",
    ),
}


@pytest.mark.parametrize(("given", "reason"), REFUSED.values(), ids=REFUSED)
def test_button_asks_the_rules_that_a_badge_asks(lathe: Machine, reader: Device, given: Any, reason: str) -> None:
    camille = make_person()
    checked_in(lathe, camille)
    given(lathe, camille)

    decision = press(reader, NOW + seconds(5))

    assert (decision.is_allowed, decision.reason) == (False, reason)
    assert decision.text
    assert open_access(lathe.pk) is None


def test_button_overrides_nothing_for_the_team(lathe: Machine, reader: Device) -> None:
    """Their badge would: it is they who stand there."""
    boss = make_staff(site=lathe.site)
    checked_in(lathe, boss)
    make_outage(machine=lathe, start=NOW, kind=Outage.Kind.TO_CHECK)

    assert press(reader, NOW + seconds(5)).reason == "previous_to_check"


AT_RISK = {
    "no risk, long ago": (0, 600, True),
    "risk, just now": (1, 30, True),
    "risk, a while ago": (1, 31, False),
    "grave, a while ago": (3, 600, False),
}


@pytest.mark.parametrize(("risk", "after_s", "is_allowed"), AT_RISK.values(), ids=AT_RISK)
def test_where_one_can_be_hurt_a_phone_is_confirmed_within_30_seconds(
    lathe: Machine, reader: Device, risk: int, after_s: int, is_allowed: bool
) -> None:
    checked_in(lathe, make_person())
    Machine.objects.filter(pk=lathe.pk).update(risk_level=risk)
    if risk > 1:
        make_staff(site=lathe.site)

    decision = press(reader, NOW + seconds(after_s))

    assert decision.is_allowed is is_allowed
    assert is_allowed or decision.reason == "badge_first"


def test_where_two_are_needed_the_button_is_the_first_of_them(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_two_people=True)
    checked_in(lathe, make_person())
    bo = with_badge(OTHER)

    first = press(reader)
    again = press(reader, NOW + seconds(5))
    second = tap(reader, OTHER, at=NOW + seconds(10))

    session = open_access(lathe.pk)
    assert (first.reason, again.reason, second.is_allowed) == ("two_person", "badge_first", True)
    assert session is not None
    assert session.second_person == bo


def test_button_that_asked_needs_no_button(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_button=True)
    checked_in(lathe, make_person())

    decision = press(reader)
    power_on(decision)

    session = open_access(lathe.pk)
    assert (decision.is_allowed, decision.needs_button) == (True, False)
    assert session is not None
    assert session.state == "active"


def test_badge_that_waits_for_its_button_is_not_opened_by_another_request(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_button=True)
    with_badge()
    tap(reader)

    assert press(reader, NOW + seconds(5)).reason == "badge_first"


def test_button_goes_on_with_the_session_that_runs(lathe: Machine, reader: Device) -> None:
    with_badge()
    running = tap(reader)
    power_on(running)

    decision = press(reader, NOW + minutes(10))

    assert (decision.session_id, decision.most_s) == (running.session_id, 50 * 60)


def test_button_near_the_end_asks_for_more_time(lathe: Machine, reader: Device) -> None:
    with_badge()
    power_on(tap(reader))

    assert press(reader, NOW + minutes(57)).most_s == 33 * 60


@pytest.mark.parametrize(("after_s", "is_allowed"), [(20, True), (31, False)], ids=["just now", "a while ago"])
def test_allowance_that_never_reached_a_risky_machine_is_taken_up_within_30_seconds(
    lathe: Machine, reader: Device, after_s: int, is_allowed: bool
) -> None:
    with_badge()
    Machine.objects.filter(pk=lathe.pk).update(risk_level=1)
    tap(reader)

    assert press(reader, NOW + seconds(after_s)).is_allowed is is_allowed


def test_refused_buttons_do_not_keep_codes_out(lathe: Machine, reader: Device) -> None:
    for n in range(8):
        press(reader, NOW + seconds(n))
    with_badge()

    assert tap(reader, "000000", kind="code", at=NOW + seconds(9)).reason == "unknown_code"


def test_same_press_gets_the_same_answer(lathe: Machine, reader: Device) -> None:
    checked_in(lathe, make_person())

    first, again = press(reader), press(reader)

    assert first == again
    assert AccessSession.objects.count() == 1

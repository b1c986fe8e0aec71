"""An allowance that nobody took up is over once the device says so: the machine is free for others, unchecked."""

import pytest

from fablab.device_page import log_words
from iot.access.decide import answer
from iot.device_log import LogKind, device_log
from iot.models import AccessSession, Device, MachineAccess, ReportedState, StopReason, UsageSession, UseState
from iot.protocol import Access
from machines.models import Outage
from people.badges import badge_digest
from people.models import Badge, Person
from reservations.models import Reservation, Status
from tests.factories import make_machine, make_person, make_site
from tests.iot.builders import NOW, Talker, at, make_device, store

pytestmark = pytest.mark.django_db

NUMBER = "04A2B91C5D7280"


@pytest.fixture
def reader(db: None) -> Device:
    person = make_person()
    Badge.objects.create(person=person, digest=badge_digest(NUMBER), created_at=NOW)
    return make_device("reader-1", make_machine(site=make_site()))


def let_in(reader: Device, request_id: str = "r-1") -> str:
    return answer(reader, Access(request_id, NUMBER), NOW).session_id


def lapse(session_id: str) -> dict[str, str]:
    return {"event": "stop", "reason": "idle_timeout", "session_id": session_id}


@pytest.mark.parametrize("needs_button", [True, False], ids=["by the lab", "by the device's own settings"])
def test_allowance_nobody_took_up_is_over_and_its_time_given_back(reader: Device, needs_button: bool) -> None:
    MachineAccess.objects.create(machine=reader.machine, needs_button=needs_button)
    session_id = let_in(reader)

    store(Talker("reader-1").say("event", lapse(session_id), 30))

    session, made = AccessSession.objects.get(reference=session_id), Reservation.objects.get()
    assert (session.ended_at, session.stop_reason) == (at(30), StopReason.IDLE_TIMEOUT)
    assert (made.status, made.end) == (Status.COMPLETED, at(30))


@pytest.mark.parametrize(("is_begun", "outages"), [(False, 0), (True, 1)], ids=["never begun", "used"])
def test_machine_nobody_used_needs_no_check(reader: Device, is_begun: bool, outages: int) -> None:
    MachineAccess.objects.create(machine=reader.machine, is_checked_after=True)
    session_id, talker = let_in(reader), Talker("reader-1")
    if is_begun:
        store(talker.say("event", {"event": "energised", "session_id": session_id}, 5))

    store(talker.say("event", lapse(session_id), 35))

    assert Outage.objects.filter(kind=Outage.Kind.TO_CHECK).count() == outages


@pytest.mark.parametrize("reason", ["agent_lost", "supervisor", "normal", "safety_input"])
def test_machine_that_power_never_came_to_needs_no_check(reader: Device, reason: str) -> None:
    MachineAccess.objects.create(machine=reader.machine, is_checked_after=True)

    store(Talker("reader-1").say("event", lapse(let_in(reader)) | {"reason": reason}, 35))

    assert AccessSession.objects.get().stop_reason == reason
    assert not Outage.objects.filter(kind=Outage.Kind.TO_CHECK).exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("de_energised", UseState.OFF),
        ("safety_input", UseState.FAULT),
        ("busy", UseState.IDLE),
    ],
    ids=["off stays off", "a fault stays one", "what worked rests"],
)
def test_stop_says_nothing_of_a_machine_that_was_off(reader: Device, before: str, after: str) -> None:
    session_id, talker = let_in(reader), Talker("reader-1")
    store(talker.event(before, 5))

    store(talker.say("event", lapse(session_id), 30))

    assert ReportedState.objects.get(machine=reader.machine).state == after
    assert not UsageSession.objects.filter(end=None).exists()


def test_device_page_says_that_nobody_pressed_the_button(in_english: None, reader: Device) -> None:
    session_id = let_in(reader)

    store(Talker("reader-1").say("event", lapse(session_id), 30))

    line = device_log(reader, only=LogKind.SESSIONS)[0]
    assert log_words(line, reader, at(60)) == "nobody pressed the button"


def test_somebody_else_may_begin_at_once(reader: Device) -> None:
    other: Person = make_person()
    Badge.objects.create(person=other, digest=badge_digest("99FF00AA"), created_at=NOW)
    session_id = let_in(reader)
    store(Talker("reader-1").say("event", lapse(session_id), 30))

    answered = answer(reader, Access("r-2", "99FF00AA"), at(40))

    begun = AccessSession.objects.get(reference=answered.session_id)
    assert (begun.person, begun.took_over) == (other, None)

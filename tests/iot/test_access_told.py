"""What devices tell about access: power on, somebody left, decided out of reach, stopped for safety."""

import datetime as dt

import pytest

from iot.access.decide import answer
from iot.access.sessions import sweep_access
from iot.access.told import OFF_LASTS
from iot.ingest.asking import decision_on
from iot.ingest.raw import RawMessage
from iot.models import (
    AccessAttempt,
    AccessSession,
    Device,
    DeviceCommand,
    InboxMessage,
    MachineAccess,
    StopReason,
    UsageSession,
)
from iot.orders import Kind, order
from iot.protocol import Access
from machines.closing_services import lift_outage
from machines.models import Machine, Outage
from people.badges import badge_digest
from people.models import Badge, Person
from reservations.models import Reservation, Status
from tests.factories import make_machine, make_person, make_site, make_staff
from tests.iot.builders import NOW, Talker, at, make_device, store

pytestmark = pytest.mark.django_db

NUMBER = "04A2B91C5D7280"


@pytest.fixture
def machine(db: None) -> Machine:
    return make_machine(site=make_site())


@pytest.fixture
def reader(machine: Machine) -> Device:
    return make_device("reader-1", machine)


@pytest.fixture
def camille(db: None) -> Person:
    person = make_person()
    Badge.objects.create(person=person, digest=badge_digest(NUMBER), created_at=NOW)
    return person


def let_in(reader: Device) -> str:
    return answer(reader, Access("r-1", NUMBER), NOW).session_id


def test_power_told_with_the_session_opens_it(reader: Device, camille: Person) -> None:
    MachineAccess.objects.create(machine=reader.machine, needs_button=True)
    session_id = let_in(reader)

    store(Talker("reader-1").say("event", {"event": "energised", "session_id": session_id}, 5))

    session = AccessSession.objects.get(reference=session_id)
    assert (session.state, session.energised_at) == ("active", at(5))


def test_power_told_after_the_time_for_the_button_is_switched_off_again(reader: Device, camille: Person) -> None:
    MachineAccess.objects.create(machine=reader.machine, needs_button=True)
    session_id = let_in(reader)
    sweep_access(now=at(60))

    store(Talker("reader-1").say("event", {"event": "energised", "session_id": session_id}, 62))

    told = DeviceCommand.objects.get(device=reader)
    data = {"session_id": session_id, "reason": "idle_timeout", "when_idle": True}
    assert (told.kind, told.data, told.expires_at - told.created_at) == (Kind.DISABLE, data, OFF_LASTS)
    assert AccessSession.objects.get(reference=session_id).ended_at == at(60)


def test_power_told_late_is_switched_off_again_too(reader: Device, camille: Person) -> None:
    MachineAccess.objects.create(machine=reader.machine, needs_button=True)
    session_id = let_in(reader)
    sweep_access(now=at(60))
    late = Talker("reader-1").say("event", {"event": "energised", "session_id": session_id}, 62)

    store(RawMessage(late.topic, late.payload, at(600)))

    assert DeviceCommand.objects.get(device=reader).data["session_id"] == session_id


def test_power_at_a_machine_that_was_stopped_for_safety_is_cut_at_once(reader: Device, camille: Person) -> None:
    session_id, talker = let_in(reader), Talker("reader-1")
    store(talker.say("event", {"event": "safety_input", "reason": "lid"}, 10))

    store(talker.say("event", {"event": "energised", "session_id": session_id}, 20))

    data = {"session_id": session_id, "reason": "safety_input", "when_idle": True, "at_once": True}
    assert [row.data for row in DeviceCommand.objects.filter(device=reader)] == [data]


def test_stop_told_with_the_session_ends_it_with_its_reason_and_gives_the_time_back(
    reader: Device, camille: Person
) -> None:
    session_id = let_in(reader)

    store(Talker("reader-1").say("event", {"event": "stop", "reason": "idle_timeout", "session_id": session_id}, 600))

    session = AccessSession.objects.get(reference=session_id)
    made = Reservation.objects.get()
    assert (session.ended_at, session.stop_reason) == (at(600), StopReason.IDLE_TIMEOUT)
    assert (made.status, made.end) == (Status.COMPLETED, at(600))


def test_stop_of_another_machines_session_ends_nothing(reader: Device, camille: Person) -> None:
    session_id = let_in(reader)
    make_device("reader-2", make_machine(site=make_site()))

    store(Talker("reader-2").say("event", {"event": "stop", "session_id": session_id}, 60))

    assert AccessSession.objects.get(reference=session_id).ended_at is None


def test_measured_use_is_of_whoever_was_let_in(reader: Device, camille: Person) -> None:
    let_in(reader)

    store(Talker("reader-1").event("busy", 30))

    session = UsageSession.objects.get()
    assert (session.person, session.reservation) == (camille, Reservation.objects.get())


@pytest.mark.parametrize("reason", ["emergency_stop", "door"])
def test_safety_input_blocks_the_machine_until_a_person_lifts_it(reader: Device, camille: Person, reason: str) -> None:
    session_id = let_in(reader)
    talker = Talker("reader-1")

    store(talker.say("event", {"event": "safety_input", "reason": reason}, 60))
    store(talker.event("idle", 120))

    session, outage = AccessSession.objects.get(reference=session_id), Outage.objects.get()
    assert session.stop_reason == ("emergency_stop" if reason == "emergency_stop" else "safety_input")
    assert (outage.kind, outage.end) == (Outage.Kind.LOCK_OUT, None)
    assert answer(reader, Access("r-2", NUMBER), at(180)).reason == "safety_input"
    lift_outage(outage=outage, by=make_staff(site=outage.machine.site), now=at(200))
    assert answer(reader, Access("r-3", NUMBER), at(240)).is_allowed


def test_emergency_blocks_even_what_is_out_of_service_already(reader: Device) -> None:
    Outage.objects.create(machine=reader.machine, kind=Outage.Kind.TO_CHECK, start=NOW)

    store(Talker("reader-1").say("event", {"event": "safety_input", "reason": "emergency_stop"}, 60))

    assert Outage.objects.filter(kind=Outage.Kind.LOCK_OUT, end=None).count() == 1


def test_what_the_device_decided_out_of_reach_is_written_down_as_it_was(reader: Device, camille: Person) -> None:
    talker = Talker("reader-1")
    said = {"request_id": "r-9", "credential": NUMBER, "decided": "allowed", "session_id": "off-1"}

    store(talker.say("access", said, 10), talker.say("event", {"event": "stop", "session_id": "off-1"}, 310))

    session = AccessSession.objects.get(reference="off-1")
    attempt = AccessAttempt.objects.get()
    assert (session.person, session.is_offline, session.allowed_at, session.ended_at) == (
        camille, True, at(10), at(310),
    )  # fmt: skip
    assert (attempt.person, attempt.is_allowed, attempt.session) == (camille, True, session)
    assert NUMBER.encode() not in b"".join(bytes(row.payload) for row in InboxMessage.objects.all())


def test_what_was_decided_out_of_reach_is_not_answered(reader: Device, camille: Person) -> None:
    said = {"request_id": "r-9", "credential": NUMBER, "decided": "denied"}

    assert decision_on(Talker("reader-1").say("access", said), NOW) is None


def test_yes_that_came_too_late_for_the_device_holds_nothing(reader: Device, camille: Person) -> None:
    talker = Talker("reader-1")
    asked = {"request_id": "r-9", "credential": NUMBER}
    first = talker.say("access", asked)
    decision = decision_on(first, NOW)
    began = AccessSession.objects.get()

    store(first, talker.say("access", asked | {"decided": "denied"}, 10))

    session = AccessSession.objects.get()
    assert decision is not None
    assert (decision.is_allowed, began.ended_at) == (True, None)
    assert (session.ended_at, session.stop_reason) == (at(10), StopReason.IDLE_TIMEOUT)
    assert AccessAttempt.objects.get().is_allowed


def test_device_that_was_too_late_for_a_second_badge_ends_nothing(reader: Device, camille: Person) -> None:
    talker = Talker("reader-1")
    asked = {"request_id": "r-9", "credential": NUMBER}
    again = asked | {"request_id": "r-10"}
    first, second = talker.say("access", asked), talker.say("access", again, 5)
    decision_on(first, NOW)
    decision_on(second, at(5))

    store(first, second, talker.say("access", again | {"decided": "denied"}, 10))

    assert AccessSession.objects.get().ended_at is None


def test_badge_sent_again_long_after_opens_nothing(reader: Device, camille: Person) -> None:
    talker = Talker("reader-1")
    store(talker.event("idle", 0))
    late = talker.say("access", {"request_id": "r-9", "credential": NUMBER}, 60)

    decision = decision_on(late, at(120))

    assert decision is not None
    assert (decision.is_allowed, decision.reason) == (False, "too_late")
    assert not AccessSession.objects.exists()


def test_badge_is_answered_for_its_own_device_only(reader: Device, camille: Person) -> None:
    unknown = Talker("reader-9").say("access", {"request_id": "r-9", "credential": NUMBER})
    revoked = make_device("reader-3", reader.machine, revoked_at=NOW)
    of_revoked = Talker(revoked.slug).say("access", {"request_id": "r-9", "credential": NUMBER})

    assert [decision_on(message, NOW) for message in (unknown, of_revoked)] == [None, None]


def test_device_says_what_became_of_an_order_once(reader: Device) -> None:
    told = order(device=reader, kind=Kind.MESSAGE, by=None, now=NOW, data={"text": "hello"})
    talker = Talker("reader-1")

    store(talker.say("ack", {"command_id": told.reference, "is_done": False, "reason": "busy"}, 5))
    store(talker.say("ack", {"command_id": told.reference, "is_done": True}, 6))

    told.refresh_from_db()
    assert (told.is_done, told.answer, told.answered_at) == (False, "busy", at(5))


def test_device_answers_no_order_of_another(reader: Device) -> None:
    told = order(device=reader, kind=Kind.MESSAGE, by=None, now=NOW)
    make_device("reader-2")

    store(Talker("reader-2").say("ack", {"command_id": told.reference, "is_done": True}, 5))

    assert DeviceCommand.objects.get().answered_at is None


def test_hello_says_which_settings_and_roster_the_device_has(reader: Device) -> None:
    hello = {"firmware": "1.4", "config_version": 3, "roster_version": 7, "is_locked": True}

    store(Talker("reader-1").say("hello", hello))

    reader.refresh_from_db()
    assert (reader.firmware, reader.reported_config_version, reader.reported_roster_version, reader.is_locked) == (
        "1.4", 3, 7, True,
    )  # fmt: skip


def test_session_of_a_boot_long_ago_does_not_end_before_it_began(reader: Device, camille: Person) -> None:
    session_id = let_in(reader)

    store(Talker("reader-1", booted_s=-7200).say("event", {"event": "stop", "session_id": session_id}, -3600))

    session = AccessSession.objects.get(reference=session_id)
    assert session.ended_at == session.allowed_at
    assert session.until - session.allowed_at == dt.timedelta(hours=1)

"""What runs while any of its machines does: an extractor that was out of reach, or whose machines end at once."""

from typing import Any

import pytest

from iot.access.sessions import sweep_access
from iot.models import AccessSession, Device, DeviceCommand, DriverKind, ReportedState, UseState
from iot.orders import order, take_to_send
from machines.models import Machine, UnitPart
from tests.factories import NOW, make_machine, make_staff, minutes
from tests.iot.builders import NOW as TALK_BEGINS
from tests.iot.builders import Talker, make_device, store
from tests.iot.readers import NUMBER, OTHER, power_on, tap, with_badge

pytestmark = pytest.mark.django_db


@pytest.fixture
def extractor(lathe: Machine) -> Machine:
    machine = make_machine(site=lathe.site, category=lathe.category)
    UnitPart.objects.create(whole=lathe.unit, part=machine.unit, is_shared=True)
    return machine


@pytest.fixture
def fan(extractor: Machine) -> Device:
    return make_device("fan", extractor)


@pytest.fixture
def plug(extractor: Machine) -> Device:
    return make_device("plug", extractor, kind=DriverKind.TASMOTA, topic="plug-04")


def told(device: Device) -> list[str]:
    return list(DeviceCommand.objects.filter(device=device).order_by("pk").values_list("kind", flat=True))


def ended_unseen(*machines: Machine) -> None:
    """As two processes end two machines at once: each still sees the other one's session."""
    AccessSession.objects.filter(machine__in=machines).update(
        state="ended", ended_at=NOW + minutes(10), stop_reason="normal"
    )


def test_extractor_that_was_out_of_reach_when_its_last_machine_ended_goes_off_when_it_is_back(
    lathe: Machine, reader: Device, fan: Device
) -> None:
    with_badge()
    power_on(tap(reader))
    take_to_send(now=NOW)
    DeviceCommand.objects.update(answered_at=NOW, is_done=True)
    tap(reader, at=NOW + minutes(10))

    sent = take_to_send(now=NOW + minutes(180))

    assert [(command.device, command.kind) for command in sent] == [(fan, "disable")]


def test_extractor_whose_last_two_machines_ended_at_once_is_found_by_the_sweep(
    lathe: Machine, reader: Device, extractor: Machine, fan: Device, django_capture_on_commit_callbacks: Any
) -> None:
    saw = make_machine(site=lathe.site, category=lathe.category)
    UnitPart.objects.create(whole=saw.unit, part=extractor.unit, is_shared=True)
    with_badge()
    with_badge(OTHER)
    saw_reader = make_device("reader-2", saw)
    with django_capture_on_commit_callbacks(execute=True):
        for decision in (tap(reader), tap(saw_reader, OTHER)):
            power_on(decision)
    sweep_access(now=NOW + minutes(5))
    while_needed = told(fan)
    ended_unseen(lathe, saw)

    for after in (11, 12):
        with django_capture_on_commit_callbacks(execute=True):
            sweep_access(now=NOW + minutes(after))

    assert while_needed == ["enable", "enable"]
    assert told(fan) == ["enable", "enable", "disable"]


def test_extractor_that_somebody_switched_on_by_hand_stays_on(
    lathe: Machine, plug: Device, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        order(device=plug, kind=DeviceCommand.Kind.ENABLE, by=make_staff(site=lathe.site), now=NOW)

    sweep_access(now=NOW + minutes(1))

    assert told(plug) == ["enable"]


def test_extractor_that_a_plug_measures_at_work_goes_off_with_its_last_machine(
    lathe: Machine, reader: Device, extractor: Machine, plug: Device
) -> None:
    with_badge()
    power_on(tap(reader))
    ReportedState.objects.create(machine=extractor, state=UseState.BUSY, since=NOW, at=NOW)

    tap(reader, at=NOW + minutes(10))

    assert told(plug) == ["enable", "disable"]


def says_that_it_let_in(told: dict[str, Any], after_min: float) -> None:
    booted_s = (NOW - TALK_BEGINS).total_seconds()
    store(Talker("reader-1", booted_s=booted_s).say("access", told, booted_s + after_min * 60))


def test_who_begins_by_the_roster_gets_the_extractor_too(lathe: Machine, reader: Device, fan: Device) -> None:
    with_badge()
    said = {"request_id": "r-9", "credential": NUMBER, "decided": "allowed", "session_id": "off-1"}

    says_that_it_let_in(said, 1)

    assert AccessSession.objects.get(reference="off-1").ended_at is None
    assert [command.kind for command in take_to_send(now=NOW + minutes(20))] == ["enable"]


def test_who_began_by_the_roster_and_was_followed_since_switches_nothing(
    lathe: Machine, reader: Device, fan: Device
) -> None:
    with_badge()
    with_badge(OTHER)
    power_on(tap(reader, OTHER, at=NOW + minutes(5)))
    said = {"request_id": "r-9", "credential": NUMBER, "decided": "allowed", "session_id": "off-1"}

    says_that_it_let_in(said, 1)

    assert AccessSession.objects.get(reference="off-1").stop_reason == "takeover"
    assert told(fan) == ["enable"]

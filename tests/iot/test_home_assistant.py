"""Our machines in Home Assistant: what it is told, and when again."""

import json

import pytest

from iot.home_assistant import HomeAssistant
from iot.models import Device, ReportedState, UseState
from machines.models import Machine
from tests.factories import NOW, make_person, minutes, reserve

pytestmark = pytest.mark.django_db


def values(told: HomeAssistant, machine: Machine) -> dict[str, bytes]:
    root = f"fablab/state/{machine.slug}/"
    return {topic.removeprefix(root): payload for topic, payload in told.told.items() if topic.startswith(root)}


def test_machine_with_a_device_appears_with_its_state(lathe: Machine, reader: Device) -> None:
    ReportedState.objects.create(machine=lathe, state=UseState.BUSY, power_w=120.0, at=NOW)
    told = HomeAssistant()

    messages = told.changes(NOW)

    configs = [message for message in messages if message.topic.endswith("/config") and message.payload]
    assert values(told, lathe)["state"] == b"busy"
    assert {json.loads(config.payload)["unique_id"] for config in configs}


def test_silent_machine_is_unknown_and_never_idle(lathe: Machine, reader: Device) -> None:
    ReportedState.objects.create(machine=lathe, state=UseState.IDLE, at=NOW)
    told = HomeAssistant()

    told.changes(NOW + minutes(10))

    assert (values(told, lathe)["state"], values(told, lathe)["availability"]) == (b"None", b"offline")


def test_only_what_changed_is_told_again(lathe: Machine, reader: Device) -> None:
    state = ReportedState.objects.create(machine=lathe, state=UseState.IDLE, at=NOW)
    told = HomeAssistant()
    told.changes(NOW)
    state.state = UseState.BUSY
    state.save()

    again = {message.topic.rpartition("/")[2]: message.payload for message in told.changes(NOW)}

    assert again == {"state": b"busy", "in_use": b"ON"}


def test_machine_that_is_retired_disappears(lathe: Machine, reader: Device) -> None:
    told = HomeAssistant()
    told.changes(NOW)
    Machine.objects.filter(pk=lathe.pk).update(retired_at=NOW)

    gone = told.changes(NOW)

    assert gone
    assert {message.payload for message in gone} == {b""}


def test_nobodys_name_is_told(lathe: Machine, reader: Device) -> None:
    reserve(machine=lathe, holder=make_person(first_name="Zorobabel"), start=NOW, end=NOW + minutes(60))

    messages = HomeAssistant().changes(NOW)

    assert not any(b"Zorobabel" in message.payload for message in messages)

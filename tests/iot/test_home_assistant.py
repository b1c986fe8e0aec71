"""Our machines in Home Assistant: what it is told, and when again."""

import datetime as dt
import json
from collections.abc import Callable

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


def retire(lathe: Machine, reader: Device) -> None:
    Machine.objects.filter(pk=lathe.pk).update(retired_at=NOW)


def shut_out(lathe: Machine, reader: Device) -> None:
    Device.objects.filter(pk=reader.pk).update(revoked_at=NOW)


def take_away(lathe: Machine, reader: Device) -> None:
    Device.objects.filter(pk=reader.pk).update(machine=None)


@pytest.mark.parametrize("go", [retire, shut_out, take_away])
def test_machine_that_went_while_nobody_listened_disappears(
    lathe: Machine, reader: Device, go: Callable[[Machine, Device], None]
) -> None:
    kept = {message.topic: message.payload for message in HomeAssistant().changes(NOW)}
    go(lathe, reader)

    # Another process: what the one before it told is with the broker alone.
    kept |= {message.topic: message.payload for message in HomeAssistant().changes(NOW)}

    assert {topic: payload for topic, payload in kept.items() if payload} == {"fablab/state/server": b"online"}


def test_machine_that_went_is_taken_back_once_for_each_connection(lathe: Machine, reader: Device) -> None:
    retire(lathe, reader)
    told = HomeAssistant()

    gone, again = told.changes(NOW), told.changes(NOW)
    told.told.clear()
    anew = told.changes(NOW)

    assert (len(gone) > 1, again, anew) == (True, [], gone)


@pytest.mark.parametrize("slug", ["server", "Lathe"], ids=["ours", "no topic"])
@pytest.mark.parametrize("retired_at", [None, NOW], ids=["in use", "retired"])
def test_machine_that_never_could_be_told_of_holds_nothing_up(
    lathe: Machine, reader: Device, slug: str, retired_at: dt.datetime | None
) -> None:
    Machine.objects.filter(pk=lathe.pk).update(slug=slug, retired_at=retired_at)

    assert [message.topic for message in HomeAssistant().changes(NOW)] == ["fablab/state/server"]


def test_nobodys_name_is_told(lathe: Machine, reader: Device) -> None:
    reserve(machine=lathe, holder=make_person(first_name="Zorobabel"), start=NOW, end=NOW + minutes(60))

    messages = HomeAssistant().changes(NOW)

    assert not any(b"Zorobabel" in message.payload for message in messages)

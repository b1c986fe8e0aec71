"""Whether a device is there, and whether what it said is news."""

import pytest

from iot import sessions
from iot.ingest.raw import RawMessage
from iot.models import Device, ReportedState, UseState
from machines.models import Machine
from tests.iot.builders import Talker, at, make_device, make_plug, store

pytestmark = pytest.mark.django_db


def state_of(machine: Machine) -> ReportedState:
    return ReportedState.objects.get(machine=machine)


@pytest.mark.parametrize(
    ("statuses", "is_online", "last_seen_s"),
    [
        pytest.param([("online", 10, False)], True, 10, id="online"),
        pytest.param([("online", 10, False), ("offline", 20, False)], False, 10, id="last will"),
        pytest.param([("online", 10, True)], True, None, id="a retained status may be old"),
        pytest.param([("offline", 10, True)], False, None, id="retained last will"),
        pytest.param([("offline", 10, True), ("online", 20, False)], True, 20, id="back"),
    ],
)
def test_status_tells_presence(
    talker: Talker, device: Device, statuses: list[tuple[str, int, bool]], is_online: bool, last_seen_s: int | None
) -> None:
    store(*[talker.status(state, at_s, is_retained=is_retained) for state, at_s, is_retained in statuses])

    device.refresh_from_db()
    assert (device.is_online, device.last_seen_at) == (is_online, None if last_seen_s is None else at(last_seen_s))


def test_goodbye_in_one_batch_with_the_last_messages_is_the_last_word(talker: Talker, device: Device) -> None:
    store(talker.status("online", 0), talker.power(5, 10), talker.status("offline", 11))

    device.refresh_from_db()
    assert (device.is_online, device.last_seen_at) == (False, at(10))


def test_message_after_a_last_will_says_that_the_device_is_back(talker: Talker, device: Device) -> None:
    store(talker.status("offline", 0), talker.power(5, 10))

    device.refresh_from_db()
    assert device.is_online


def test_silent_machine_is_unreachable_once_and_until_heard(talker: Talker, machine: Machine, device: Device) -> None:
    store(talker.power(5, 0))

    assert sessions.sweep_silent_devices(now=at(60)) == []
    assert sessions.sweep_silent_devices(now=at(61)) == [device]
    assert sessions.sweep_silent_devices(now=at(62)) == []
    assert state_of(machine).is_unreachable

    store(talker.status("online", 100, is_retained=True))
    assert state_of(machine).is_unreachable

    store(talker.status("online", 101))
    assert not state_of(machine).is_unreachable
    assert state_of(machine).state == UseState.IDLE


def test_machine_with_one_device_that_is_heard_is_reachable(talker: Talker, machine: Machine) -> None:
    reader = Talker(make_device("reader", machine).slug)
    store(talker.power(5, 0), reader.status("online", 0))
    store(reader.status("online", 100))

    assert sessions.sweep_silent_devices(now=at(101)) == []


@pytest.mark.parametrize(
    ("is_retained", "expected"), [(False, UseState.BUSY), (True, UseState.IDLE)], ids=["live", "retained: maybe old"]
)
def test_plug_s_measurement_counts_when_it_is_live(machine: Machine, is_retained: bool, expected: UseState) -> None:
    make_plug("plug-04", machine)
    topic = "tele/plug-04/SENSOR"
    store(RawMessage(topic, b'{"ENERGY": {"Power": 4}}', at(0)))

    for at_s in (10, 20):
        store(RawMessage(topic, b'{"ENERGY": {"Power": 900}}', at(at_s), is_retained))

    assert state_of(machine).state == expected


def test_plug_s_last_will_and_switch_are_understood(machine: Machine) -> None:
    plug = make_plug("plug-04", machine)

    store(
        RawMessage("tele/plug-04/LWT", b"Online", at(0), is_retained=True),
        RawMessage("stat/plug-04/POWER", b"OFF", at(1)),
        RawMessage("tele/plug-04/SENSOR", b'{"ENERGY": {"Power": 0}}', at(2)),
        RawMessage("tele/plug-04/LWT", b"Offline", at(3)),
    )

    plug.refresh_from_db()
    assert (plug.is_online, plug.last_seen_at, state_of(machine).state) == (False, at(2), UseState.OFF)

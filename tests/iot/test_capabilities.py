"""What a device says that it has: kept from its hello, and which orders that leaves."""

from typing import Any

import pytest

from iot.capabilities import capability_words, gaps, why_not
from iot.device_services import DeviceError
from iot.models import Device, DeviceCommand, DriverKind, MachineAccess
from iot.orders import Kind, can_order, order
from machines.models import Machine
from tests.factories import NOW, make_staff
from tests.iot.builders import Talker, make_device, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


def hello(reader: Device, *names: str, **said: Any) -> None:
    talker = Talker(reader.slug, boot=f"boot-{said.pop('boot', 1)}")
    store(talker.say("hello", {"firmware": "kit 1", "capabilities": list(names)} | said))
    reader.refresh_from_db()


def test_hello_leaves_what_the_device_has_each_once(reader: Device) -> None:
    hello(reader, "relay", "badge", "relay", "warp_drive")

    assert reader.capabilities == ["relay", "badge", "warp_drive"]
    assert capability_words(reader) == ["a relay for the power", "a badge reader", "warp_drive"]


def test_next_hello_takes_the_place_of_the_one_before(reader: Device) -> None:
    hello(reader, "relay", "display")
    hello(reader, "badge", boot=2)

    assert reader.capabilities == ["badge"]


def test_sign_of_life_of_a_plug_is_no_hello(lathe: Machine) -> None:
    plug = make_device("plug", lathe, kind=DriverKind.TASMOTA, topic="plug-04", capabilities=["relay"])
    from iot.ingest.raw import RawMessage

    store(RawMessage("tele/plug-04/STATE", b'{"POWER":"ON"}', NOW))

    plug.refresh_from_db()
    assert plug.capabilities == ["relay"]


CANNOT: dict[str, tuple[list[str], list[str]]] = {
    "has not said": ([], []),
    "everything": (["relay", "badge", "button", "display"], []),
    "no display": (["relay", "badge"], ["message"]),
    "only measures": (["power_w"], ["enable", "disable", "lock", "message"]),
    "badge and display": (["badge", "display"], ["enable", "disable", "lock"]),
    "seat": (["seat", "battery_pct"], []),
}


@pytest.mark.parametrize(("has", "cannot"), CANNOT.values(), ids=CANNOT)
def test_orders_that_need_more_are_not_possible(reader: Device, has: list[str], cannot: list[str]) -> None:
    reader.capabilities = has

    assert [str(kind) for kind in Kind if not can_order(reader, kind)] == cannot
    assert all(why_not(reader, kind).endswith((".", "switch.")) for kind in cannot)


def test_order_that_needs_more_is_refused_with_its_reason(lathe: Machine, reader: Device) -> None:
    reader.capabilities = ["relay"]

    with pytest.raises(DeviceError) as refused:
        order(device=reader, kind=Kind.MESSAGE, by=make_staff(site=lathe.site), now=NOW, data={"text": "Hello"})

    assert (refused.value.code, refused.value.sentence) == ("cannot", "It says that it has no display.")
    assert not DeviceCommand.objects.exists()


def test_what_the_software_orders_by_itself_is_sent_all_the_same(reader: Device) -> None:
    reader.capabilities = ["badge"]

    assert order(device=reader, kind=Kind.DISABLE, by=None, now=NOW).pk


def test_order_answered_as_unsupported_is_not_possible_until_the_next_hello(lathe: Machine, reader: Device) -> None:
    hello(reader, "relay")
    made = order(device=reader, kind=Kind.REBOOT, by=None, now=NOW)
    talker = Talker(reader.slug, seq=1)

    store(talker.say("ack", {"command_id": made.reference, "is_done": False, "reason": "unsupported"}))

    reader.refresh_from_db()
    assert (reader.refuses, can_order(reader, Kind.REBOOT)) == (["reboot"], False)
    assert why_not(reader, Kind.REBOOT) == "It answered that it cannot do that."
    hello(reader, "relay", boot=2)
    assert (reader.refuses, can_order(reader, Kind.REBOOT)) == ([], True)


def test_other_refusals_take_no_order_away(reader: Device) -> None:
    made = order(device=reader, kind=Kind.REBOOT, by=None, now=NOW)

    store(Talker(reader.slug).say("ack", {"command_id": made.reference, "is_done": False, "reason": "busy"}))

    reader.refresh_from_db()
    assert (reader.refuses, can_order(reader, Kind.REBOOT)) == ([], True)


GAPS: dict[str, tuple[list[str], int, dict[str, bool], int]] = {
    "all there": (["relay", "button"], 2, {"needs_button": True}, 0),
    "no button": (["relay", "badge"], 0, {"needs_button": True}, 1),
    "nothing confirms": (["relay"], 1, {}, 1),
    "cannot hurt": (["relay"], 0, {}, 0),
    "has not said": ([], 2, {"needs_button": True}, 0),
    "switches nothing": (["badge"], 2, {"needs_button": True}, 0),
}


@pytest.mark.parametrize(("has", "risk", "asked", "count"), GAPS.values(), ids=GAPS)
def test_what_the_machine_asks_for_beyond_it_is_told(
    lathe: Machine, reader: Device, has: list[str], risk: int, asked: dict[str, bool], count: int
) -> None:
    lathe.risk_level, reader.capabilities, reader.machine = risk, has, lathe

    assert len(gaps(reader, MachineAccess(machine=lathe, **asked))) == count


def test_answer_of_another_device_settles_no_order(lathe: Machine, reader: Device) -> None:
    other = make_device("reader-2", lathe)
    made = order(device=reader, kind=Kind.LOCK, by=None, now=NOW)

    store(Talker(other.slug).say("ack", {"command_id": made.reference, "is_done": True}))

    made.refresh_from_db()
    assert (made.answered_at, made.is_done) == (None, None)

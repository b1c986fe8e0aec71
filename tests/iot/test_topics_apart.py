"""No device speaks for another: neither by its driver, nor by how it is found, nor by the topic it is given."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from iot.broker.access import overlap
from iot.device_services import create_device, update_device
from iot.drivers import FOREIGN, seen_devices
from iot.drivers.base import Seen
from iot.models import DriverKind, SeenDevice
from iot.seen_selectors import may_be_attached
from iot.selectors import account_of
from tests.factories import NOW, make_machine
from tests.iot.builders import make_device

ALIKE: list[tuple[str, str, bool]] = [
    ("a/b", "a/b", True),
    ("a/+", "a/b", True),
    ("a/+", "+/b", True),
    ("a/+/c", "a/b/d", False),
    ("a/#", "a/b/c", True),
    ("a/#", "a", True),
    ("a/b/#", "a", False),
    ("a/+", "a/b/c", False),
    ("tele/bench/+", "tele/bench/status", True),
]


@pytest.mark.parametrize(("one", "other", "is_shared"), ALIKE)
def test_overlap_is_seen_both_ways(one: str, other: str, is_shared: bool) -> None:
    assert (overlap(one, other), overlap(other, one)) == (is_shared, is_shared)


@pytest.mark.parametrize("topic", ["tele/bench", "stat/bench", "cmnd/x", "shellies/a", "homeassistant", "fablab/v1"])
def test_node_of_esphome_has_no_prefix_of_others(topic: str) -> None:
    assert FOREIGN["esphome"].writes(topic) == ()


def announced(state_topic: str, component: str = "sensor", device_class: str = "power") -> list[Seen]:
    said = {"stat_t": state_topic, "dev_cla": device_class, "uniq_id": "x", "dev": {"name": "Bench", "ids": ["x"]}}
    return list(seen_devices([(f"homeassistant/{component}/bench/x/config", json.dumps(said).encode())]))


FOUND: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "node under tele": ("tele/bench/sensor/power/state", "power", [("esphome", "tele/bench")]),
    "its relay under tele": ("tele/bench/switch/relay/state", "", []),
    "node": ("bench/sensor/power/state", "power", [("esphome", "bench")]),
    "plug": ("tele/bench/SENSOR", "power", [("tasmota", "bench")]),
    "plug named as a sensor": ("tele/sensor/power/SENSOR", "power", [("tasmota", "sensor/power")]),
}


@pytest.mark.parametrize(("topic", "device_class", "found"), FOUND.values(), ids=FOUND)
def test_announcement_gives_the_driver_of_its_own_make(
    topic: str, device_class: str, found: list[tuple[str, str]]
) -> None:
    assert [(seen.kind, seen.topic) for seen in announced(topic, device_class=device_class)] == found


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("tele/bench/sensor/power/state", "esphome"),
        ("tele/bench/LWT", "tasmota"),
        ("tele/bench/sensor/LWT", "tasmota"),
        ("bench/sensor/power/state", "esphome"),
    ],
)
def test_message_gives_one_driver_only(topic: str, kind: str) -> None:
    payload = b"Online" if topic.endswith("LWT") else b"12.5"

    assert [seen.kind for seen in seen_devices([(topic, payload)])] == [kind]


def test_node_under_tele_is_seen_and_must_be_renamed_first() -> None:
    row = SeenDevice(kind="esphome", topic="tele/bench", label="Bench", first_seen_at=NOW, last_seen_at=NOW)

    assert not may_be_attached(row)


APART: dict[str, tuple[tuple[str, str], tuple[str, str], bool]] = {
    "reader and plug": (("tasmota", "reader-1"), ("rfid", "tele/reader-1"), False),
    "two plugs": (("tasmota", "a"), ("tasmota", "b"), True),
    "two plugs of a bridge": (("zigbee2mqtt", "zigbee2mqtt/a"), ("zigbee2mqtt", "zigbee2mqtt/b"), True),
    "node and plug": (("esphome", "bench"), ("tasmota", "bench-2"), True),
    "node below another": (("esphome", "bench"), ("esphome", "bench/sensor/b"), True),
}


@pytest.mark.django_db
@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize(("first", "second", "may"), APART.values(), ids=APART)
@pytest.mark.parametrize("is_same_machine", [False, True], ids=["elsewhere", "one machine"])
def test_device_that_would_speak_for_another_machines_is_refused(
    by: Any, first: tuple[str, str], second: tuple[str, str], may: bool, is_same_machine: bool
) -> None:
    machine = make_machine()
    create_device(name="First", kind=first[0], topic=first[1], machine=machine, by=by)
    other = machine if is_same_machine else make_machine()

    def make() -> Any:
        return create_device(name="Second", kind=second[0], topic=second[1], machine=other, by=by)

    if may or is_same_machine:
        assert make().pk
        return
    with pytest.raises(ValidationError) as refused:
        make()
    assert "would count for “First” too" in refused.value.messages[0]


@pytest.mark.django_db
@pytest.mark.usefixtures("in_english")
def test_device_does_not_move_to_where_it_would_speak_for_another(by: Any) -> None:
    here, there = make_machine(), make_machine()
    create_device(name="Plug", kind=DriverKind.TASMOTA, topic="box", machine=here, by=by)
    reader = create_device(name="Reader", kind=DriverKind.RFID, topic="tele/box", machine=here, by=by)

    with pytest.raises(ValidationError):
        update_device(device=reader, by=by, machine=there)


# --- what is nobody's, and what others are told -------------------------------------------------------------------

OTHERS_S: list[tuple[str, str]] = [
    ("rfid", "fablab/v1/laser-b/up/access"),
    ("rfid", "fablab"),
    ("rfid", "cmnd/laser-plug/POWER"),
    ("rfid", "stat/laser-plug"),
    ("rfid", "homeassistant/switch/x/config"),
    ("shelly", "fablab/v1/laser-b/down"),
    ("shelly", "tele/laser-plug"),
    ("shelly", "cmnd/laser-plug"),
    ("octoprint", "fablab/v1/laser-b/up"),
    ("octoprint", "tele/laser-plug"),
    ("moonraker", "fablab/v1/laser-b"),
    ("moonraker", "homeassistant"),
]


@pytest.mark.django_db
@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize(("kind", "topic"), OTHERS_S, ids=[f"{kind} {topic}" for kind, topic in OTHERS_S])
def test_topic_of_the_lab_itself_is_given_to_no_device(by: Any, kind: str, topic: str) -> None:
    with pytest.raises(ValidationError) as refused:
        create_device(name="Box", kind=kind, topic=topic, machine=make_machine(), by=by)

    assert refused.value.messages[0].startswith("The lab itself or other devices speak there")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [kind for kind in FOREIGN if kind not in ("rfid", "tasmota")])
@pytest.mark.parametrize("first", ["fablab/v1/laser-b", "homeassistant/x", "cmnd/x", "stat/x", "tele/x"])
def test_device_that_came_by_another_way_is_granted_nothing_of_the_lab(kind: str, first: str) -> None:
    device = make_device("box", kind=kind, topic=first, password_hash="$7$1$x$y")

    account = account_of(device)

    granted = [pattern for pattern in (*account.writes, *account.reads) if overlap(pattern, f"{first}/#")]
    assert granted == []


# As docs/devices.md tells to write them; of each kind of device that is not ours.
USUAL: list[tuple[str, str]] = [
    ("tasmota", "plug-04"),
    ("tasmota", "hall/plug-05"),
    ("shelly", "shellies/shellyplug-s-1"),
    ("shelly", "shellyplusplugs-2"),
    ("zigbee2mqtt", "zigbee2mqtt/laser"),
    ("zigbee2mqtt", "zigbee2mqtt/saw"),
    ("esphome", "press"),
    ("octoprint", "octoPrint/mk4"),
    ("octoprint", "octoPrint/mk3"),
    ("octoprint", "octoPrint"),
    ("moonraker", "voron"),
    ("bambu", "01S00A2B3C"),
    ("bambu", "01S00A2B3D"),
    ("rfid", "tele/reader-1"),
    ("rfid", "door-reader"),
]


@pytest.mark.django_db
def test_usual_topics_stand_beside_each_other(by: Any) -> None:
    for kind, topic in USUAL:
        assert create_device(name=topic, kind=kind, topic=topic, machine=make_machine(), by=by).pk

    assert {kind for kind, _topic in USUAL} == set(FOREIGN)


# Where one would hear, or say, what the other is told.
MIXED: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "plug below a plug": (("tasmota", "a"), ("tasmota", "a/b")),
    "reader says what a plug is told": (("shelly", "shellies/a"), ("rfid", "shellies/a/relay/0/command")),
    "reader says what a node is told": (("esphome", "press"), ("rfid", "press/switch/relay/command")),
    "reader says what a printer is asked": (("moonraker", "voron"), ("rfid", "voron/moonraker/api/request")),
    "printer says what a bridge is told": (("zigbee2mqtt", "zigbee2mqtt/a"), ("octoprint", "zigbee2mqtt/x")),
    "plug hears what a bridge says": (("zigbee2mqtt", "zigbee2mqtt/a"), ("shelly", "zigbee2mqtt/b")),
    "reader in a bridge's place": (("zigbee2mqtt", "zigbee2mqtt/a"), ("rfid", "zigbee2mqtt/a/set")),
}


@pytest.mark.django_db
@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize("is_turned", [False, True], ids=["second comes later", "first comes later"])
@pytest.mark.parametrize(("first", "second"), MIXED.values(), ids=MIXED)
def test_nobody_orders_or_overhears_another_machines_device(
    by: Any, first: tuple[str, str], second: tuple[str, str], is_turned: bool
) -> None:
    here, later = (second, first) if is_turned else (first, second)
    create_device(name="First", kind=here[0], topic=here[1], machine=make_machine(), by=by)

    with pytest.raises(ValidationError) as refused:
        create_device(name="Second", kind=later[0], topic=later[1], machine=make_machine(), by=by)

    assert "“First”" in refused.value.messages[0]

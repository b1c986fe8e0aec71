"""What every driver holds to: rubbish is malformed, nobody speaks for another, and unknown devices are recognised."""

import json
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot.broker.access import BrokerUser, is_filter, topic_matches
from iot.drivers import foreign_driver, router, seen_devices
from iot.drivers.base import Observation, Presence, subtopic_of
from iot.protocol import MAX_PAYLOAD_BYTES, MalformedMessage
from tests.iot.recorded import KINDS, files_of, lines_of, parse

BASES = {
    "tasmota": "plug-04", "shelly": "shellies/shellyplug-s-1", "zigbee2mqtt": "zigbee2mqtt/saw", "esphome": "bench",
    "octoprint": "octoPrint/prusa-1", "moonraker": "voron", "bambu": "01P00A000000002", "rfid": "door-reader",
}  # fmt: skip
# Where each kind's JSON and bare words come.
JSON_TOPICS = {
    "tasmota": "tele/plug-04/SENSOR", "shelly": "shellies/shellyplug-s-1/status/switch:0",
    "zigbee2mqtt": "zigbee2mqtt/saw", "octoprint": "octoPrint/prusa-1/event/PrinterStateChanged",
    "moonraker": "voron/klipper/status", "bambu": "device/01P00A000000002/report", "rfid": "door-reader/send",
}  # fmt: skip


def topics_of(kind: str) -> list[str]:
    """A topic for each pattern that the device of that kind may write."""
    patterns = foreign_driver(kind).writes(BASES[kind])
    fillings = {
        "tasmota": ("SENSOR", "STATE", "LWT", "POWER", "STATUS8", "INFO1"),
        "esphome": ("power", "energy_wh", "x"),
    }
    return [pattern.replace("+", word) for pattern in patterns for word in fillings.get(kind, ("x",))]


ALL_TOPICS = [(kind, topic) for kind in KINDS for topic in topics_of(kind)]


# --- rubbish ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", JSON_TOPICS)
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(b'{"a": "\xff"}', "not_utf8", id="not UTF-8"),
        pytest.param(b"{", "not_json", id="cut short"),
        pytest.param(b'{"a": NaN}', "not_json", id="NaN"),
        pytest.param(b'{"a": ' + b"[" * 60_000, "too_deep", id="deep"),
        pytest.param(b'{"a": "' + b"x" * MAX_PAYLOAD_BYTES + b'"}', "too_large", id="too large"),
        pytest.param(b"[1]", "wrong_shape", id="a list"),
    ],
)
def test_rubbish_is_malformed_everywhere(kind: str, payload: bytes, code: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse(kind, BASES[kind], JSON_TOPICS[kind], payload)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "leaf", "payload", "code"),
    [
        ("shelly", "online", b"True", "wrong_shape"),
        ("shelly", "relay/0", b"toggle", "wrong_shape"),
        ("shelly", "relay/0/power", b"nan", "wrong_shape"),
        ("shelly", "relay/0/power", b"1_000", "wrong_shape"),
        ("shelly", "relay/0/power", b"1e99", "not_finite"),
        ("shelly", "relay/0/power", b"", "wrong_shape"),
        ("shelly", "relay/0/energy", b"-60", "wrong_shape"),
        ("shelly", "status/switch:0", b'{"apower": "61"}', "wrong_shape"),
        ("shelly", "status/switch:0", b'{"apower": 1e12}', "not_finite"),
        ("shelly", "status/switch:0", b'{"aenergy": 5}', "wrong_shape"),
        ("shelly", "status/switch:0", b'{"aenergy": {"total": -1}}', "wrong_shape"),
        ("shelly", "status/switch:0", b'{"output": 1}', "wrong_shape"),
        ("shelly", "events/rpc", b'{"method": "NotifyStatus"}', "wrong_shape"),
        ("shelly", "events/rpc", b'{"method": 5}', "wrong_shape"),
        ("zigbee2mqtt", "", b'{"power": true}', "wrong_shape"),
        ("zigbee2mqtt", "", b'{"state": {"a": 1}}', "wrong_shape"),
        ("zigbee2mqtt", "availability", b"maybe", "wrong_shape"),
        ("zigbee2mqtt", "availability", b"{}", "wrong_shape"),
        ("esphome", "status", b"ONLINE", "wrong_shape"),
        ("esphome", "sensor/power/state", b"inf", "wrong_shape"),
        ("esphome", "sensor/power/state", "٣٤".encode(), "wrong_shape"),
        ("esphome", "switch/relay/state", b"on", "wrong_shape"),
        ("octoprint", "mqtt", b"{}", "wrong_shape"),
        ("octoprint", "progress/printing", b'{"progress": "x"}', "wrong_shape"),
        ("octoprint", "event/PrinterStateChanged", b'{"state_id": 3}', "wrong_shape"),
        ("octoprint", "temperature/tool0", b'{"actual": -400}', "not_finite"),
        ("moonraker", "moonraker/status", b"{}", "wrong_shape"),
        ("moonraker", "klipper/status", b'{"status": []}', "wrong_shape"),
        ("moonraker", "klipper/status", b'{"status": {"virtual_sdcard": {"progress": 7}}}', "not_finite"),
        ("moonraker", "moonraker/api/response", b'{"method": "notify_status_update", "params": []}', "wrong_shape"),
        ("bambu", "", b'{"print": []}', "wrong_shape"),
        ("bambu", "", b'{"print": {"command": "push_status", "mc_percent": "half"}}', "wrong_shape"),
        ("rfid", "tag", b"not a number", "wrong_shape"),
        ("rfid", "tag", b"04", "wrong_shape"),
        ("rfid", "tag", b"\xff\xfe", "not_utf8"),
        ("rfid", "tag", b"hmac:00", "wrong_shape"),
        ("rfid", "tag", b'{"uid": ["04A2B3C4"]}', "wrong_shape"),
        ("rfid", "tag", b'{"uid": true}', "wrong_shape"),
        ("rfid", "tag", b'{"uid": "04A2B3C4\\u0000"}', "wrong_shape"),
    ],
)
def test_wrong_value_is_malformed(kind: str, leaf: str, payload: bytes, code: str) -> None:
    topic = JSON_TOPICS["bambu"] if kind == "bambu" else f"{BASES[kind]}/{leaf}".rstrip("/")

    with pytest.raises(MalformedMessage) as caught:
        parse(kind, BASES[kind], topic, payload)

    assert caught.value.code == code


KEYS = [
    "ENERGY", "Power", "Total", "StatusSNS", "Info1", "Version", "POWER", "method", "params", "switch:0", "em:0",
    "apower", "aenergy", "total", "output", "errors", "power", "energy", "state", "status", "print_stats", "webhooks",
    "virtual_sdcard", "progress", "extruder", "temperature", "print", "info", "module", "command", "gcode_state",
    "mc_percent", "nozzle_temper", "uid", "RC522", "state_id", "path", "actual", "reason", "result", "server", "fw_ver",
]  # fmt: skip
VALUES = [
    "NotifyStatus",
    "push_status",
    "notify_status_update",
    "printing",
    "PRINTING",
    "RUNNING",
    "online",
    "ON",
    "37",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=15,
)
PAYLOADS = (
    st.binary(max_size=80)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.text(max_size=20).map(lambda text: text.encode(errors="surrogatepass"))
)


def is_of_the_protocol(observation: Observation) -> bool:
    """Whether the protocol would have taken it from a device of ours: every limit of every field."""
    if isinstance(observation, Presence):
        return isinstance(observation.is_online, bool)
    again = msgspec.json.decode(msgspec.json.encode(observation), type=type(observation))
    samples = getattr(again, "samples", [])
    return again == observation and all(math.isfinite(sample.power_w or 0) for sample in samples)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(ALL_TOPICS), PAYLOADS)
def test_any_payload_is_read_or_malformed(place: tuple[str, str], payload: bytes) -> None:
    kind, topic = place

    try:
        observations = parse(kind, BASES[kind], topic, payload)
    except MalformedMessage as error:
        assert error.code  # noqa: PT017 (raised or not, both are right)
        assert len(error.detail) <= 300  # noqa: PT017
    else:
        assert observations is not None
        assert all(is_of_the_protocol(each) for each in observations)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KINDS), st.text(max_size=30), PAYLOADS)
def test_any_subtopic_is_read_or_malformed(kind: str, subtopic: str, payload: bytes) -> None:
    try:
        foreign_driver(kind).parse(BASES[kind], subtopic, payload)
    except MalformedMessage as error:
        assert error.code  # noqa: PT017


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([*(topic for _, topic in ALL_TOPICS), "homeassistant/sensor/a/config", "z/bridge/devices", "x/tag"])
    | st.text(max_size=30),
    PAYLOADS,
)
def test_looking_for_devices_never_raises(topic: str, payload: bytes) -> None:
    found = seen_devices([(topic, payload)])

    assert all(device.label and device.topic and "#" not in device.topic for device in found)


def test_recorded_payloads_cut_short_or_with_a_byte_changed_never_raise_anything_else() -> None:
    read = 0
    for kind in KINDS:
        for topic, payload in (line for name in files_of(kind) for line in lines_of(kind, name)):
            base = next(base for base in (BASES[kind], *topic.split("/")) if base)
            for cut in range(0, len(payload), 7):
                for hurt in (
                    payload[:cut],
                    payload[:cut] + b"\xff" + payload[cut + 1 :],
                    payload[:cut] + b"9" + payload[cut:],
                ):
                    try:
                        foreign_driver(kind).parse(base, subtopic_of(base, topic), hurt)
                    except MalformedMessage:
                        continue
                    read += 1

    assert read > 0


# --- whose topic it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_patterns_can_be_granted(kind: str) -> None:
    driver = foreign_driver(kind)

    user = BrokerUser("device", "$7$x", tuple(driver.writes(BASES[kind])), tuple(driver.reads(BASES[kind])))

    assert all(is_filter(pattern) and "#" not in pattern for pattern in user.writes)


NASTY = [
    "a", "a/b", "a/relay", "a/relay/0", "a/status", "a/sensor", "a/klipper/state", "a/event", "a/tag", "a/availability",
    "a/SENSOR", "tele/a", "stat/a", "device/a", "a/bridge", "a/bridge/state", "a/b/availability", "a/b/tag",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_may_write_on_a_topic_of_another(kind: str) -> None:
    driver = foreign_driver(kind)
    words = ("SENSOR", "LWT", "state", "power", "0", "x")
    shared = [
        (one, other, topic)
        for one in NASTY
        for other in NASTY
        if one != other
        for pattern in driver.writes(other)
        for topic in {pattern.replace("+", word) for word in words}
        if any(topic_matches(own, topic) for own in driver.writes(one))
    ]

    # The state of a bridge belongs to all of its plugs.
    assert [each for each in shared if each[2] != "a/bridge/state"] == []


@pytest.mark.parametrize(
    ("kind", "topic"),
    [("rfid", "a/tag"), ("rfid", "tele/a/LWT"), ("zigbee2mqtt", "plug"), ("zigbee2mqtt", "z/bridge/state"),
     ("zigbee2mqtt", "z/a/availability")],
)  # fmt: skip
def test_topic_that_no_device_can_have_is_granted_nothing(kind: str, topic: str) -> None:
    assert foreign_driver(kind).writes(topic) == ()


def test_bridge_s_state_goes_to_each_of_its_plugs_and_to_no_other() -> None:
    devices = [(f"plug-{name}", "zigbee2mqtt", f"{base}/{name}") for base in ("z1", "z2") for name in ("a", "b")]

    routes = router(devices).find("z1/bridge/state")

    assert [(route.slug, route.subtopic) for route in routes] == [
        ("plug-a", "z1/bridge/state"),
        ("plug-b", "z1/bridge/state"),
    ]


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("tele/plug-04/SENSOR", [("t", "tele/SENSOR")]),
        ("stat/a/b/POWER", [("nested", "stat/POWER")]),
        ("shellies/s/relay/0", [("s", "relay/0")]),
        ("zigbee2mqtt/saw", [("z", "")]),
        ("device/SERIAL/report", [("b", "device/report")]),
        ("tele/plug-05/SENSOR", []),
        ("cmnd/plug-04/POWER", []),
        ("tele/+/SENSOR", []),
        ("", []),
        ("/", []),
        ("x" * 5000, []),
        ("/" * 5000, []),
    ],
)
def test_topic_leads_to_its_device(topic: str, found: list[tuple[str, str]]) -> None:
    devices = [
        ("t", "tasmota", "plug-04"), ("nested", "tasmota", "a/b"), ("s", "shelly", "shellies/s"),
        ("z", "zigbee2mqtt", "zigbee2mqtt/saw"), ("b", "bambu", "SERIAL"), ("ours", "fablab", ""),
    ]  # fmt: skip

    assert [(route.slug, route.subtopic) for route in router(devices).find(topic)] == found


def test_filters_are_all_patterns_once() -> None:
    filters = router([("a", "zigbee2mqtt", "z/a"), ("b", "zigbee2mqtt", "z/b")]).filters

    assert filters == ("z/a", "z/a/availability", "z/bridge/state", "z/b", "z/b/availability")


# --- the registry -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_driver_says_what_to_set_and_how_its_meter_counts(kind: str) -> None:
    driver = foreign_driver(kind)

    assert kind == driver.KIND
    assert all(step.name and step.value and str(step.why) for step in driver.SET_UP)
    assert bool(driver.COUNTER) == (kind in ("tasmota", "shelly", "zigbee2mqtt", "esphome"))
    assert len(kind) <= 12

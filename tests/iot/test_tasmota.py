"""Tasmota payloads → observations. Shapes as firmware 9 to 14 sends them."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot.broker.access import topic_matches
from iot.drivers import foreign_driver, tasmota
from iot.drivers.base import Observation, Presence, Relay
from iot.protocol import MAX_PAYLOAD_BYTES, Event, Hello, MalformedMessage, Reading, Sample

ONE_CHANNEL = {
    "Time": "2026-03-12T14:00:00",
    "ENERGY": {
        "TotalStartTime": "2025-01-01T00:00:00", "Total": 1.234, "Yesterday": 0.1, "Today": 0.05, "Period": 0,
        "Power": 61, "ApparentPower": 70, "ReactivePower": 30, "Factor": 0.87, "Voltage": 231, "Current": 0.305,
    },
}  # fmt: skip
TWO_CHANNELS = {"ENERGY": {"Total": 3.5, "Power": [61, 4.5], "Current": [0.3, 0.02], "Voltage": 231}}
TOTAL_PER_CHANNEL = {"ENERGY": {"Total": [1.5, 2], "Power": [61, 0]}}


def parse(subtopic: str, payload: Any) -> Sequence[Observation]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return tasmota.parse("plug-04", subtopic, raw)


def measured(**values: float) -> tuple[Reading]:
    return (Reading([Sample(**values)]),)


@pytest.mark.parametrize(
    ("subtopic", "payload", "expected"),
    [
        pytest.param("tele/SENSOR", ONE_CHANNEL, measured(power_w=61, energy_wh=1234), id="plug"),
        pytest.param("tele/SENSOR", TWO_CHANNELS, measured(power_w=65.5, energy_wh=3500), id="two channels, one total"),
        pytest.param("tele/SENSOR", TOTAL_PER_CHANNEL, measured(power_w=61, energy_wh=3500), id="a total per channel"),
        pytest.param("tele/SENSOR", {"ENERGY": {"Power": 0}}, measured(power_w=0), id="power alone; zero is a value"),
        pytest.param("tele/SENSOR", {"ENERGY": {"Total": 0.0004}}, measured(energy_wh=0.4), id="energy alone"),
        pytest.param("tele/SENSOR", {"ENERGY": {}}, (), id="meter with nothing to say"),
        pytest.param("tele/SENSOR", {"Time": "x", "DS18B20": {"Temperature": 21}}, (), id="no energy meter"),
        pytest.param("tele/SENSOR", {"ENERGY": None}, (), id="meter null"),
        pytest.param("stat/STATUS8", {"StatusSNS": ONE_CHANNEL}, measured(power_w=61, energy_wh=1234), id="Status 8"),
        pytest.param("stat/STATUS10", {"StatusSNS": ONE_CHANNEL}, measured(power_w=61, energy_wh=1234), id="Status 10"),
        pytest.param("tele/LWT", b"Online", (Presence(True),), id="connected"),
        pytest.param("tele/LWT", b"Offline", (Presence(False),), id="last will"),
        pytest.param("stat/POWER", b"ON", (Event("energised"),), id="switched on"),
        pytest.param("stat/POWER1", b"OFF", (Event("de_energised"),), id="first relay switched off"),
        pytest.param("stat/RESULT", {"POWER": "ON"}, (), id="result says the same again"),
        pytest.param("tele/STATE", {"POWER": "ON", "Wifi": {"RSSI": 80}}, (Relay(True),), id="state: still on"),
        pytest.param("tele/STATE", {"POWER": "OFF"}, (Event("de_energised"),), id="state: off is sure"),
        pytest.param("tele/STATE", {"POWER1": "ON", "POWER2": "OFF"}, (Relay(True),), id="state: the second is off"),
        pytest.param("tele/STATE", {"Wifi": {"RSSI": 80}}, (Hello(),), id="state: a sign of life"),
        pytest.param("tele/INFO2", b"\xff", (), id="not ours to read"),
        pytest.param("cmnd/POWER", b"ON", (), id="a command says nothing about the plug"),
    ],
)
def test_payload_becomes_observations(subtopic: str, payload: Any, expected: tuple[Observation, ...]) -> None:
    assert tuple(parse(subtopic, payload)) == expected


@pytest.mark.parametrize(
    ("subtopic", "payload", "code"),
    [
        pytest.param("tele/LWT", b"", "wrong_shape", id="LWT empty"),
        pytest.param("tele/LWT", b"online", "wrong_shape", id="LWT in small letters"),
        pytest.param("stat/POWER", b"TOGGLE", "wrong_shape", id="neither on nor off"),
        pytest.param("tele/STATE", [], "wrong_shape", id="state a list"),
        pytest.param("tele/INFO1", b"\xff", "not_json", id="firmware not readable"),
        pytest.param("tele/INFO1", {"Info1": 7}, "wrong_shape", id="firmware a number"),
        pytest.param("tele/SENSOR", b"", "not_json", id="empty"),
        pytest.param("tele/SENSOR", b"{", "not_json", id="cut short"),
        pytest.param("tele/SENSOR", b'{"ENERGY": {"Power": nan}}', "not_json", id="nan, as old firmware wrote"),
        pytest.param("tele/SENSOR", b'{"a": "\xff"}', "not_utf8", id="not UTF-8"),
        pytest.param("tele/SENSOR", b"[" * 60_000, "too_deep", id="deep"),
        pytest.param("tele/SENSOR", b" " * (MAX_PAYLOAD_BYTES + 1), "too_large", id="too large"),
        pytest.param("tele/SENSOR", [ONE_CHANNEL], "wrong_shape", id="a list"),
        pytest.param("tele/SENSOR", {"ENERGY": 61}, "wrong_shape", id="meter a number"),
        pytest.param("tele/SENSOR", {"ENERGY": {"Power": "61"}}, "wrong_shape", id="power as text"),
        pytest.param("tele/SENSOR", {"ENERGY": {"Power": True}}, "wrong_shape", id="power true"),
        pytest.param("tele/SENSOR", {"ENERGY": {"Power": [61, None]}}, "wrong_shape", id="a channel null"),
        pytest.param("tele/SENSOR", {"ENERGY": {"Power": []}}, "wrong_shape", id="no channel"),
        pytest.param("tele/SENSOR", {"ENERGY": {"Total": -1}}, "wrong_shape", id="negative total"),
        pytest.param("tele/SENSOR", b'{"ENERGY": {"Power": 1e400}}', "not_json", id="beyond a double"),
        pytest.param("tele/SENSOR", {"ENERGY": {"Power": 1e12}}, "not_finite", id="impossible power"),
        pytest.param("stat/STATUS8", {"Status": {}}, "wrong_shape", id="status without its sensors"),
    ],
)
def test_rubbish_is_malformed(subtopic: str, payload: Any, code: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse(subtopic, payload)

    assert caught.value.code == code


def test_huge_integer_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        parse("tele/SENSOR", b'{"ENERGY": {"Power": ' + b"9" * 5000 + b"}}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["ENERGY", "Power", "Total", "StatusSNS", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)
SUBTOPICS = st.sampled_from(
    ["tele/SENSOR", "stat/STATUS8", "stat/STATUS10", "tele/LWT", "stat/POWER", "tele/x", "tele/STATE"]
)


@settings(max_examples=200, deadline=None)
@given(SUBTOPICS, st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_payload_is_read_or_malformed(subtopic: str, payload: bytes) -> None:
    try:
        observations = parse(subtopic, payload)
    except MalformedMessage as error:
        assert error.code  # noqa: PT017 (raised or not, both are right)
    else:
        assert all(isinstance(each, Presence | Event | Hello | Reading) for each in observations)


@pytest.mark.parametrize(
    ("topic", "is_allowed"),
    [
        ("tele/plug-04/SENSOR", True),
        ("stat/plug-04/POWER", True),
        pytest.param("tele/plug-05/SENSOR", False, id="another plug"),
        pytest.param("tele/plug-04/left/SENSOR", False, id="a plug whose topic begins alike"),
        pytest.param("cmnd/plug-04/POWER", False, id="a command to itself"),
        pytest.param("fablab/v1/plug-04/up/reading", False, id="our own protocol"),
    ],
)
def test_plug_may_write_only_under_its_own_topic(topic: str, is_allowed: bool) -> None:
    patterns = foreign_driver("tasmota").writes("plug-04")

    assert any(topic_matches(pattern, topic) for pattern in patterns) == is_allowed


def test_unknown_kind_has_no_driver() -> None:
    with pytest.raises(KeyError):
        foreign_driver("toaster")

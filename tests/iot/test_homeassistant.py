"""Home Assistant's discovery: others' announcements are read, ours are built."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot.broker.access import is_filter, topic_matches
from iot.drivers import homeassistant_out as out
from iot.drivers import seen_devices
from iot.drivers.homeassistant import Found, is_config, read_config, recognise, topics_of
from iot.drivers.homeassistant_out import MachineCard, MachineNews
from iot.protocol import MAX_PAYLOAD_BYTES, MalformedMessage
from tests.iot.recorded import lines_of

LASER = MachineCard("laser-1", "Laser cutter", "K40", "Hall", "https://lab.example/machines/laser-1/", has_meter=True)


def read_file(name: str) -> tuple[Found, ...]:
    return tuple(found for topic, payload in lines_of("homeassistant", name) for found in read_config(topic, payload))


def read(body: Any, topic: str = "homeassistant/sensor/a/config") -> tuple[Found, ...]:
    return read_config(topic, body if isinstance(body, bytes) else json.dumps(body).encode())


# --- inwards ----------------------------------------------------------------------------------------------------


def test_abbreviated_announcement_is_read() -> None:
    (found,) = read_file("tasmota")

    assert found == Found(
        component="sensor",
        name="ENERGY Power",
        unique_id="218FF9_ENERGY_Power",
        state_topic="tele/plug001/SENSOR",
        availability_topics=("tele/plug001/LWT",),
        command_topic="",
        device_class="power",
        unit="W",
        value_template="{{value_json['ENERGY']['Power']}}",
        device_id="218FF9",
        device_name="Plug of the laser",
        manufacturer="Tasmota",
        model="Sonoff Pow",
        firmware="13.4.0(tasmota)",
    )


def test_written_out_announcement_is_read() -> None:
    power, link = read_file("zigbee2mqtt")

    assert power.availability_topics == ("zigbee2mqtt/bridge/state", "zigbee2mqtt/bandsaw/availability")
    assert (power.unit, power.device_id, power.firmware) == ("W", "zigbee2mqtt_0xa4c13801e33848a2", "0122052017")
    assert link.unit == "lqi"


def test_announcement_of_a_whole_device_is_read_part_by_part() -> None:
    power, relay = read_file("device")

    assert topics_of(power) == ("bench-plug/sensor/power/state", "bench-plug/status")
    assert topics_of(relay) == (
        "bench-plug/switch/relay/state",
        "bench-plug/status",
        "bench-plug/switch/relay/command",
    )
    assert (power.component, relay.component, relay.device_name) == ("sensor", "switch", "Bench plug")


def test_template_is_recorded_and_never_evaluated() -> None:
    (found,) = read_file("hostile")

    assert found.value_template.startswith("{{ ''.__class__.__mro__[1].__subclasses__() }}{% for x in range(10**9) %}")
    assert found.device_name == "{{ 7*7 }}<script>alert(1)</script>"


def test_template_of_any_length_is_kept_short() -> None:
    (found,) = read({"val_tpl": "{{ x }}" * 5000})

    assert len(found.value_template) == 300


@pytest.mark.parametrize(
    ("base", "topic", "full"),
    [
        ("lab/plug", "~/state", "lab/plug/state"),
        ("lab/plug", "state/~", "state/lab/plug"),
        ("lab/plug", "a/~/b", "a/~/b"),
        ("", "~/state", "~/state"),
        ("lab/plug", "plain", "plain"),
        pytest.param("lab/#", "~/state", "", id="a wildcard in the base"),
        pytest.param("lab", "~/" + "x" * 300, "", id="longer than any topic"),
        pytest.param("lab", "~/\u0000", "", id="control character"),
        pytest.param({}, "state", "state", id="base that is no text"),
    ],
)
def test_base_is_written_out(base: Any, topic: str, full: str) -> None:
    (found,) = read({"~": base, "stat_t": topic})

    assert found.state_topic == full


def test_key_in_full_wins_over_its_abbreviation() -> None:
    (found,) = read({"stat_t": "short", "state_topic": "long"})

    assert found.state_topic == "long"


def test_empty_payload_takes_the_announcement_back() -> None:
    assert read(b"") == ()


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("homeassistant/sensor/a/config", b"{", "not_json"),
        ("homeassistant/sensor/a/config", b"[]", "wrong_shape"),
        ("homeassistant/sensor/a/config", b"[" * 60_000, "too_deep"),
        ("homeassistant/sensor/a/config", b" " * (MAX_PAYLOAD_BYTES + 1), "too_large"),
        ("homeassistant/device/a/config", b"{}", "wrong_shape"),
        ("homeassistant/device/a/config", b'{"cmps": []}', "wrong_shape"),
        ("homeassistant/sensor/a/state", b"{}", "unknown_topic"),
        ("other/sensor/a/config", b"{}", "unknown_topic"),
    ],
)
def test_what_is_no_announcement_is_malformed(topic: str, payload: bytes, code: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        read(payload, topic)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("topic", "prefix", "is_one"),
    [
        ("homeassistant/sensor/a/config", "homeassistant", True),
        ("homeassistant/sensor/node/a/config", "homeassistant", True),
        ("home/ha/sensor/a/config", "home/ha", True),
        ("homeassistant/sensor/config", "homeassistant", False),
        ("homeassistant/a/b/c/d/config", "homeassistant", False),
        ("homeassistant/sensor/../config", "homeassistant", False),
        ("homeassistant/sensor/a b/config", "homeassistant", False),
        ("homeassistant/status", "homeassistant", False),
    ],
)
def test_announcement_is_known_by_its_topic(topic: str, prefix: str, is_one: bool) -> None:
    assert is_config(topic, prefix) == is_one


def test_things_that_measure_no_power_are_no_devices_of_ours() -> None:
    body = {"stat_t": "weather/sensor/wind/state", "dev_cla": "wind_speed", "uniq_id": "w", "dev": {"name": "Wind"}}

    assert recognise("homeassistant/sensor/w/config", json.dumps(body).encode()) == ()


KEYS = [
    "stat_t",
    "state_topic",
    "avty",
    "avty_t",
    "dev",
    "device",
    "ids",
    "name",
    "cmps",
    "p",
    "~",
    "dev_cla",
    "val_tpl",
    "t",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("tele/a/SENSOR"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["sensor", "device", "tag"]), JSON | st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_announcement_is_read_or_malformed(component: str, body: Any) -> None:
    topic = f"homeassistant/{component}/a/config"
    payload = json.dumps(body).encode()

    try:
        rows = read_config(topic, payload)
    except MalformedMessage as error:
        assert error.code  # noqa: PT017 (raised or not, both are right)
    else:
        assert all(isinstance(getattr(row, name), str | tuple) for row in rows for name in Found.__slots__)
    seen_devices([(topic, payload)])


# --- outwards ---------------------------------------------------------------------------------------------------


def configs(machine: MachineCard = LASER) -> dict[str, dict[str, Any]]:
    said = out.announcements(machine, version="1.2")
    return {message.topic: msgspec.json.decode(message.payload) for message in said if message.payload}


def test_machine_appears_with_its_values() -> None:
    topics = list(configs())

    assert topics == [
        "homeassistant/sensor/fablab_laser-1/state/config",
        "homeassistant/binary_sensor/fablab_laser-1/in_use/config",
        "homeassistant/binary_sensor/fablab_laser-1/fault/config",
        "homeassistant/sensor/fablab_laser-1/power/config",
        "homeassistant/sensor/fablab_laser-1/energy/config",
    ]


@pytest.mark.usefixtures("in_english")
def test_announcement_says_all_that_home_assistant_asks_for() -> None:
    energy = configs()["homeassistant/sensor/fablab_laser-1/energy/config"]

    assert energy == {
        "name": "Energy",
        "unique_id": "fablab_laser-1_energy",
        "state_topic": "fablab/state/laser-1/energy",
        "availability": [{"topic": "fablab/state/server"}, {"topic": "fablab/state/laser-1/availability"}],
        "availability_mode": "all",
        "device": {
            "identifiers": ["fablab_laser-1"],
            "name": "Laser cutter",
            "manufacturer": "fablab",
            "sw_version": "1.2",
            "model": "K40",
            "suggested_area": "Hall",
            "configuration_url": "https://lab.example/machines/laser-1/",
        },
        "origin": {"name": "fablab", "sw_version": "1.2"},
        "qos": 1,
        "device_class": "energy",
        "state_class": "total_increasing",
        "unit_of_measurement": "Wh",
    }


def test_nothing_can_be_commanded_and_no_template_is_needed() -> None:
    written = repr(configs())

    assert "command_topic" not in written
    assert "template" not in written


def test_unique_ids_differ() -> None:
    ids = [body["unique_id"] for card in (LASER, MachineCard("laser-2", "L")) for body in configs(card).values()]

    assert len(set(ids)) == len(ids)


def test_machine_without_a_meter_takes_its_meter_back() -> None:
    said = out.announcements(MachineCard("saw", "Saw"), version="1")

    assert [(m.topic.split("/")[3], bool(m.payload)) for m in said] == [
        ("state", True), ("in_use", True), ("fault", True), ("power", False), ("energy", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "values"),
    [
        pytest.param(
            MachineNews("busy", True, 61.25, 1234),
            [b"online", b"busy", b"ON", b"OFF", b"61.2", b"1234.0"],
            id="in use",
        ),
        pytest.param(MachineNews("fault", True), [b"online", b"fault", b"OFF", b"ON", b"None", b"None"], id="fault"),
        pytest.param(MachineNews(None, True), [b"online", *[b"None"] * 5], id="nobody knows: neither idle nor zero"),
        pytest.param(
            MachineNews("idle", False, 0.0, 0.0), [b"offline", b"idle", b"OFF", b"OFF", b"0.0", b"0.0"], id="no news"
        ),
    ],
)
def test_values_are_bare(told: MachineNews, values: list[bytes]) -> None:
    said = out.news("saw", told)

    assert [m.payload for m in said] == values


def test_every_announced_topic_is_told() -> None:
    announced = {body["state_topic"] for body in configs().values()}
    announced |= {row["topic"] for body in configs().values() for row in body["availability"]}

    told = {m.topic for m in out.news("laser-1", MachineNews("idle", True))} | {out.server_sign(is_online=True).topic}

    assert announced == told


def test_withdrawal_empties_all_that_was_kept() -> None:
    kept = {m.topic for m in out.announcements(LASER, version="1")}
    kept |= {m.topic for m in out.news("laser-1", MachineNews("idle", True))}

    gone = out.withdrawals("laser-1")

    assert {m.topic for m in gone} == kept
    assert {m.payload for m in gone} == {b""}


@pytest.mark.parametrize("slug", ["", "Laser", "a/b", "a+", "#", "é", "server", "a b"])
def test_slug_that_makes_no_topic_is_refused(slug: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a topic"):
        out.news(slug, MachineNews("idle", True))


def test_state_that_was_not_announced_is_refused() -> None:
    with pytest.raises(ValueError, match="announced"):
        out.news("saw", MachineNews("on fire", True))


def test_account_may_write_all_that_it_says_and_no_topic_of_a_device() -> None:
    said = [
        *out.announcements(LASER, version="1"),
        *out.news("laser-1", MachineNews("idle", True)),
        *out.withdrawals("laser-1"),
    ]

    granted = out.writes()

    assert all(is_filter(pattern) for pattern in granted)
    assert all(any(topic_matches(pattern, message.topic) for pattern in granted) for message in said)
    assert not any(topic_matches(pattern, "fablab/v1/plug-1/up/event") for pattern in granted)


def test_our_announcements_are_read_by_our_own_reader() -> None:
    said = out.announcements(LASER, version="1")

    found = [found for message in said for found in read_config(message.topic, message.payload)]

    assert [(each.device_id, each.unit) for each in found][-2:] == [("fablab_laser-1", "W"), ("fablab_laser-1", "Wh")]

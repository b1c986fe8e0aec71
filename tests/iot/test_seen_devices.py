"""Devices that nobody attached yet are known by what they say: kind, topic, label."""

import json
from typing import Any

import pytest

from iot.broker.access import is_filter, topic_matches
from iot.drivers import FOREIGN, SEEN_ON, foreign_driver, homeassistant, seen_devices
from iot.drivers.base import Seen
from tests.iot.recorded import files_of, lines_of

PLUS_PLUG = "shellyplusplugs-e86beae8d9f4"
TUYA = "TuYa Smart plug (with power monitoring) (TS011F_plug_1)"


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [
        ("tasmota", "pow", [Seen("tasmota", "pow1", "pow1", "Sonoff Pow")]),
        ("shelly", "gen1-plug-s", [Seen("shelly", "shellies/shellyplug-s-C18B12", "shellyplug-s-C18B12", "")]),
        ("shelly", "gen2-plus-plug-s", [Seen("shelly", PLUS_PLUG, PLUS_PLUG)]),
        ("shelly", "gen3-pm-mini", [Seen("shelly", "lab/hall/pm", "shellypmminig3-54320464a1d0")]),
        ("zigbee2mqtt", "json", [Seen("zigbee2mqtt", "zigbee2mqtt/saw", "saw")]),
        ("esphome", "bare-names", [Seen("esphome", "bench-plug", "bench-plug")]),
        ("octoprint", "1.11.8-print", [Seen("octoprint", "octoPrint/prusa-1", "octoPrint/prusa-1")]),
        ("moonraker", "whole", [Seen("moonraker", "voron", "voron")]),
        ("bambu", "p1s-parts", [Seen("bambu", "01P00A000000002", "01P00A000000002")]),
        ("rfid", "esp-rfid", [Seen("rfid", "door-reader", "door-reader")]),
        # Its sign of life alone does not tell whether it has a meter too.
        (
            "rfid", "tasmota",
            [Seen("rfid", "tele/reader-1", "tele/reader-1"), Seen("tasmota", "reader-1", "reader-1")],
        ),
        ("homeassistant", "tasmota", [Seen("tasmota", "plug001", "Plug of the laser", "Tasmota Sonoff Pow")]),
        ("homeassistant", "zigbee2mqtt", [Seen("zigbee2mqtt", "zigbee2mqtt/bandsaw", "bandsaw", TUYA)]),
        ("homeassistant", "device", [Seen("esphome", "bench-plug", "Bench plug", "Athom PG01V2-EU16A")]),
    ],
)  # fmt: skip
def test_devices_of_a_recording_are_seen(kind: str, name: str, found: list[Seen]) -> None:
    assert list(seen_devices(lines_of(kind, name))) == found


def test_gen1_announcement_names_the_model() -> None:
    said = b'{"id":"shellyplug-s-C18B12","model":"SHPLG-S","mac":"4022D8C18B12","fw_ver":"x"}'

    assert seen_devices([("shellies/announce", said)]) == (
        Seen("shelly", "shellies/shellyplug-s-C18B12", "shellyplug-s-C18B12", "SHPLG-S"),
    )


def test_bridge_s_list_gives_its_metering_plugs_only() -> None:
    rows: list[Any] = [
        {"friendly_name": "Coordinator", "type": "Coordinator", "definition": None},
        {"friendly_name": "laser-plug", "definition": {
            "model": "TS011F_plug_1", "vendor": "Tuya",
            "exposes": [{"type": "switch"}, {"type": "numeric", "property": "power", "unit": "W"}],
        }},
        {"friendly_name": "bulb", "definition": {"model": "LED1624G9", "exposes": [{"type": "light"}]}},
        {"friendly_name": "plug of the saw", "definition": {"exposes": [{"property": "power"}]}},
        "nonsense",
    ]  # fmt: skip

    found = seen_devices([("zigbee2mqtt/bridge/devices", json.dumps(rows).encode())])

    assert [(each.topic, each.label, each.model, each.fits) for each in found] == [
        ("zigbee2mqtt/laser-plug", "laser-plug", "Tuya TS011F_plug_1", True),
        ("zigbee2mqtt/plug of the saw", "plug of the saw", "", False),
    ]


def test_better_label_wins_whichever_came_first() -> None:
    messages = [*lines_of("homeassistant", "tasmota"), ("tele/plug001/LWT", b"Online")]

    assert seen_devices(messages) == seen_devices(messages[::-1])
    assert seen_devices(messages)[0].label == "Plug of the laser"


def test_label_holds_nothing_that_hides_or_steers() -> None:
    said = {"id": "shelly\x1b[31m\u202eevil\u0000", "model": "m" * 500}

    found = seen_devices([("shellies/announce", json.dumps(said).encode())])

    assert all(device.label.isprintable() and len(device.model) <= 80 for device in found)


def test_badge_number_is_no_label() -> None:
    found = seen_devices([*lines_of("rfid", "esp-rfid"), *lines_of("rfid", "tasmota"), *lines_of("rfid", "bare")])

    assert found
    assert not any(part in repr(found).upper() for part in ("E2A9", "BA839D07", "BA-83", "04A2", "ANA"))


def test_devices_are_looked_for_on_well_formed_filters() -> None:
    assert all(is_filter(pattern) for pattern in SEEN_ON)
    assert set(homeassistant.SEEN_ON) <= set(SEEN_ON)


def test_every_kind_is_looked_for_where_it_shows_itself() -> None:
    unseen = {
        kind
        for kind in FOREIGN
        if not any(
            topic_matches(pattern, topic)
            for name in files_of(kind)
            for topic, _ in lines_of(kind, name)
            for pattern in foreign_driver(kind).SEEN_ON
        )
    }

    assert unseen == set()

"""Payloads of foreign devices → observations, file by file and line by line. `None`: not on a topic of the device."""

from collections.abc import Sequence

import pytest

from iot.drivers.base import Observation, Presence, Relay
from iot.protocol import Access, Event, Hello, Reading, Sample
from tests.iot.recorded import KINDS, files_of, told

Line = tuple[Observation, ...] | None

ONLINE: Line = (Presence(True),)
OFFLINE: Line = (Presence(False),)
NOTHING: Line = ()
ALIVE: Line = (Hello(),)
STILL_ON: Line = (Relay(is_on=True),)
ON: Line = (Event("energised"),)
OFF: Line = (Event("de_energised"),)
IDLE: Line = (Event("idle"),)
BUSY: Line = (Event("busy"),)
PAUSED: Line = (Event("busy", reason="paused"),)
DONE: Line = (Event("stop", reason="job_finished"),)
STOPPED: Line = (Event("stop", reason="normal"),)


def reading(**values: float) -> Reading:
    return Reading([Sample(**values)])


def only(**values: float) -> Line:
    return (reading(**values),)


def let_through(**values: float) -> Line:
    """Measured, and on: that says nothing of use, and answers an order."""
    return (reading(**values), Relay(is_on=True))


def fault(reason: str) -> Line:
    return (Event("fault", reason=reason),)


def badge(number: str, request_id: str = "") -> Line:
    return (Access(request_id, number),)


MARK = "hmac:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
TABLE: dict[tuple[str, str], tuple[str, Sequence[Line]]] = {
    ("tasmota", "pow"): (
        "pow1",
        [ONLINE, (Hello(firmware="9.5.0(tasmota)"),), STILL_ON, only(power_w=2635, energy_wh=6294), NOTHING, OFF,
         OFFLINE],
    ),
    ("tasmota", "two-channels"): (
        "bench",
        [
            (Hello(firmware="13.4.0(tasmota32)"),), OFF, only(power_w=65.5, energy_wh=3500),
            only(power_w=64.5, energy_wh=3500), NOTHING,
        ],
    ),
    ("shelly", "gen1-plug-s"): (
        "shellies/shellyplug-s-C18B12",
        [
            ONLINE, (Hello(firmware="20230913-113421/v1.14.0-gcb84623"),), ON, only(power_w=23.52),
            only(energy_wh=20.567), fault("overpower"), only(energy_wh=0), OFF, OFFLINE,
        ],
    ),
    ("shelly", "gen1-em"): ("shellies/shellyem-B9E2A1", [only(power_w=-12.4), only(energy_wh=18234.5)]),
    ("shelly", "gen2-plus-plug-s"): (
        "shellyplusplugs-e86beae8d9f4",
        [ONLINE, let_through(power_w=106.3, energy_wh=46791.262), only(power_w=10.7), only(energy_wh=46791.44), OFF,
         ALIVE, OFFLINE],
    ),
    ("shelly", "gen3-pm-mini"): ("lab/hall/pm", [only(power_w=271.4, energy_wh=1203.991), ALIVE]),
    ("shelly", "gen4-1pm"): (
        "shelly1pmg4-a085e3b4c1d2",
        [(reading(power_w=0, energy_wh=77.015), Event("fault", reason="overtemp")), ALIVE],
    ),
    ("shelly", "gen2-pro-3em"): ("press", [only(power_w=963.2), only(energy_wh=13125.01)]),
    ("zigbee2mqtt", "bare-words"): (
        "zigbee2mqtt/saw",
        [NOTHING, ONLINE, let_through(power_w=58, energy_wh=1540), OFFLINE, OFFLINE],
    ),
    ("zigbee2mqtt", "json"): (
        "zigbee2mqtt/saw",
        [ONLINE, let_through(power_w=3, energy_wh=8420), ON, ALIVE, OFFLINE],
    ),
    ("zigbee2mqtt", "off"): (
        "zigbee2mqtt/saw",
        [(reading(power_w=0, energy_wh=12050), Event("de_energised"))],
    ),
    ("zigbee2mqtt", "consumption"): ("zigbee2mqtt/saw", [let_through(power_w=11.9, energy_wh=5430)]),
    ("esphome", "names-of-the-node"): (
        "sonoff-pow",
        # Of an energy without its unit, nobody knows how much it is.
        [ONLINE, only(power_w=61.28), ALIVE, ALIVE, OFFLINE],
    ),
    ("esphome", "bare-names"): (
        "bench-plug",
        [ALIVE, only(power_w=0), only(energy_wh=12034), only(energy_wh=12034.1), ALIVE, ON, OFF, None],
    ),
    ("octoprint", "1.11.8-print"): (
        "octoPrint/prusa-1",
        [
            ONLINE, NOTHING, None, NOTHING, NOTHING, IDLE, NOTHING, BUSY, BUSY, BUSY, only(temperature_c=21.3), None,
            (reading(progress_pct=98), Event("busy")), BUSY, DONE, IDLE, NOTHING,
        ],
    ),
    ("octoprint", "1.11.8-pause-cancel"): (
        "octoPrint/prusa-1",
        [
            BUSY, BUSY, BUSY, BUSY, PAUSED, PAUSED, BUSY, BUSY, BUSY, (reading(progress_pct=22), Event("busy")),
            # Cancelled; the failure that follows says it once more.
            BUSY, STOPPED, NOTHING, IDLE, BUSY, BUSY, BUSY,
        ],
    ),
    ("octoprint", "1.11.8-thermal-runaway"): (
        "octoPrint/prusa-1",
        [
            fault("printer_error"), fault("printer_error"), fault("emergency_stop"), OFFLINE, OFFLINE,
            fault("print_failed"), NOTHING, NOTHING, NOTHING, IDLE, NOTHING, BUSY, BUSY, BUSY, OFFLINE, OFFLINE,
            fault("print_failed"), NOTHING,
        ],
    ),
    ("octoprint", "1.11.8-killed"): ("octoPrint/prusa-1", [BUSY, BUSY, BUSY, OFFLINE, ONLINE, NOTHING]),
    ("octoprint", "2.0.0rc7"): (
        "octoPrint/v2",
        [
            NOTHING, NOTHING, IDLE, NOTHING, BUSY, BUSY, BUSY, BUSY, only(temperature_c=21.3), None, PAUSED,
            fault("printer_error"), fault("printer_error"), fault("emergency_stop"), OFFLINE, fault("printer_error"),
            fault("print_failed"), OFFLINE, OFFLINE, fault("print_failed"),
        ],
    ),
    ("moonraker", "whole"): (
        "voron",
        [
            ONLINE, (reading(temperature_c=24.1, progress_pct=0), Event("idle")),
            (reading(progress_pct=17), Event("busy", job_id="R7K2P")), only(temperature_c=209.86), PAUSED,
            (reading(progress_pct=100), Event("stop", reason="job_finished")), fault("klipper_shutdown"), OFFLINE,
        ],
    ),
    ("moonraker", "split"): (
        "voron",
        [
            BUSY, ALIVE, only(progress_pct=42.11), only(temperature_c=24), STOPPED, (Event("stop", reason="failed"),),
            fault("klipper_shutdown"), None,
        ],
    ),
    ("moonraker", "calls"): (
        "voron",
        [
            (reading(progress_pct=50), Event("busy")), ALIVE, IDLE, fault("klipper_shutdown"), OFFLINE, ALIVE,
        ],
    ),
    ("bambu", "x1c-whole"): (
        "00M00A000000001",
        [
            (Hello(firmware="01.01.01.00"),), (reading(temperature_c=25, progress_pct=0), Event("idle")),
            (reading(temperature_c=219.5, progress_pct=37), Event("busy")), ALIVE, ALIVE,
        ],
    ),
    ("bambu", "p1s-parts"): (
        "01P00A000000002",
        [
            ALIVE, ALIVE, (reading(temperature_c=214.5), Event("busy", reason="paused")), only(progress_pct=40),
            (reading(progress_pct=100), Event("stop", reason="job_finished")), (Event("stop", reason="failed"),),
        ],
    ),
    ("rfid", "bare"): ("door-reader", [ONLINE, badge("BA839D07"), badge("04A2B3C4D5E680"), OFFLINE]),
    ("rfid", "json"): ("door-reader", [badge("04A2B3C4"), badge("1234567890", "r-17"), badge(MARK), ONLINE]),
    ("rfid", "esp-rfid"): ("door-reader", [ALIVE, badge("E2A9B3C4"), badge("04A2B3C4"), ALIVE, badge("E2A9B3C4")]),
    ("rfid", "tasmota"): ("tele/reader-1", [ONLINE, badge("BA839D07"), badge("94D8FC5F"), badge("4302741608"), ALIVE]),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), TABLE, ids="/".join)
def test_each_line_becomes_its_observations(kind: str, name: str) -> None:
    base, expected = TABLE[kind, name]

    assert told(kind, base, name) == list(expected)


def test_every_file_stands_in_the_table() -> None:
    assert sorted(TABLE) == [(kind, name) for kind in KINDS for name in files_of(kind)]


def test_no_file_name_of_a_person_is_kept() -> None:
    files = {("moonraker", "split"), ("bambu", "x1c-whole"), ("octoprint", "1.11.8-print")}

    assert "Mums" not in repr([told(kind, TABLE[kind, name][0], name) for kind, name in files])
    assert "cube20" not in repr([told(kind, TABLE[kind, name][0], name) for kind, name in files])

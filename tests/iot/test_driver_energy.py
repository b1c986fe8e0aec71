"""Meters of every kind that begin again at zero: what a session used is never less than nothing."""

import pytest

from iot.drivers.base import Presence
from iot.ingest.derive import MachineLog
from iot.models import UsageSession
from iot.protocol import Event
from tests.iot.builders import at, make_device, make_machine
from tests.iot.recorded import parse

pytestmark = pytest.mark.django_db

Messages = list[tuple[str, bytes]]


def shelly_gen1(*watt_minutes: int) -> Messages:
    return [("s/relay/0/energy", str(value).encode()) for value in watt_minutes]


def shelly_gen2(*totals_wh: float) -> Messages:
    return [("s/status/switch:0", b'{"output": true, "apower": 60, "aenergy": {"total": %f}}' % wh) for wh in totals_wh]


def tasmota(*totals_kwh: float) -> Messages:
    return [("tele/s/SENSOR", b'{"ENERGY": {"Power": 60, "Total": %f}}' % kwh) for kwh in totals_kwh]


def zigbee(*totals_kwh: float) -> Messages:
    return [("z/s", b'{"state": "ON", "power": 60, "energy": %f}' % kwh) for kwh in totals_kwh]


def esphome(*totals_wh: float) -> Messages:
    return [("s/sensor/energy_wh/state", b"%f" % wh) for wh in totals_wh]


@pytest.mark.parametrize(
    ("kind", "base", "messages", "used_wh"),
    [
        pytest.param(
            "shelly", "s", shelly_gen1(6000, 6600, 0, 300), 15, id="Gen1: restarted, 10 Wh before and 5 after"
        ),
        pytest.param("shelly", "s", shelly_gen1(6000, 6600, 1200), 30, id="Gen1: restarted unseen"),
        pytest.param("shelly", "s", shelly_gen2(46791.262, 46801.262, 46801.262), 10, id="Gen2: stays"),
        pytest.param("tasmota", "s", tasmota(6.294, 6.300, 0.002), 8, id="Tasmota: set to zero by hand"),
        pytest.param("zigbee2mqtt", "z/s", zigbee(8.42, 8.43, 0, 0.01), 20, id="Zigbee: paired again"),
        pytest.param("esphome", "s", esphome(900, 950, 0, 25), 75, id="ESPHome: midnight"),
    ],
)
def test_energy_of_a_session_over_a_reset(kind: str, base: str, messages: Messages, used_wh: float) -> None:
    device = make_device("meter", make_machine(), kind=kind, topic=base)
    news = MachineLog([device], at(0))
    topic, payload = messages[0]
    news.observe(device, parse(kind, base, topic, payload)[0], at(0), "", 0)
    news.observe(device, Event("busy"), at(1), "", 0)

    for second, (topic, payload) in enumerate(messages[1:], 2):
        for observation in parse(kind, base, topic, payload):
            assert not isinstance(observation, Presence)
            news.observe(device, observation, at(second), "", 0)
    news.save()

    assert UsageSession.objects.get().energy_wh == pytest.approx(used_wh, abs=0.01)

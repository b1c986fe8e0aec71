"""A machine that more than one device reports for: none takes back what another one sees."""

import datetime as dt
import json

import pytest

from iot.ingest.raw import RawMessage
from iot.models import Device, DriverKind, Reading, ReportedState, StopReason, UsageSession, UseState
from iot.sessions import LOST_AFTER, sweep_lost_sessions
from machines.models import Machine
from tests.iot.builders import Talker, at, make_device, make_machine, make_plug, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def laser(db: None) -> Machine:
    return make_machine("laser")


@pytest.fixture
def agent(laser: Machine) -> Talker:
    return Talker(make_device("agent-1", laser, is_online=True, last_seen_at=at(0)).slug)


@pytest.fixture
def plug(laser: Machine) -> Device:
    return make_plug("laser-plug", laser, is_online=True, last_seen_at=at(0))


def draws(plug: Device, power_w: float, at_s: float, energy_wh: float) -> RawMessage:
    told = {"Time": "2026-03-12T13:00:00", "ENERGY": {"Total": energy_wh / 1000, "Power": power_w}}
    return RawMessage(f"tele/{plug.topic}/SENSOR", json.dumps(told).encode(), at(at_s))


def told_in_order(*messages: RawMessage) -> None:
    """Each in a batch of its own, as they come in a lab."""
    for message in sorted(messages, key=lambda each: each.received_at):
        store(message)


def test_second_meter_takes_nothing_back_from_the_first(laser: Machine, plug: Device) -> None:
    fan = make_plug("fan-plug", laser, is_online=True, last_seen_at=at(0))
    of_laser = [draws(plug, 500, 10 * n, 1000 + 2 * n) for n in range(10)]
    of_fan = [draws(fan, 2, 10 * n + 5, 77) for n in range(10)]

    told_in_order(*of_laser, *of_fan)

    session = UsageSession.objects.get()
    assert (session.start, session.end, session.energy_wh) == (at(0), None, pytest.approx(16))
    assert ReportedState.objects.get().power_w == 500
    # What it measures is kept all the same.
    assert Reading.objects.filter(device=fan, value=2).count() == 10


def test_second_meter_stands_in_while_the_first_is_silent(laser: Machine, plug: Device) -> None:
    spare = make_plug("spare-plug", laser, is_online=True, last_seen_at=at(0))

    told_in_order(draws(plug, 5, 0, 1000), draws(spare, 500, 30, 77), draws(spare, 500, 70, 78))
    stands_in = ReportedState.objects.get()
    told_in_order(draws(plug, 5, 100, 1000), draws(spare, 500, 110, 79))

    assert (stands_in.power_meter, stands_in.meter, stands_in.power_w) == (spare, spare, 500)
    back = ReportedState.objects.get()
    assert (back.power_meter, back.meter, back.power_w) == (plug, plug, 5)


def test_meters_that_are_heard_together_after_a_pause_keep_their_order(laser: Machine, plug: Device) -> None:
    """The lab's own programs were stopped for a while: both seem silent as they are heard again in one batch."""
    fan = make_plug("fan-plug", laser, is_online=True, last_seen_at=at(0))
    store(draws(plug, 500, 0, 1000), draws(fan, 2, 1, 77))

    store(draws(plug, 500, 900, 1010), draws(fan, 2, 901, 78), draws(plug, 500, 910, 1011))

    state = ReportedState.objects.get()
    assert (state.meter, state.power_meter, state.energy_wh) == (plug, plug, pytest.approx(1011))


def test_counter_of_one_device_and_power_of_another_both_count(laser: Machine, agent: Talker, plug: Device) -> None:
    """The agent counts a meter's pulses; the plug says only what is drawn."""
    for n in range(4):
        store(agent.say("reading", {"samples": [{"energy_wh": 100 + n}]}, 10 * n))
        told = json.dumps({"Time": "2026-03-12T13:00:00", "ENERGY": {"Power": 500}}).encode()
        store(RawMessage(f"tele/{plug.topic}/SENSOR", told, at(10 * n + 5)))

    state, session = ReportedState.objects.get(), UsageSession.objects.get()
    assert (state.meter.slug, state.power_meter) == ("agent-1", plug)
    assert (session.end, session.energy_wh) == (None, pytest.approx(2))


def test_meter_that_went_to_another_machine_keeps_nobody_out(laser: Machine, plug: Device) -> None:
    later = make_plug("later-plug", laser, is_online=True, last_seen_at=at(0))
    store(draws(plug, 500, 0, 1000))
    Device.objects.filter(pk=plug.pk).update(machine=make_machine("saw"))

    store(draws(plug, 500, 10, 1001), draws(later, 7, 11, 77))

    assert ReportedState.objects.get(machine=laser).power_meter == later


def test_late_news_of_one_device_ends_no_run_that_another_sees(agent: Talker, plug: Device) -> None:
    """The agent was out of reach: whoever had the laser before left it at ten past."""
    left = agent.say("event", {"event": "stop"}, 600)
    told_in_order(draws(plug, 500, 1500, 1000), draws(plug, 500, 1520, 1001))

    store(RawMessage(left.topic, left.payload, at(3600)))

    session = UsageSession.objects.get()
    assert (session.start, session.end) == (at(1500), None)
    assert ReportedState.objects.get().state == UseState.BUSY


def test_news_of_now_ends_a_run_that_another_device_sees(agent: Talker, plug: Device) -> None:
    told_in_order(draws(plug, 500, 0, 1000), draws(plug, 500, 20, 1001))

    store(agent.say("event", {"event": "de_energised"}, 100))

    assert UsageSession.objects.get().end == at(100)


def test_device_that_says_once_that_it_is_busy_counts_until_it_was_heard_last(agent: Talker) -> None:
    """Four hours of laser cutting: no meter, then its small computer dies."""
    busy_s, died_s = 0, 4 * 3600
    store(agent.status("online", 0), agent.event("busy", busy_s))
    store(agent.status("online", died_s))

    assert sweep_lost_sessions(now=at(died_s) + LOST_AFTER) == 1

    session = UsageSession.objects.get()
    assert (session.start, session.end, session.stop_reason) == (at(0), at(died_s), StopReason.AGENT_LOST)
    session.machine.refresh_from_db()
    assert session.machine.used_s == 4 * 3600


def test_busy_that_is_said_again_is_use_up_to_then(laser: Machine, agent: Talker) -> None:
    store(agent.event("busy", 0))

    store(agent.event("busy", 900))

    assert UsageSession.objects.get().last_busy_at == at(900)


def test_temperature_of_the_printer_keeps_no_run_that_its_lost_plug_saw(laser: Machine, plug: Device) -> None:
    make_device(
        "octo", laser, kind=DriverKind.OCTOPRINT, topic="octoPrint/octo", is_online=True, last_seen_at=at(0),
        silent_after=dt.timedelta(days=1),
    )  # fmt: skip
    told_in_order(draws(plug, 500, 0, 1000), draws(plug, 500, 20, 1001))
    warm = json.dumps({"_timestamp": 1, "actual": 180.0, "target": 210.0}).encode()
    store(RawMessage("octoPrint/octo/temperature/tool0", warm, at(3600)))
    assert ReportedState.objects.get().at == at(3600)

    assert sweep_lost_sessions(now=at(3601)) == 1

    assert UsageSession.objects.get().end == at(20)


def test_run_whose_device_is_lost_goes_on_while_its_meter_is_heard(laser: Machine, agent: Talker) -> None:
    meter = make_plug("meter", laser, is_online=True, last_seen_at=at(0))
    store(agent.event("busy", 0))
    told_in_order(draws(meter, 30, 10, 1000), draws(meter, 30, 4000, 1200))
    Device.objects.filter(slug=agent.slug).update(last_seen_at=at(0))

    assert sweep_lost_sessions(now=at(4001)) == 0

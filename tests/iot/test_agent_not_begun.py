"""A relay or screen that does not answer: what was granted cannot begin, and the lab is told so."""

import pytest

from iot.agent.commands import CommandRefused
from iot.agent.lifecycle import SEAT
from iot.agent.settings import Settings
from tests.iot.agent_rig import BADGE, Rig, roster

BROKEN = "The relay does not answer: ask the team"
GRANT = {"session_id": "s-1", "most_s": 600, "display_name": "Camille"}


def stuck(**options) -> Rig:
    rig = Rig(**options)
    rig.relay.is_stuck = True
    return rig


def told(rig: Rig) -> list[tuple[str, str, str]]:
    return [(said["event"], said["reason"], said.get("session_id", "")) for said in rig.reported("event")]


def test_badge_whose_power_never_comes_gives_the_machine_back():
    rig = stuck()

    rig.run_session("s-1")

    assert told(rig) == [("fault", "relay", ""), ("stop", "idle_timeout", "s-1")]
    assert rig.display.shown == BROKEN


def test_press_whose_power_never_comes_gives_the_machine_back_once():
    rig = stuck(settings=Settings(is_two_step=True))
    rig.run_session("s-1")

    rig.station.press()
    at_once, shown = told(rig), rig.display.shown
    rig.pass_s(60)

    assert at_once == [("button", "", ""), ("fault", "relay", ""), ("stop", "idle_timeout", "s-1")]
    assert told(rig) == at_once
    assert shown == BROKEN
    assert rig.station.offered is None


def test_badge_that_confirms_an_order_whose_power_never_comes_gives_it_back_once():
    rig = stuck(has_button=False)
    rig.orders["enable"](GRANT)

    rig.allow(rig.tap(), "s-1")
    at_once = told(rig)
    rig.pass_s(60)

    assert at_once == [("fault", "relay", ""), ("stop", "idle_timeout", "s-1")]
    assert told(rig) == at_once


def test_button_that_bounces_at_a_broken_relay_asks_nothing():
    rig = stuck(settings=Settings(is_two_step=True))
    rig.run_session("s-1")

    rig.station.press()
    rig.station.press()

    assert [said["kind"] for said in rig.reported("access")] == ["badge"]


def test_roster_that_let_in_where_power_never_comes_is_told_as_over():
    rig = stuck(is_connected=False)
    rig.tell_time()
    rig.station.take_roster(roster(BADGE))

    request_id = rig.tap()

    assert told(rig) == [("fault", "relay", ""), ("stop", "idle_timeout", f"off-{request_id}")]


def test_order_to_a_screen_that_cannot_be_unlocked_is_refused_and_may_come_again():
    rig = stuck(kind=SEAT, has_button=False, has_busy_input=False)

    with pytest.raises(CommandRefused, match="relay"):
        rig.orders["enable"](GRANT)
    rig.relay.is_stuck = False
    rig.orders["enable"](GRANT)

    assert told(rig) == [("fault", "relay", ""), ("energised", "", "s-1")]
    assert rig.relay.is_on

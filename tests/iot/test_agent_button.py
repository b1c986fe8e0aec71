"""The button at an idle machine asks the lab whose the machine is now."""

from dataclasses import replace
from typing import Any

import pytest

from iot.agent.settings import Settings
from tests.iot.agent_rig import BADGE, Rig

SHOW_BADGE = "Show your badge"


def asked(rig: Rig) -> list[tuple[str, str]]:
    return [(told["kind"], told["credential"]) for told in rig.reported("access")]


def press(rig: Rig) -> str:
    """The id of the request that this made, or empty."""
    before = len(rig.reported("access"))
    rig.station.press()
    made = rig.reported("access")[before:]
    return made[-1]["request_id"] if made else ""


def test_button_at_an_idle_machine_asks_and_the_decision_lets_power_through():
    rig = Rig()

    request_id = press(rig)
    was_on = rig.relay.is_on
    rig.allow(request_id)

    assert (was_on, rig.relay.is_on) == (False, True)
    assert asked(rig) == [("button", "button")]
    assert rig.events() == ["button", "energised"]


def test_refused_button_reads_why_and_nothing_is_switched():
    rig = Rig()

    rig.deny(press(rig), SHOW_BADGE)

    assert (rig.display.shown, rig.relay.switched) == (SHOW_BADGE, [])


@pytest.mark.parametrize(
    ("settings", "more"),
    [(Settings(is_two_step=True), {}), (Settings(), {"needs_button": True})],
    ids=["by the settings", "by the lab"],
)
def test_button_that_asked_is_not_asked_for_again(settings: Settings, more: dict[str, Any]):
    rig = Rig(settings=settings)

    rig.allow(press(rig), **more)

    assert rig.relay.is_on


def test_badge_after_the_button_waits_for_the_button_again():
    """The answer to a badge is that of a badge, whatever was asked before it."""
    rig = Rig(settings=Settings(is_two_step=True))
    press(rig)

    rig.allow(rig.tap(BADGE))

    assert (rig.relay.is_on, rig.station.offered is not None) == (False, True)


def test_button_pressed_twice_asks_once():
    rig = Rig()

    made = [press(rig) for _ in range(5)]

    assert asked(rig) == [("button", "button")]
    assert made[1:] == [""] * 4


def test_button_while_a_badge_is_decided_asks_nothing():
    rig = Rig()
    request_id = rig.tap()

    press(rig)
    rig.allow(request_id)

    assert asked(rig) == [("badge", BADGE)]
    assert rig.relay.is_on


def test_button_that_bounces_after_the_end_does_not_begin_anew():
    rig = Rig()
    rig.run_session()
    rig.pass_s(10)

    made = []
    for _ in range(4):
        made.append(press(rig))
        rig.pass_s(0.5, step_s=0.5)

    assert made == [""] * 4
    assert rig.relay.switched == [True, False]


def test_button_that_comes_just_too_late_for_an_offer_asks_nothing():
    rig = Rig(settings=Settings(is_two_step=True))
    rig.run_session()

    rig.pass_s(31)
    too_late = press(rig)
    rig.pass_s(5)
    later = press(rig)

    assert too_late == ""
    assert later


def test_button_after_a_while_asks_anew():
    rig = Rig()
    rig.run_session()
    rig.pass_s(10)
    rig.station.press()

    rig.pass_s(4)

    assert press(rig)


BLOCKED = {
    "locked": lambda rig: rig.station.lock_out("supervisor"),
    "emergency stop": lambda rig: rig.stop_button.turn(True),
    "lid open": lambda rig: rig.lid.turn(True),
}


@pytest.mark.parametrize("block", BLOCKED.values(), ids=BLOCKED)
def test_button_at_a_machine_nobody_may_start_asks_nothing(block):
    rig = Rig()
    block(rig)
    rig.station.tick()

    assert press(rig) == ""
    assert rig.relay.switched == []


def test_safety_input_between_button_and_decision_lets_no_power_through():
    rig = Rig()
    request_id = press(rig)
    rig.lid.turn(True)
    rig.station.tick()
    rig.lid.turn(False)
    rig.station.tick()

    rig.allow(request_id, "s-9")

    assert rig.relay.switched == []
    assert rig.events()[-1] == "stop:safety_input"


@pytest.mark.parametrize(
    ("is_connected", "has_reader", "shown"),
    [
        (False, True, "The lab is out of reach: only a badge works now"),
        (True, True, "The lab is out of reach: only a badge works now"),
        (False, False, "This machine needs the lab, which is out of reach"),
    ],
    ids=["out of reach", "no answer", "no reader"],
)
def test_button_begins_nothing_without_the_lab(is_connected: bool, has_reader: bool, shown: str):
    rig = Rig(is_connected=is_connected)
    rig.tell_time()
    if not has_reader:
        rig.station.hardware = replace(rig.station.hardware, reader=None)

    press(rig)
    rig.pass_s(3)

    told = rig.reported("access")[-1]
    assert (told["kind"], told["decided"], rig.display.shown) == ("button", "denied", shown)
    assert rig.relay.switched == []


def test_answer_that_comes_too_late_lets_no_power_through():
    rig = Rig()
    request_id = press(rig)
    rig.pass_s(3)

    rig.allow(request_id)

    assert rig.relay.switched == []

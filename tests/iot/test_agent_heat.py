"""A machine that is hot keeps its power until it has cooled down, whoever leaves; safety comes first."""

from collections.abc import Callable
from typing import Any

import pytest

from iot.agent.commands import CommandRefused
from iot.agent.settings import Settings
from tests.iot.agent_rig import OTHER_BADGE, Rig

STILL_HOT = "Still hot: it goes off by itself once it has cooled down"


def hot_rig(hot_s: float = 600, most_s: float = 3600, **options: Any) -> Rig:
    """Camille has it, and the lab has said that it is hot."""
    rig = Rig(**options)
    rig.run_session(most_s=most_s)
    rig.pass_s(5)
    tell(rig, hot_s)
    return rig


def tell(rig: Rig, hot_s: Any, session_id: str = "s-1") -> None:
    rig.orders["enable"]({"session_id": session_id, "hot_s": hot_s})


@pytest.mark.parametrize("has_busy_input", [True, False], ids=["rest is seen", "rest is not seen"])
@pytest.mark.parametrize(
    "leave",
    [
        lambda rig: rig.station.press(),
        lambda rig: rig.station.decide({"request_id": rig.tap(), "is_allowed": True, "session_id": "s-1"}),
        lambda rig: rig.orders["disable"]({"when_idle": True, "reason": "normal"}),
    ],
    ids=["button", "badge again", "order that waits"],
)
def test_power_of_a_hot_machine_goes_off_once_it_has_cooled_down(leave: Callable[[Rig], None], has_busy_input: bool):
    rig = hot_rig(has_busy_input=has_busy_input)

    leave(rig)
    rig.pass_s(30)
    was_on, shown = rig.relay.is_on, rig.display.shown
    tell(rig, 0)
    rig.pass_s(1)

    assert (was_on, shown) == (True, STILL_HOT)
    assert rig.relay.switched == [True, False]
    assert rig.events()[-2:] == ["stop:normal", "de_energised"]


def test_end_of_the_time_waits_for_the_nozzle():
    rig = hot_rig(hot_s=900, most_s=600)

    rig.pass_s(700)
    was_on = rig.relay.is_on
    tell(rig, 0)
    rig.pass_s(1)

    assert was_on
    assert not rig.relay.is_on
    assert rig.events()[-2:] == ["stop:booking_end", "de_energised"]


def test_rest_ends_no_session_of_a_hot_machine():
    rig = hot_rig(hot_s=1200, settings=Settings(idle_off_s=300))

    rig.pass_s(1100)
    was_on = rig.relay.is_on
    rig.pass_s(200)

    assert was_on
    assert not rig.relay.is_on


def test_lab_that_falls_silent_keeps_nothing_on_for_ever():
    rig = hot_rig(hot_s=600)
    rig.station.press()

    rig.pass_s(601)

    assert not rig.relay.is_on


def test_somebody_else_takes_over_a_hot_machine_without_a_gap():
    rig = hot_rig()
    rig.station.press()

    rig.allow(rig.tap(OTHER_BADGE), "s-2", display_name="Noa")
    tell(rig, 0, "s-2")
    rig.pass_s(60)

    assert rig.relay.switched == [True]


@pytest.mark.parametrize("safety", ["stop_button", "lid"])
def test_safety_cuts_a_hot_machine(safety: str):
    rig = hot_rig()

    getattr(rig, safety).turn(True)
    rig.station.tick()

    assert not rig.relay.is_on


def test_order_that_does_not_wait_is_refused_while_it_is_hot():
    rig = hot_rig()

    with pytest.raises(CommandRefused, match="hot"):
        rig.orders["disable"]({"reason": "supervisor"})

    assert rig.relay.is_on


@pytest.mark.parametrize("hot_s", [-1, "600", True, [1]], ids=repr)
def test_heat_that_is_no_time_is_refused(hot_s: Any):
    rig = hot_rig()

    with pytest.raises(CommandRefused, match="wrong_data"):
        tell(rig, hot_s)


def test_heat_grants_nobody_anything():
    rig = Rig()

    with pytest.raises(CommandRefused, match="not_running"):
        tell(rig, 600)
    rig.run_session()
    with pytest.raises(CommandRefused, match="not_running"):
        tell(rig, 600, "s-0")

    assert rig.station.session.left_s(rig.clock()) == 600


def test_heat_is_held_for_an_hour_at_most():
    rig = hot_rig(hot_s=10**9, most_s=7200)
    rig.station.press()

    rig.pass_s(3601)

    assert not rig.relay.is_on

"""What the lab allowed and nobody took up: told, shown, and over."""

from collections.abc import Callable

import pytest

from iot.agent.hardware.simulated import SimulatedInput
from iot.agent.lifecycle import SEAT
from iot.agent.settings import Settings
from tests.iot.agent_rig import BADGE, OTHER_BADGE, Rig, roster

TWO_STEPS = Settings(is_two_step=True)
NOBODY_PRESSED = "Nobody pressed the button. Hold your badge again"


def offering(session_id: str = "s-1", **options) -> Rig:
    rig = Rig(settings=TWO_STEPS, **options)
    rig.run_session(session_id)
    return rig


def told(rig: Rig) -> list[tuple[str, str, str]]:
    return [(said["event"], said["reason"], said.get("session_id", "")) for said in rig.reported("event")]


def test_offer_nobody_takes_up_is_told_once_and_shown():
    rig = offering()

    rig.pass_s(30)
    shown = rig.display.shown
    rig.pass_s(300)

    assert shown == NOBODY_PRESSED
    assert told(rig) == [("stop", "idle_timeout", "s-1")]
    assert rig.display.shown == "Hold your badge to the reader"
    assert rig.relay.switched == []


def test_offer_that_is_taken_up_is_not_told_as_over():
    rig = offering()

    rig.pass_s(29)
    rig.station.press()
    rig.pass_s(60)

    assert told(rig) == [("button", "", ""), ("energised", "", "s-1")]


def test_offer_after_a_lapse_is_a_new_one():
    rig = offering()
    rig.pass_s(31)

    rig.run_session("s-2")
    rig.station.press()

    assert told(rig) == [("stop", "idle_timeout", "s-1"), ("button", "", ""), ("energised", "", "s-2")]


def test_offer_of_somebody_else_takes_the_place_of_the_first():
    """The lab has ended the first by itself: it is not told of it again."""
    rig = offering()

    rig.allow(rig.tap(OTHER_BADGE), "s-2")
    rig.pass_s(31)

    assert told(rig) == [("stop", "idle_timeout", "s-2")]


def test_offer_made_out_of_reach_is_told_as_over_too():
    rig = Rig(settings=TWO_STEPS, is_connected=False)
    rig.tell_time()
    rig.station.take_roster(roster(BADGE))

    request_id = rig.tap()
    rig.pass_s(31)

    assert told(rig) == [("stop", "idle_timeout", f"off-{request_id}")]
    assert rig.reported("access")[0]["session_id"] == f"off-{request_id}"


def test_order_from_afar_that_nobody_confirms_is_told_in_words_without_a_button():
    rig = Rig(has_button=False)
    rig.orders["enable"]({"session_id": "s-9", "most_s": 600})

    rig.pass_s(31)

    assert rig.display.shown == "Nobody confirmed it here. Hold your badge again"
    assert told(rig) == [("stop", "idle_timeout", "s-9")]


@pytest.mark.parametrize(
    ("order", "reason", "shown"),
    [
        (lambda rig: rig.orders["disable"]({"session_id": "s-1", "reason": "booking_end"}), "booking_end", "Not now"),
        (lambda rig: rig.orders["disable"]({}), "supervisor", "Not now"),
        (lambda rig: rig.orders["lock"]({}), "supervisor", "Locked"),
        (lambda rig: rig.station.close(), "agent_lost", ""),
    ],
    ids=["its session ended", "switched off", "locked", "agent stopped"],
)
def test_offer_is_over_when_the_lab_says_so(order: Callable[[Rig], None], reason: str, shown: str):
    rig = offering()

    order(rig)
    rig.station.press()

    assert told(rig)[0] == ("stop", reason, "s-1")
    assert rig.display.shown.startswith(shown)
    assert rig.relay.switched == []


def test_disable_for_another_session_leaves_the_offer():
    rig = offering()

    with pytest.raises(Exception, match="not_running"):
        rig.orders["disable"]({"session_id": "s-0", "reason": "booking_end"})
    rig.station.press()

    assert rig.relay.is_on


def test_offer_cut_off_by_a_kill_is_told_once_by_the_next_run():
    state = offering().state

    again = Rig(settings=TWO_STEPS, state=state)
    told_again = told(again)
    again.restart()

    assert told_again == [("stop", "agent_lost", "s-1")]
    assert told(again) == []


def test_machine_that_works_without_a_session_is_said_to_work_anew():
    rig = offering()
    rig.busy.turn(True)

    rig.pass_s(32)

    assert rig.events() == ["busy", "stop:idle_timeout", "busy"]


def trip(rig: Rig, contact: SimulatedInput) -> None:
    """Opened and closed, or pressed and pulled out."""
    for is_active in (True, False):
        contact.turn(is_active)
        rig.station.tick()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("lid", "safety_input"), ("stop_button", "emergency_stop")],
    ids=["lid opened and closed", "stop pressed and lifted"],
)
def test_offer_does_not_outlive_a_safety_stop(name: str, reason: str):
    rig = offering()

    trip(rig, getattr(rig, name))
    rig.orders["enable"]({"lift": True})
    rig.station.press()

    assert told(rig)[0] == ("stop", reason, "s-1")
    assert rig.relay.switched == []


def test_decision_that_was_asked_for_before_a_safety_stop_lets_no_power_through():
    rig = Rig()
    request_id = rig.tap()

    trip(rig, rig.lid)
    rig.allow(request_id)
    rig.allow(request_id)

    assert (rig.relay.switched, rig.station.session) == ([], None)
    assert told(rig)[-1] == ("stop", "safety_input", "s-1")
    assert [event for event, *_more in told(rig)].count("stop") == 1


def test_badge_that_waited_before_a_safety_stop_is_not_decided_out_of_reach_after_it():
    rig = Rig()
    rig.tell_time()
    rig.station.take_roster(roster(BADGE))
    rig.tap()

    trip(rig, rig.lid)
    rig.pass_s(60)

    assert rig.relay.switched == []


def test_safety_input_keeps_its_word_on_the_display_while_an_offer_lapses():
    rig = offering()
    rig.lid.turn(True)

    rig.pass_s(31)

    assert rig.display.shown == "Stopped by a safety input: make it safe first"
    assert told(rig) == [("stop", "safety_input", "s-1"), ("safety_input", "lid", "")]


def test_seat_begins_at_once_and_offers_nothing():
    rig = Rig(kind=SEAT, has_button=False, has_busy_input=False)
    rig.orders["enable"]({"session_id": "s-1", "most_s": 600})

    rig.pass_s(60)

    assert rig.events() == ["energised"]

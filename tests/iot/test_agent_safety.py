"""Safety inputs, a relay that does not answer, and restarts."""

from datetime import timedelta

import pytest

from iot.agent.commands import CommandRefused
from tests.iot.agent_rig import NOON, OTHER_BADGE, Rig

# --- safety -------------------------------------------------------------------------------------------------------


def test_emergency_stop_cuts_a_running_machine_and_locks_it_out():
    rig = Rig()
    rig.run_session()
    rig.busy.turn(True)
    rig.pass_s(1)

    rig.stop_button.turn(True)
    rig.station.tick()
    rig.stop_button.turn(False)
    rig.pass_s(10)
    later = rig.tap()

    assert rig.relay.switched == [True, False]
    assert rig.events()[2:] == ["stop:emergency_stop", "de_energised", "safety_input:emergency_stop"]
    assert (later, rig.display.shown) == ("", "Emergency stop: ask the team")


def test_emergency_stop_outlives_a_restart_until_a_person_lifts_it():
    rig = Rig()
    rig.stop_button.turn(True)
    rig.station.tick()
    rig.stop_button.turn(False)

    rig.restart()
    rig.boot = "boot-2"
    rig.restart()
    while_locked = rig.tap()
    rig.orders["enable"]({"lift": True})
    rig.pass_s(3)
    rig.run_session()

    assert while_locked == ""
    assert rig.relay.switched == [True]


def test_open_lid_cuts_and_a_closed_one_does_not_start_again():
    rig = Rig()
    rig.run_session()

    rig.lid.turn(True)
    rig.station.tick()
    while_open = rig.tap(OTHER_BADGE)
    rig.lid.turn(False)
    rig.pass_s(5)

    assert rig.relay.switched == [True, False]
    assert (while_open, rig.station.blocked()) == ("", "")
    rig.run_session("s-2")
    assert rig.relay.is_on


def test_input_that_trips_between_badge_and_decision_lets_no_power_through():
    rig = Rig()
    request_id = rig.tap()
    rig.lid.turn(True)
    rig.station.tick()

    rig.allow(request_id)

    assert rig.relay.switched == []


def test_relay_that_does_not_answer_is_a_fault_and_no_session():
    rig = Rig()
    rig.relay.is_stuck = True

    rig.run_session()

    assert rig.station.session is None
    assert rig.events() == ["fault:relay", "stop:idle_timeout"]
    assert rig.display.shown == "The relay does not answer: ask the team"


def test_relay_that_does_not_switch_off_is_tried_again():
    rig = Rig()
    rig.run_session(most_s=60)
    rig.relay.is_stuck = True
    rig.pass_s(61)
    rig.relay.is_stuck = False

    rig.pass_s(31)

    assert not rig.relay.is_on
    assert rig.events() == ["energised", "fault:relay", "stop:booking_end", "de_energised"]


# --- restarts -----------------------------------------------------------------------------------------------------


def test_session_outlives_a_restart_of_the_agent():
    rig = Rig()
    rig.run_session(most_s=600)
    rig.pass_s(300)

    rig.restart()
    rig.pass_s(290)
    was_on = rig.relay.is_on
    rig.pass_s(11)

    assert was_on
    assert rig.events() == ["stop:booking_end", "de_energised"]
    assert rig.relay.switched == [True, False]


@pytest.mark.parametrize(
    ("boot", "reason"), [("boot-1", "agent_lost"), ("boot-2", "power_cut")], ids=["relay dropped", "power cut"]
)
def test_machine_is_never_switched_on_again_by_itself(boot: str, reason: str):
    rig = Rig()
    rig.run_session()
    rig.relay.is_on = False
    rig.boot = boot

    rig.restart()

    assert rig.events() == [f"stop:{reason}", "de_energised"]
    assert rig.reported("event")[0]["session_id"] == "s-1"
    assert rig.relay.switched == [True, False]


def test_relay_found_on_without_a_session_is_switched_off():
    rig = Rig()
    rig.relay.is_on = True

    rig.restart()

    assert rig.relay.switched == [False]


def test_leaving_does_not_cut_a_running_machine():
    rig = Rig()
    rig.run_session()

    rig.station.close()

    assert rig.relay.switched == [True]
    assert rig.state.get("session")["session_id"] == "s-1"
    assert rig.relay.is_closed


def test_lab_hears_that_a_lid_is_closed_again():
    rig = Rig()

    for is_open in (True, False):
        rig.lid.turn(is_open)
        rig.station.tick()

    assert rig.events() == ["safety_input:lid", "de_energised:safe again"]


def test_lab_hears_that_an_emergency_stop_is_over_when_a_person_lifts_it():
    rig = Rig()
    for is_pressed in (True, False):
        rig.stop_button.turn(is_pressed)
        rig.station.tick()
    before = rig.events()

    rig.orders["enable"]({"lift": True})

    assert before == ["safety_input:emergency_stop"]
    assert rig.events()[1:] == ["de_energised:safe again"]


def test_stop_button_that_is_still_pressed_cannot_be_lifted():
    rig = Rig()
    rig.stop_button.turn(True)
    rig.station.tick()

    with pytest.raises(CommandRefused, match="safety_input"):
        rig.orders["enable"]({"lift": True})

    assert rig.station.is_locked_out


def stop(rig: Rig) -> None:
    """Pressed and pulled out."""
    for is_pressed in (True, False):
        rig.stop_button.turn(is_pressed)
        rig.pass_s(1)


def lifted(after_s: float) -> dict[str, object]:
    return {"lift": True, "lifted_at": (NOON + timedelta(seconds=after_s)).isoformat()}


@pytest.mark.parametrize(("lifted_s", "is_lifted"), [(150, True), (50, False)], ids=["after both", "between the two"])
def test_lift_is_of_what_was_stopped_before_it(lifted_s: float, is_lifted: bool):
    rig = Rig()
    rig.tell_time()
    stop(rig)
    rig.pass_s(98)
    stop(rig)
    rig.pass_s(98)

    if is_lifted:
        rig.orders["enable"](lifted(lifted_s))
    else:
        with pytest.raises(CommandRefused, match="stopped_again"):
            rig.orders["enable"](lifted(lifted_s))

    assert rig.station.is_locked_out is not is_lifted


@pytest.mark.parametrize("is_time_known", [True, False], ids=["knew the time", "did not"])
def test_earlier_lift_does_not_lift_a_stop_that_an_earlier_run_saw(is_time_known: bool):
    rig = Rig()
    if is_time_known:
        rig.tell_time()
    stop(rig)

    rig.boot = "boot-2"
    rig.restart()
    rig.pass_s(10)
    rig.tell_time(NOON + timedelta(seconds=12))
    with pytest.raises(CommandRefused, match="stopped_again"):
        rig.orders["enable"](lifted(-60))
    while_stopped = rig.station.blocked()
    rig.orders["enable"](lifted(11))

    assert while_stopped == "emergency_stop"
    assert rig.station.blocked() == ""


def test_stop_keeps_its_time_when_the_lab_locks_too():
    rig = Rig()
    rig.tell_time()
    stop(rig)
    rig.orders["lock"]({})

    with pytest.raises(CommandRefused, match="stopped_again"):
        rig.orders["enable"](lifted(-60))
    rig.orders["enable"](lifted(60))
    rig.orders["lock"]({})
    rig.orders["enable"](lifted(-60))

    assert rig.station.blocked() == ""


@pytest.mark.parametrize(
    ("data", "is_on"),
    [
        ({"reason": "safety_input", "at_once": True}, False),
        ({"reason": "idle_timeout", "at_once": True, "when_idle": True}, True),
        ({"reason": "safety_input", "when_idle": True}, True),
    ],
    ids=["for safety", "for another reason", "patient"],
)
def test_machine_that_works_is_cut_from_afar_for_safety_only(data: dict[str, object], is_on: bool):
    rig = Rig()
    rig.run_session()
    rig.busy.turn(True)
    rig.pass_s(1)

    rig.orders["disable"](data | {"session_id": "s-1"})

    assert rig.relay.is_on is is_on

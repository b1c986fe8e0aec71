"""Badge, decision, relay: what happens at the machine."""

import math
from typing import Any

import pytest

from iot.agent.settings import Settings
from tests.iot.agent_rig import OTHER_BADGE, Rig


def test_badge_is_asked_about_and_the_decision_lets_power_through():
    rig = Rig()

    request_id = rig.tap()
    was_on = rig.relay.is_on
    rig.allow(request_id)

    assert was_on is False
    assert rig.relay.is_on
    assert rig.reported("access") == [{"request_id": request_id, "credential": "04A2B91C", "kind": "badge"}]
    assert rig.reported("event") == [{"event": "energised", "reason": "", "job_id": "", "session_id": "s-1"}]
    assert rig.display.shown == "Camille: on for 10 min"


def test_denied_badge_reads_why_and_nothing_is_switched():
    rig = Rig()

    rig.deny(rig.tap())

    assert rig.display.shown == "Not qualified"
    assert (rig.relay.switched, rig.events()) == ([], [])
    rig.pass_s(9)
    assert rig.display.shown == "Hold your badge to the reader"


def test_denied_badge_never_touches_the_running_session():
    rig = Rig()
    rig.run_session()

    rig.deny(rig.tap(OTHER_BADGE))

    assert rig.relay.switched == [True]
    assert rig.station.session.session_id == "s-1"


def test_second_members_badge_takes_over_without_a_gap_in_the_power():
    rig = Rig()
    rig.run_session()

    rig.allow(rig.tap(OTHER_BADGE), "s-2", display_name="Noa")

    assert rig.relay.switched == [True]
    assert rig.events() == ["energised", "stop:takeover", "energised"]
    assert [told["session_id"] for told in rig.reported("event")] == ["s-1", "s-1", "s-2"]


def test_same_session_allowed_again_is_prolonged():
    rig = Rig()
    rig.run_session(most_s=600)
    rig.pass_s(500)

    rig.allow(rig.tap(), "s-1", 900)
    rig.pass_s(800)

    assert rig.relay.is_on
    assert rig.events() == ["energised"]


@pytest.mark.parametrize(
    "told",
    [
        {"request_id": "another", "is_allowed": True, "session_id": "s", "most_s": 60},
        {"request_id": "", "is_allowed": True, "session_id": "s", "most_s": 60},
        {"is_allowed": True, "session_id": "s", "most_s": 60},
        {},
    ],
    ids=["another request", "empty request", "no request", "nothing"],
)
def test_decision_that_nobody_waits_for_lets_no_power_through(told: dict[str, Any]):
    rig = Rig()
    rig.tap()

    rig.station.decide(told)

    assert rig.relay.switched == []


def test_decision_that_comes_twice_counts_once():
    rig = Rig()
    request_id = rig.tap()
    rig.allow(request_id)
    rig.pass_s(5)
    rig.station.press()

    rig.allow(request_id)

    assert rig.relay.switched == [True, False]


@pytest.mark.parametrize("most_s", [0, -1, "600", None, True, math.nan, [1]], ids=repr)
def test_decision_without_a_usable_time_lets_no_power_through(most_s: Any):
    rig = Rig()

    rig.allow(rig.tap(), most_s=most_s)

    assert rig.relay.switched == []


@pytest.mark.parametrize("most_s", [10**400, 1e300, math.inf], ids=["huge whole", "huge", "endless"])
def test_decision_for_ever_lasts_a_week_at_most(most_s: Any):
    rig = Rig()

    rig.allow(rig.tap(), most_s=most_s)

    assert rig.station.session.left_s(rig.clock()) == 7 * 86_400


@pytest.mark.parametrize("is_allowed", [1, "yes", "true", None], ids=repr)
def test_only_a_plain_yes_is_a_yes(is_allowed: Any):
    rig = Rig()

    rig.allow(rig.tap(), is_allowed=is_allowed)

    assert rig.relay.switched == []


def test_badge_that_lies_on_the_reader_asks_once():
    rig = Rig()

    requests = [rig.tap() for _ in range(5)]

    assert len(rig.reported("access")) == 1
    assert requests[1:] == [""] * 4


# --- two steps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "more"),
    [(Settings(is_two_step=True), {}), (Settings(), {"needs_button": True})],
    ids=["by the settings", "by the lab"],
)
def test_two_step_start_waits_for_the_button(settings: Settings, more: dict[str, Any]):
    rig = Rig(settings=settings)

    rig.run_session(**more)
    after_badge = rig.relay.is_on
    rig.pass_s(29)
    rig.station.press()

    assert (after_badge, rig.relay.is_on) == (False, True)
    assert rig.events() == ["button", "energised"]


def test_two_step_start_is_over_after_30_seconds():
    rig = Rig(settings=Settings(is_two_step=True))
    rig.run_session()

    rig.pass_s(30)
    rig.station.press()

    assert rig.relay.switched == []
    assert rig.display.shown == "Nobody pressed the button. Hold your badge again"


def test_two_step_start_without_a_button_is_refused_and_told():
    rig = Rig(has_button=False)

    rig.run_session(needs_button=True)

    assert rig.relay.switched == []
    assert rig.events() == ["fault:no button", "stop:idle_timeout"]


# --- the end ------------------------------------------------------------------------------------------------------


def test_session_warns_and_ends_with_its_time():
    rig = Rig()
    rig.run_session(most_s=600)

    rig.pass_s(301)
    warned = list(rig.display.alerts)
    rig.pass_s(300)

    assert warned == ["5 min left"]
    assert rig.relay.switched == [True, False]
    assert rig.events() == ["energised", "stop:booking_end", "de_energised"]


def test_end_waits_while_the_machine_runs():
    rig = Rig()
    rig.run_session(most_s=600)
    rig.busy.turn(True)

    rig.pass_s(2000)
    was_on = rig.relay.is_on
    rig.busy.turn(False)
    rig.pass_s(11)

    assert was_on
    assert not rig.relay.is_on
    assert rig.events() == ["energised", "busy", "idle", "stop:booking_end", "de_energised"]


def test_short_pause_of_the_machine_is_not_the_end():
    rig = Rig()
    rig.run_session(most_s=60)
    rig.busy.turn(True)
    rig.pass_s(61)

    for _ in range(5):
        rig.busy.turn(False)
        rig.pass_s(9)
        rig.busy.turn(True)
        rig.pass_s(9)

    assert rig.relay.is_on
    assert rig.events() == ["energised", "busy"]


def test_end_without_a_busy_input_is_left_to_the_lab_or_the_visitor():
    rig = Rig(has_busy_input=False)
    rig.run_session(most_s=60)

    rig.pass_s(3600)
    was_on, shown = rig.relay.is_on, rig.display.shown
    rig.station.press()

    assert was_on
    assert shown.startswith("Time is over")
    assert rig.events() == ["energised", "button", "stop:normal", "de_energised"]


def test_button_ends_a_session_but_not_a_running_machine():
    rig = Rig()
    rig.run_session()
    rig.busy.turn(True)
    rig.pass_s(5)

    rig.station.press()
    was_on, shown = rig.relay.is_on, rig.display.shown
    rig.busy.turn(False)
    rig.pass_s(11)
    rig.station.press()

    assert (was_on, shown) == (True, "The machine is running: stop it first")
    assert rig.events()[-2:] == ["stop:normal", "de_energised"]


def test_rest_ends_a_session_after_a_warning():
    rig = Rig(settings=Settings(idle_off_s=600))
    rig.run_session(most_s=7200)
    rig.busy.turn(True)
    rig.pass_s(1000)
    rig.busy.turn(False)

    rig.pass_s(560)
    warned, was_on = list(rig.display.alerts), rig.relay.is_on
    rig.pass_s(60)

    assert (warned, was_on) == (["Nothing is running: off in one minute"], True)
    assert rig.events()[-2:] == ["stop:idle_timeout", "de_energised"]


def test_decision_without_time_for_the_running_session_ends_it():
    rig = Rig()
    rig.run_session()
    rig.pass_s(5)
    request_id = rig.tap()
    session_id = rig.station.session.session_id

    rig.station.decide({"request_id": request_id, "is_allowed": True, "session_id": session_id})

    assert not rig.relay.is_on
    assert rig.events()[-2:] == ["stop:normal", "de_energised"]


def test_decision_without_time_never_cuts_what_works():
    rig = Rig()
    rig.run_session()
    rig.busy.turn(True)
    rig.pass_s(3)
    request_id = rig.tap()
    session_id = rig.station.session.session_id

    rig.station.decide({"request_id": request_id, "is_allowed": True, "session_id": session_id})

    assert rig.relay.is_on

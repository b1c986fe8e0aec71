"""The lab's answer comes when the roster has decided meanwhile: what it changes, and what it does not."""

from typing import Any

import pytest

from iot.agent.lifecycle import SEAT
from iot.agent.settings import Settings
from tests.iot.agent_rig import BADGE, Rig, roster

TWO_STEPS = Settings(is_two_step=True)
TOO_LATE = {"is_allowed": False, "reason": "too_late", "text": "This took too long. Present your badge again."}


def let_in_by_roster(**options: Any) -> tuple[Rig, str]:
    """The broker is there, the lab does not answer: after two seconds the roster decides."""
    rig = Rig(**options)
    rig.tell_time()
    rig.station.take_roster(roster(BADGE))
    request_id = rig.tap()
    rig.pass_s(3)
    return rig, request_id


def told(rig: Rig) -> list[tuple[str, str, str]]:
    return [(said["event"], said["reason"], said.get("session_id", "")) for said in rig.reported("event")]


# --- too late -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [None, SEAT], ids=["machine", "seat"])
def test_lab_that_returns_after_an_outage_throws_nobody_out(kind: Any):
    """The request waited in the outbox; by then it is too old to be decided, which says nothing about who asked."""
    rig, request_id = let_in_by_roster(**({"kind": kind} if kind else {}))
    rig.pass_s(60)

    rig.station.decide({"request_id": request_id} | TOO_LATE)
    rig.pass_s(60)

    assert rig.relay.switched == [True]
    assert rig.events() == ["energised"]
    assert rig.display.shown.startswith("Zoé: on for")


def test_offer_stays_when_the_lab_says_only_that_the_badge_is_too_old():
    rig, request_id = let_in_by_roster(settings=TWO_STEPS)
    rig.pass_s(15)

    rig.station.decide({"request_id": request_id} | TOO_LATE)
    rig.station.press()

    assert rig.relay.is_on


# --- yes ----------------------------------------------------------------------------------------------------------


def test_late_yes_gives_the_offer_the_labs_name():
    """Else the machine would run under a number that the lab does not know."""
    rig, request_id = let_in_by_roster(settings=TWO_STEPS)

    rig.allow(request_id, "s-77")
    rig.station.press()

    assert rig.relay.is_on
    assert told(rig) == [("button", "", ""), ("energised", "", "s-77")]


def test_late_yes_does_not_switch_on_what_waits_for_the_button():
    rig, request_id = let_in_by_roster(settings=TWO_STEPS)

    rig.allow(request_id, "s-77")
    rig.pass_s(31)

    assert rig.relay.switched == []
    assert told(rig) == [("stop", "idle_timeout", "s-77")]


def test_offer_with_the_labs_name_is_told_as_over_after_a_restart():
    rig, request_id = let_in_by_roster(settings=TWO_STEPS)
    rig.allow(request_id, "s-77")

    rig.restart()

    assert told(rig) == [("stop", "agent_lost", "s-77")]


# --- no -----------------------------------------------------------------------------------------------------------


def test_late_no_lets_the_offer_lapse_and_says_why():
    rig, request_id = let_in_by_roster(settings=TWO_STEPS)

    rig.deny(request_id, "Not qualified")
    shown = rig.display.shown
    rig.station.press()

    assert shown == "Not qualified"
    assert told(rig)[0] == ("stop", "permission", f"off-{request_id}")
    assert rig.relay.switched == []


@pytest.mark.parametrize("is_busy", [False, True], ids=["at rest", "working"])
def test_late_no_says_why_it_stops(is_busy: bool):
    rig, request_id = let_in_by_roster()
    rig.busy.turn(is_busy)
    rig.pass_s(1)

    rig.deny(request_id, "Not qualified")
    rig.pass_s(1)

    assert rig.relay.is_on is is_busy
    assert rig.display.shown == "Not qualified"
    assert rig.display.alerts == ["Not qualified"]


def test_late_no_waits_where_nothing_tells_whether_the_machine_works():
    rig, request_id = let_in_by_roster(has_busy_input=False)

    rig.deny(request_id, "Not qualified")
    rig.pass_s(20)

    assert rig.relay.switched == [True]
    assert rig.display.shown.startswith("Time is over: please finish")

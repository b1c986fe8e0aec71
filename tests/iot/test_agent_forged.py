"""What was recorded, forged or is out of date switches nothing on: decisions, orders and rosters."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from iot.agent.commands import Commands
from iot.agent.state import State
from tests.iot.agent_rig import BADGE, NOON, OTHER_BADGE, Rig, roster

YES = {"is_allowed": True, "session_id": "s-1", "most_s": 600, "display_name": "Camille"}


def rested(rig: Rig, request_id: str) -> None:
    """Its session came and went."""
    rig.allow(request_id)
    rig.pass_s(5)
    rig.station.press()


def given_up(rig: Rig, _request_id: str) -> None:
    """The lab did not answer within two seconds, and no roster knows the badge."""
    rig.tell_time()
    rig.pass_s(3)


def denied(rig: Rig, request_id: str) -> None:
    rig.deny(request_id)


def restarted(rig: Rig, _request_id: str) -> None:
    rig.restart()


def asked_by_another(rig: Rig, _request_id: str) -> None:
    """The next visitor's badge waits now: the answer is not theirs."""
    rig.pass_s(1)
    rig.tap(OTHER_BADGE)


@pytest.mark.parametrize("before", [rested, given_up, denied, restarted, asked_by_another])
def test_decision_counts_for_the_badge_that_waits_and_only_once(before: Callable[[Rig, str], None]):
    rig = Rig()
    request_id = rig.tap()
    before(rig, request_id)
    switched = list(rig.relay.switched)

    rig.station.decide(YES | {"request_id": request_id})

    assert rig.relay.switched == switched
    assert not rig.relay.is_on


def order(command: str, **data: Any) -> dict[str, Any]:
    expires_at = (NOON + timedelta(minutes=1)).isoformat()
    return {"command_id": "c-1", "command": command, "expires_at": expires_at, "data": data}


def test_another_order_under_a_number_that_was_used_is_not_carried_out():
    done: list[str] = []
    known = {"lock": lambda _data: done.append("lock"), "enable": lambda _data: done.append("enable")}
    commands = Commands(known, State(None))

    first = commands.answer(order("lock"), NOON)
    forged = commands.answer(order("enable"), NOON)

    assert done == ["lock"]
    assert forged == first


def test_order_that_came_too_late_stays_void_when_its_end_is_moved():
    done: list[Any] = []
    commands = Commands({"enable": done.append}, State(None))
    late = NOON + timedelta(hours=1)

    refused = commands.answer(order("enable"), late)
    again = commands.answer(order("enable") | {"expires_at": (late + timedelta(hours=1)).isoformat()}, late)

    assert refused == again == {"command_id": "c-1", "is_done": False, "reason": "expired"}
    assert done == []


def forged_rosters() -> dict[str, dict[str, Any]]:
    newer = {"version": 9, "now": NOON + timedelta(minutes=1)}
    return {
        "another key": roster(OTHER_BADGE, key="aa" * 32, **newer),
        "another device": roster(OTHER_BADGE, device="laser-2", **newer),
        "people added": roster(BADGE, **newer) | {"entries": roster(OTHER_BADGE)["entries"]},
        "longer": roster(OTHER_BADGE, valid_for=timedelta(), **newer) | {"valid_until": "2099-01-01T00:00:00+00:00"},
        "unsigned": {name: value for name, value in roster(OTHER_BADGE, **newer).items() if name != "signature"},
        "an old one again": roster(OTHER_BADGE, version=1, now=NOON - timedelta(hours=1)),
    }


@pytest.mark.parametrize("forged", forged_rosters().values(), ids=forged_rosters())
def test_forged_roster_lets_nobody_in_and_leaves_the_labs_own(forged: dict[str, Any]):
    rig = Rig()
    rig.tell_time()
    rig.station.take_roster(roster(BADGE, version=5))
    rig.is_connected = rig.agent.is_connected = False

    rig.station.take_roster(forged)
    rig.tap(OTHER_BADGE)
    was_let_in = rig.relay.is_on
    rig.pass_s(10)
    rig.tap(BADGE)

    assert not was_let_in
    assert rig.relay.is_on
    assert rig.station.roster_version == 5

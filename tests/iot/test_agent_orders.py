"""Orders of the lab: what each does, when it is refused, and that each is done once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from iot.agent.commands import CommandRefused, Commands
from iot.agent.lifecycle import SEAT, Kind
from iot.agent.orders import KeptSettings
from iot.agent.settings import Settings
from iot.agent.state import State
from tests.iot.agent_rig import NOON, Rig

GRANT = {"session_id": "s-9", "most_s": 600, "display_name": "Camille"}


def order(command: str = "lock", command_id: str = "c-1", *, valid_for: timedelta = timedelta(minutes=1), **data: Any):
    return {"command_id": command_id, "command": command, "expires_at": (NOON + valid_for).isoformat(), "data": data}


# --- enable -------------------------------------------------------------------------------------------------------


def test_enable_on_a_machine_waits_for_somebody_at_it():
    rig = Rig()

    rig.orders["enable"](GRANT)
    before = rig.relay.is_on
    rig.pass_s(20)
    rig.station.press()

    assert (before, rig.relay.is_on) == (False, True)
    assert rig.display.shown == "Camille: on for 10 min"


def test_enable_that_nobody_confirms_enables_nothing():
    rig = Rig()

    rig.orders["enable"](GRANT)
    rig.pass_s(31)
    rig.station.press()

    assert rig.relay.switched == []


def test_enable_without_button_or_reader_is_refused():
    rig = Rig(has_button=False)
    object.__setattr__(rig.station.hardware, "reader", None)

    with pytest.raises(CommandRefused, match="not_configured"):
        rig.orders["enable"](GRANT)


def test_enable_is_confirmed_by_a_badge_where_there_is_no_button():
    rig = Rig(has_button=False)

    rig.orders["enable"](GRANT)
    rig.allow(rig.tap(), "s-9")

    assert rig.relay.is_on


def test_enable_starts_a_seat_at_once():
    rig = Rig(kind=SEAT, has_button=False, has_busy_input=False)

    rig.orders["enable"](GRANT)

    assert rig.relay.is_on


@pytest.mark.parametrize("most_s", [60, 6000], ids=["shorter", "longer"])
def test_enable_with_the_running_session_moves_its_end(most_s: float):
    rig = Rig()
    rig.run_session("s-9", 600)

    rig.orders["enable"](GRANT | {"most_s": most_s})

    assert rig.station.session.left_s(rig.clock()) == most_s
    assert rig.relay.switched == [True]


@pytest.mark.parametrize("kind", [Kind(), SEAT], ids=["machine", "seat"])
def test_more_time_for_what_is_over_begins_nothing(kind: Kind):
    """It was extended on a phone while the machine was out of reach, and left by the button before it heard of it."""
    rig = Rig(kind=kind)

    with pytest.raises(CommandRefused, match="not_running"):
        rig.orders["enable"](GRANT | {"only_running": True})

    assert (rig.station.offered, rig.relay.is_on) == (None, False)


def test_enable_alone_lifts_a_lock_and_lets_no_power_through():
    rig = Rig()
    rig.orders["lock"]({})

    rig.orders["enable"]({"lift": True})

    assert (rig.station.blocked(), rig.relay.switched) == ("", [])


def _running(rig: Rig) -> None:
    rig.run_session("s-1")


def _locked(rig: Rig) -> None:
    rig.orders["lock"]({})


def _tripped(rig: Rig) -> None:
    rig.stop_button.turn(True)
    rig.station.tick()


def _as_is(_rig: Rig) -> None:
    return


@pytest.mark.parametrize(
    ("before", "data", "reason"),
    [
        (_running, GRANT, "busy"),
        (_locked, GRANT, "locked"),
        (_tripped, GRANT, "safety_input"),
        (_tripped, {"lift": True}, "safety_input"),
        (_as_is, {"session_id": "s-9"}, "wrong_data"),
        (_as_is, GRANT | {"most_s": -5}, "wrong_data"),
        (_as_is, GRANT | {"session_id": 7}, "wrong_data"),
        (_as_is, GRANT | {"session_id": "x" * 61}, "wrong_data"),
    ],
    ids=[
        "somebody else's session",
        "locked",
        "safety input",
        "lifting while pressed",
        "no time",
        "negative time",
        "no name of a session",
        "long name of a session",
    ],
)
def test_enable_is_refused_with_a_reason(before: Callable[[Rig], None], data: dict[str, Any], reason: str):
    rig = Rig()
    before(rig)
    switched = list(rig.relay.switched)

    with pytest.raises(CommandRefused, match=reason):
        rig.orders["enable"](data)

    assert rig.relay.switched == switched


# --- disable, lock, message, reboot -------------------------------------------------------------------------------


def test_disable_ends_a_session_for_the_reason_given():
    rig = Rig()
    rig.run_session()

    rig.orders["disable"]({"reason": "closing"})

    assert rig.events()[1:] == ["stop:closing", "de_energised"]


def test_disable_never_cuts_a_running_machine():
    rig = Rig()
    rig.run_session()
    rig.busy.turn(True)
    rig.pass_s(1)

    with pytest.raises(CommandRefused, match="busy"):
        rig.orders["disable"]({})
    rig.orders["disable"]({"when_idle": True, "reason": "nonsense"})
    while_busy = rig.relay.is_on
    rig.busy.turn(False)
    rig.pass_s(11)

    assert while_busy
    assert rig.events()[-2:] == ["stop:supervisor", "de_energised"]


def test_lock_keeps_everybody_out_over_a_restart_and_waits_for_the_machine():
    rig = Rig()
    rig.run_session()
    rig.busy.turn(True)
    rig.pass_s(3)

    rig.orders["lock"]({"reason": "belt torn"})
    while_busy = rig.relay.is_on
    rig.busy.turn(False)
    rig.pass_s(11)
    rig.restart()
    tapped = rig.tap()

    assert (while_busy, rig.relay.is_on, tapped) == (True, False, "")
    assert rig.display.shown == "Locked: ask the team"


def test_lock_takes_back_what_was_asked_or_offered():
    rig = Rig()
    request_id = rig.tap()

    rig.orders["lock"]({})
    rig.allow(request_id)
    rig.station.press()

    assert rig.relay.switched == []


def test_message_is_shown_for_a_while_without_what_a_terminal_obeys():
    rig = Rig()

    rig.orders["message"]({"text": "Fire drill\x1b[2J\nat 3", "for_s": 60})
    shown = rig.display.shown
    rig.pass_s(61)

    assert shown == "Fire drill [2J at 3"
    assert rig.display.shown == "Hold your badge to the reader"


def test_reboot_waits_for_the_end_of_a_session():
    rig = Rig()
    rig.run_session()

    with pytest.raises(CommandRefused, match="busy"):
        rig.orders["reboot"]({})
    rig.pass_s(5)
    rig.station.press()
    rig.orders["reboot"]({})

    assert rig.reboots == [True]


# --- set-config ---------------------------------------------------------------------------------------------------


def test_set_config_is_in_force_at_once_and_after_a_restart():
    state = State(None)
    changes: list[int] = []
    kept = KeptSettings(state, Settings(language="fr"))
    kept.on_change = lambda: changes.append(kept.version)

    kept.replace({"version": 3, "settings": {"warn_s": 60, "is_two_step": True}})

    assert kept.current() == Settings(language="fr", warn_s=60.0, is_two_step=True)
    assert changes == [3]
    again = KeptSettings(state, Settings(language="fr"))
    assert (again.version, again.current()) == (3, Settings(language="fr", warn_s=60.0, is_two_step=True))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"version": 4, "settings": {"warn_s": 60, "heartbeat_s": "soon"}}, "heartbeat_s = 'soon': a number from 5"),
        ({"version": 4, "settings": {"warn_s": 60, "wran_s": 1}}, "wran_s is not a setting; did you mean warn_s"),
        ({"version": 4, "settings": {"warn_s": 10**400}}, "warn_s"),
        ({"version": 4, "settings": {"lock_command": ["rm", "-r", "/"]}}, "lock_command is not a setting"),
        ({"version": 4, "settings": {"confirm_within_s": 600}}, "confirm_within_s"),
        ({"version": 4, "settings": []}, "settings: a table"),
        ({"version": 2, "settings": {}}, "older than 3"),
        ({"version": True, "settings": {}}, "version"),
        ({"settings": {}}, "version"),
    ],
    ids=[
        "wrong type",
        "misspelt",
        "huge",
        "a program",
        "confirmation too late",
        "no table",
        "older",
        "no number",
        "no version",
    ],
)
def test_set_config_that_cannot_be_used_leaves_the_earlier_one(data: dict[str, Any], said: str):
    state = State(None)
    kept = KeptSettings(state, Settings())
    kept.replace({"version": 3, "settings": {"warn_s": 120}})

    with pytest.raises(CommandRefused) as refusal:
        kept.replace(data)

    assert said in str(refusal.value)
    assert (kept.version, kept.current()) == (3, Settings(warn_s=120.0))
    assert KeptSettings(state, Settings()).version == 3


def test_refusals_fit_the_answer():
    kept = KeptSettings(State(None), Settings())
    commands = Commands({"set-config": kept.replace})
    settings = {"heartbeat_s\n" * 100: "x" * 10_000}

    answer = commands.answer(order("set-config", version=1, settings=settings), NOON)

    assert answer
    assert len(answer["reason"]) <= 200
    assert answer["reason"].isprintable()


def test_enable_without_a_session_lifts_nothing_unless_it_says_so():
    rig = Rig()
    rig.orders["lock"]({})

    with pytest.raises(CommandRefused):
        rig.orders["enable"]({"follows": "laser"})

    assert rig.station.blocked() == "locked"


def test_order_meant_for_another_session_stops_nobody():
    rig = Rig()
    rig.run_session("s-1")

    with pytest.raises(CommandRefused, match="not_running"):
        rig.orders["disable"]({"session_id": "s-0", "when_idle": True})

    assert rig.relay.is_on

"""Orders of the lab are done once and never too late, and nothing that it may say does any harm."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot.agent.client import Agent, Listeners
from iot.agent.commands import Commands
from iot.agent.outbox import Outbox
from iot.agent.state import State, StateLost
from tests.iot.agent_rig import NOON, Rig


def order(command: str = "lock", command_id: str = "c-1", *, valid_for: timedelta = timedelta(minutes=1), **data: Any):
    return {"command_id": command_id, "command": command, "expires_at": (NOON + valid_for).isoformat(), "data": data}


def test_order_is_carried_out_once_over_restarts(tmp_path: Path):
    done: list[dict] = []
    answers = []

    for _run in range(3):
        state = State(tmp_path / "state")
        answers.append(Commands({"lock": done.append}, state).answer(order(n=1), NOON))
        state.close()

    assert done == [{"n": 1}]
    assert answers == [{"command_id": "c-1", "is_done": True, "reason": ""}] * 3


def test_order_that_was_cut_off_is_not_begun_again(tmp_path: Path):
    state = State(tmp_path / "state")

    def _power_cut(_data: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Commands({"lock": _power_cut}, state).answer(order(), NOON)
    state.close()
    done: list[dict] = []
    commands = Commands({"lock": done.append}, State(tmp_path / "state"))

    owed = commands.untold()
    again = commands.answer(order(), NOON)

    assert owed == [again] == [{"command_id": "c-1", "is_done": False, "reason": "interrupted"}]
    assert done == []


def test_answer_that_an_earlier_run_owes_is_sent_once(tmp_path: Path):
    state = State(tmp_path / "state")
    Commands({"lock": lambda _data: None}, state).answer(order(), NOON)

    sent = []
    for _run in range(2):
        agent = Agent("laser-1", "127.0.0.1", 1, "", Outbox(None), state=state)
        agent.start()
        agent.stop()
        sent.append([json.loads(message.data) for message in agent.outbox.pending() if message.leaf == "ack"])

    assert sent == [[{"command_id": "c-1", "is_done": True, "reason": ""}], []]


def test_memory_of_orders_is_bounded():
    state = State(None)
    commands = Commands({"lock": lambda _data: None}, state)

    for number in range(1100):
        commands.answer(order(command_id=f"c-{number}"), NOON)

    assert state.remembered("c-0") is None
    assert state.remembered("c-1099") is not None


def test_order_that_cannot_be_written_down_is_not_carried_out(tmp_path: Path):
    state = State(tmp_path / "state")
    database = state._database
    database.execute(f"PRAGMA max_page_count = {database.execute('PRAGMA page_count').fetchone()[0]}")
    done: list[dict] = []
    commands = Commands({"lock": done.append}, state)

    answers = [commands.answer(order(command_id=f"{number:060}"), NOON) for number in range(200)]

    reasons = [answer["reason"] for answer in answers if answer]
    assert reasons[-1] == "disk"
    assert len(done) == reasons.count("")


def test_damaged_memory_is_not_begun_anew(tmp_path: Path):
    """It may have said that the machine is locked out."""
    (tmp_path / "state").write_bytes(b"no database" * 1000)

    with pytest.raises(StateLost, match="enrol this device again"):
        State(tmp_path / "state")


@pytest.mark.parametrize(
    ("expires_at", "reason"),
    [
        (NOON.isoformat(), "expired"),
        ("2026-03-12T13:00:00", "expired"),
        ("soon", "expired"),
        (None, "expired"),
        ((NOON + timedelta(seconds=1)).isoformat(), ""),
    ],
    ids=["this instant", "no offset", "no instant", "nothing", "in time"],
)
def test_order_is_void_from_its_expiry_on(expires_at: Any, reason: str):
    answer = Commands({"lock": lambda _data: None}).answer(order() | {"expires_at": expires_at}, NOON)

    assert answer == {"command_id": "c-1", "is_done": not reason, "reason": reason}


@pytest.mark.parametrize("off_by", [timedelta(days=-3), timedelta(days=3)], ids=["slow", "fast"])
def test_expiry_is_by_the_labs_clock_not_by_the_devices(off_by: timedelta):
    done: list[dict] = []
    agent = Agent(
        "laser-1",
        "127.0.0.1",
        1,
        "",
        Outbox(None),
        commands={"lock": done.append},
        now=lambda: datetime.now(UTC) + off_by,
    )
    now = datetime.now(UTC)
    late, good = (now - timedelta(seconds=5)).isoformat(), (now + timedelta(seconds=60)).isoformat()

    for command_id, expires_at in (("late", late), ("good", good)):
        told = {"command_id": command_id, "command": "lock", "expires_at": expires_at, "server_at": now.isoformat()}
        agent._obey("command", json.dumps(told).encode())

    acks = [json.loads(message.data) for message in agent.outbox.pending()]
    assert [(ack["command_id"], ack["is_done"]) for ack in acks] == [("late", False), ("good", True)]
    agent.stop()


# --- anything at all ----------------------------------------------------------------------------------------------

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["s-1", NOON.isoformat()]),
)
JSON = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["command_id", "command", "expires_at", "data", "request_id", "is_allowed", "session_id", "most_s", "text",
         "version", "entries", "signature", "valid_until", "issued_at", "boot", "seq", "server_at", "warn_s", "reason"]
    ),
    JSON,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(leaf=st.sampled_from(["ack", "decision", "command", "roster", "other"]), told=FIELDS)
def test_nothing_that_the_lab_may_say_raises_or_switches(leaf: str, told: dict[str, Any]):
    rig = Rig()
    listeners = Listeners(decision=rig.station.decide, roster=rig.station.take_roster)
    agent = Agent("laser-1", "127.0.0.1", 1, "", Outbox(None), commands=rig.orders, listeners=listeners)

    agent._obey(leaf, json.dumps(told).encode())
    rig.station.tick()

    assert rig.relay.switched == []
    agent.stop()


@pytest.mark.parametrize(
    "payload", [b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5_000, b" " * 600_000 + b"{}", b"\xff", b"", b"NaN"]
)
def test_hostile_payload_is_ignored(payload: bytes):
    agent = Agent("laser-1", "127.0.0.1", 1, "", Outbox(None))

    agent._obey("command", payload)

    assert agent.outbox.pending() == []
    agent.stop()

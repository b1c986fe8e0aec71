"""The agent against a real broker and a small lab behind it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iot.agent.client import Agent, Listeners, Timing
from iot.agent.config import write_config
from iot.agent.outbox import Outbox
from iot.agent.simulate import Pace, simulate
from iot.protocol import CommandAck, Event, Hello
from tests.contract.running_broker import PASSWORD, RunningBroker, device_user, server_user, wait_until
from tests.iot.agent_lab import Lab

pytestmark = pytest.mark.serial

QUICK = Timing(heartbeat_s=0.3, resend_after_s=0.5, retry_least_s=0.1, retry_most_s=0.3)
DEVICES = [f"device-{number}" for number in range(20)]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    running = RunningBroker("mosquitto", [server_user(), *map(device_user, DEVICES)], monkeypatch)
    running.start()
    yield running
    running.close()


@pytest.fixture
def lab(broker: RunningBroker) -> Iterator[Lab]:
    opened = Lab(broker.port)
    yield opened
    opened.close()


@pytest.fixture
def make_agent(broker: RunningBroker) -> Iterator[Callable[..., Agent]]:
    made: list[Agent] = []

    def _make(device: str = "device-0", outbox: Outbox | None = None, **options) -> Agent:
        settings = {"timing": QUICK} | options
        made.append(Agent(device, "127.0.0.1", broker.port, PASSWORD, outbox or Outbox(None), **settings))
        return made[-1]

    yield _make
    for agent in made:
        agent.stop()
        agent.outbox.close()


def test_agent_says_hello_and_is_online(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent(capabilities=["power_w"])

    agent.start()

    assert wait_until(lambda: lab.data(Hello) and agent.outbox.waiting() == 0)
    assert lab.data(Hello)[0].capabilities == ["power_w"]
    assert wait_until(lambda: lab.statuses.count("online") >= 3), "a heartbeat each 0.3 s"
    agent.stop()
    assert wait_until(lambda: lab.statuses[-1] == "offline")


def test_agent_sends_in_order_and_forgets_what_is_committed(lab: Lab, make_agent: Callable[..., Agent], tmp_path: Path):
    agent = make_agent(outbox=Outbox(tmp_path / "outbox"))
    for number in range(500):
        agent.event("job", job_id=str(number))

    agent.start()

    assert wait_until(lambda: agent.outbox.waiting() == 0)
    assert [event.job_id for event in lab.data(Event)] == [str(number) for number in range(500)]
    assert agent.counts.messages == 501


def test_agent_keeps_at_most_a_window_on_the_way(lab: Lab, make_agent: Callable[..., Agent]):
    lab.is_acknowledging = False
    agent = make_agent(timing=Timing(window=20, resend_after_s=60))
    for _ in range(100):
        agent.event("busy")

    agent.start()

    assert wait_until(lambda: len(lab.payloads) == 20)
    time.sleep(0.3)
    assert len(lab.payloads) == 20
    lab.is_acknowledging = True
    lab.tell("device-0", "ack", {"boot": agent.outbox.boot, "seq": 20})
    assert wait_until(lambda: agent.outbox.waiting() == 0)


def test_agent_resends_the_same_bytes_until_committed(lab: Lab, make_agent: Callable[..., Agent]):
    lab.is_acknowledging = False
    agent = make_agent()
    agent.event("busy")

    agent.start()

    assert wait_until(lambda: agent.counts.resent >= 4)
    assert {len(versions) for versions in lab.payloads.values()} == {1}
    lab.is_acknowledging = True
    assert wait_until(lambda: agent.outbox.waiting() == 0)


def test_agent_loses_nothing_when_the_broker_is_killed(
    broker: RunningBroker, lab: Lab, make_agent: Callable[..., Agent], tmp_path: Path
):
    agent = make_agent(outbox=Outbox(tmp_path / "outbox"))
    agent.start()

    for _round in range(3):
        _report(agent, 100)
        broker.kill()
        _report(agent, 100)
        broker.start()

    assert wait_until(lambda: agent.outbox.waiting() == 0, 20)
    # What it sends before the lab is back reaches nobody, and comes again after later numbers.
    assert sorted(lab.first_seqs(agent.outbox.boot)) == list(range(1, 602))
    assert {len(versions) for versions in lab.payloads.values()} == {1}


def test_agent_keeps_order_when_the_broker_is_killed(
    broker: RunningBroker, lab: Lab, make_agent: Callable[..., Agent], tmp_path: Path
):
    agent = make_agent(outbox=Outbox(tmp_path / "outbox"))
    agent.start()
    users = broker.users

    for _round in range(2):
        _report(agent, 100)
        broker.kill()
        _report(agent, 100)
        broker.users = [server_user()]  # the lab is back first, since only it is let in
        broker.start()
        assert wait_until(lab.is_listening, 15)
        broker.set_users(users)

    assert wait_until(lambda: agent.outbox.waiting() == 0, 20)
    assert lab.first_seqs(agent.outbox.boot) == list(range(1, 402))


def test_agent_sends_what_an_earlier_run_left(lab: Lab, make_agent: Callable[..., Agent], tmp_path: Path):
    cut_off = Agent("device-0", "127.0.0.1", 1, PASSWORD, Outbox(tmp_path / "outbox"))
    cut_off.event("stop", reason="power_cut")
    cut_off.stop()
    cut_off.outbox.close()
    agent = make_agent(outbox=Outbox(tmp_path / "outbox"))

    agent.start()

    assert wait_until(lambda: agent.outbox.waiting() == 0)
    assert [type(read.data) for _device, read in lab.arrivals] == [Event, Hello]
    assert [read.seq for _device, read in lab.arrivals] == [1, 1]


def test_agent_obeys_once_and_never_too_late(lab: Lab, make_agent: Callable[..., Agent]):
    done: list[dict] = []
    agent = make_agent(commands={"lock": done.append})
    agent.start()
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    orders = [
        {"command_id": "a", "command": "lock", "expires_at": soon, "data": {"n": 1}},
        {"command_id": "a", "command": "lock", "expires_at": soon, "data": {"n": 1}},
        {"command_id": "b", "command": "lock", "expires_at": past},
        {"command_id": "c", "command": "reboot", "expires_at": soon},
    ]
    assert wait_until(lambda: lab.data(Hello))

    for order in orders:
        lab.tell("device-0", "command", order)

    assert wait_until(lambda: len(lab.data(CommandAck)) == 4)
    assert done == [{"n": 1}]
    assert lab.data(CommandAck) == [
        CommandAck("a", is_done=True),
        CommandAck("a", is_done=True),
        CommandAck("b", is_done=False, reason="expired"),
        CommandAck("c", is_done=False, reason="unsupported"),
    ]


@pytest.mark.parametrize(
    ("leaf", "payload"),
    [
        ("ack", b"\xff\xfe"),
        ("ack", b"[]"),
        ("ack", b'{"boot": 3, "seq": "x"}'),
        ("ack", b'{"boot": "BOOT", "seq": 99999999999999999999999}'),
        ("command", b'{"command": "lock"}'),
        ("command", b"null"),
        ("roster", b"{}"),
        ("unheard-of", b"x" * 100_000),
    ],
)
def test_agent_survives_malformed_messages(lab: Lab, make_agent: Callable[..., Agent], leaf: str, payload: bytes):
    agent = make_agent()
    agent.start()
    assert wait_until(lambda: lab.data(Hello))

    lab.tell_raw("device-0", leaf, payload.replace(b"BOOT", agent.outbox.boot.encode()))
    agent.event("busy")

    assert wait_until(lambda: lab.data(Event) and agent.outbox.waiting() == 0)
    assert agent.is_alive()


def test_agent_hears_the_decision_on_its_badge(lab: Lab, make_agent: Callable[..., Agent]):
    decisions: list[dict] = []
    agent = make_agent(listeners=Listeners(decision=decisions.append))
    agent.start()
    assert wait_until(lambda: lab.data(Hello))

    request_id = agent.access("04A2B3")
    lab.tell("device-0", "decision", {"request_id": request_id, "is_allowed": True, "most_s": 60})

    assert wait_until(lambda: [decision["request_id"] for decision in decisions] == [request_id])


def test_agent_with_a_wrong_password_keeps_everything(broker: RunningBroker):
    agent = Agent("device-0", "127.0.0.1", broker.port, "wrong", Outbox(None), timing=QUICK)
    agent.start()
    agent.event("busy")
    time.sleep(0.5)

    assert (agent.is_connected, agent.is_alive(), agent.outbox.waiting()) == (False, True, 2)
    agent.stop()
    agent.outbox.close()


def test_twenty_simulated_devices_arrive_whole(lab: Lab, make_agent: Callable[..., Agent]):
    agents = [make_agent(device) for device in DEVICES]
    stopping = threading.Event()
    kinds = ["printer", "laser", "laptop", "plug"] * 5
    pace = Pace(speed=600, sample_s=0.05, batch=5)
    playing = [
        threading.Thread(target=simulate, args=(agent, kind, stopping), kwargs={"pace": pace, "seed": index})
        for index, (agent, kind) in enumerate(zip(agents, kinds, strict=True))
    ]
    for agent, thread in zip(agents, playing, strict=True):
        agent.start()
        thread.start()

    time.sleep(2)
    stopping.set()
    for thread in playing:
        thread.join()

    assert wait_until(lambda: all(agent.outbox.waiting() == 0 for agent in agents), 20)
    made = {agent.device: (agent.counts.messages, agent.counts.samples) for agent in agents}
    came = {device: [read for name, read in lab.arrivals if name == device] for device in DEVICES}
    assert made == {
        device: (len(reads), sum(len(getattr(read.data, "samples", ())) for read in reads))
        for device, reads in came.items()
    }
    assert min(messages for messages, _samples in made.values()) > 5


def test_command_line_plays_a_machine_until_sigterm(broker: RunningBroker, lab: Lab, tmp_path: Path):
    address = {"device": "device-3", "host": "127.0.0.1", "port": broker.port, "is_tls": False}
    write_config(tmp_path / "agent.toml", address, PASSWORD)
    command = [sys.executable, "-m", "iot.agent", "--config", tmp_path / "agent.toml", "--simulate", "laser"]
    process = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2], stderr=subprocess.DEVNULL)
    assert wait_until(lambda: [event.event for event in lab.data(Event)] == ["energised", "idle"], 15)

    process.terminate()

    assert process.wait(10) == 0
    assert wait_until(lambda: lab.statuses[-1] == "offline")
    assert {device for device, _read in lab.arrivals} == {"device-3"}


def _report(agent: Agent, count: int) -> None:
    for _ in range(count):
        agent.event("job", job_id=str(agent.counts.messages))

"""What a run of the agent leaves behind reaches the lab before what the next one says, and signs of life go first."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot.agent.client import Agent, Timing
from iot.agent.outbox import Outbox
from tests.contract.running_broker import PASSWORD, Client, RunningBroker, device_user, server_user, wait_until

pytestmark = pytest.mark.serial

SOON = Timing(heartbeat_s=60, resend_after_s=0.5, retry_least_s=0.1, retry_most_s=0.2)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    running = RunningBroker("mosquitto", [server_user(), device_user("laser")], monkeypatch)
    running.start()
    yield running
    running.close()


@pytest.fixture
def lab(broker: RunningBroker) -> Iterator[Client]:
    client = Client(broker, "server").open().listen("fablab/v1/+/up/#")
    yield client
    client.close()


def heard(lab: Client) -> list[tuple[str, str, int]]:
    """`(leaf, boot, number)` of each message in the order of arrival."""
    told = [(topic.rpartition("/")[2], json.loads(payload)) for topic, payload, _ in list(lab.got)]
    return [(leaf, body.get("boot", ""), body.get("seq", 0)) for leaf, body in told]


def agent_with(broker: RunningBroker, outbox: Outbox) -> Agent:
    return Agent("laser", "127.0.0.1", broker.port, PASSWORD, outbox, timing=SOON)


def test_later_run_says_nothing_before_the_lab_has_the_earlier_one(
    tmp_path: Path, broker: RunningBroker, lab: Client
) -> None:
    earlier = Outbox(tmp_path / "outbox")
    for event in ("busy", "idle"):
        earlier.add("event", {"event": event}, "2026-03-12T13:00:00Z", 1.0)
    earlier.close()
    later = Outbox(tmp_path / "outbox")
    agent = agent_with(broker, later)
    agent.start()

    assert wait_until(lambda: heard(lab).count(("event", earlier.boot, 2)) > 1)
    runs_before = {boot for leaf, boot, _ in heard(lab) if leaf != "status"}
    lab.say("fablab/v1/laser/down/ack", json.dumps({"boot": earlier.boot, "seq": 2}).encode())

    assert wait_until(lambda: ("hello", later.boot, 1) in heard(lab))
    assert runs_before == {earlier.boot}
    agent.stop()
    later.close()


def test_sign_of_life_goes_before_what_is_sent_again(broker: RunningBroker, lab: Client) -> None:
    """Whoever missed the first one must not take a wrong clock for right."""
    outbox = Outbox(None)
    agent = agent_with(broker, outbox)
    agent.start()

    assert wait_until(lambda: heard(lab).count(("hello", outbox.boot, 1)) == 3)

    assert [leaf for leaf, _, _ in heard(lab)][:6] == ["status", "hello"] * 3
    agent.stop()
    outbox.close()

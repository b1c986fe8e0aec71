"""Whatever happens on the line to the lab, the agent stays beside its machine: ended, its relay would drop."""

import logging
import select
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from iot.agent.client import Agent, Listeners, Timing
from iot.agent.link import Link, Waker
from iot.agent.outbox import Outbox
from tests.contract.running_broker import PASSWORD, RunningBroker, device_user, server_user, wait_until
from tests.iot.agent_lab import Lab

pytestmark = pytest.mark.serial

QUICK = Timing(heartbeat_s=0.1, resend_after_s=0.5, retry_least_s=0.05, retry_most_s=0.2, well_after_s=60)
DECISION = {"request_id": "r-1", "is_allowed": True}


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    running = RunningBroker("mosquitto", [server_user(), device_user("laser")], monkeypatch)
    running.start()
    yield running
    running.close()


@pytest.fixture
def lab(broker: RunningBroker) -> Iterator[Lab]:
    opened = Lab(broker.port)
    yield opened
    opened.close()


class Trouble:
    """Fails at the first so many decisions in a way that nobody foresaw; counts the beats that the watchdog sees."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.heard = 0
        self.beats = 0
        self.beats_at_failure: list[int] = []

    def decide(self, _told: dict[str, Any]) -> None:
        self.heard += 1
        if len(self.beats_at_failure) < self.most:
            self.beats_at_failure.append(self.beats)
            raise KeyError("nobody foresaw this")

    def pulse(self) -> None:
        self.beats += 1


@pytest.fixture
def troubled(broker: RunningBroker) -> Iterator[Callable[..., tuple[Agent, Trouble]]]:
    made: list[Agent] = []

    def _make(most: int, timing: Timing = QUICK) -> tuple[Agent, Trouble]:
        trouble = Trouble(most)
        listeners = Listeners(decision=trouble.decide, pulse=trouble.pulse)
        agent = Agent(
            "laser", "127.0.0.1", broker.port, PASSWORD, Outbox(None), timing=timing, listeners=listeners
        )  # fmt: skip
        made.append(agent)
        agent.start()
        assert wait_until(lambda: agent.is_connected)
        return agent, trouble

    yield _make
    for agent in made:
        agent.stop()
        agent.outbox.close()


def fail(lab: Lab, agent: Agent, trouble: Trouble) -> None:
    """One decision, and what comes of it."""
    before = len(trouble.beats_at_failure)

    def _failed() -> bool:
        if agent.is_connected:
            lab.tell("laser", "decision", DECISION)
        return len(trouble.beats_at_failure) > before

    assert wait_until(_failed)


def test_error_that_nobody_foresaw_is_logged_and_the_lab_is_called_again(
    lab: Lab, troubled: Callable[..., tuple[Agent, Trouble]], caplog: pytest.LogCaptureFixture
) -> None:
    agent, trouble = troubled(1)

    fail(lab, agent, trouble)

    def _hears_again() -> bool:
        lab.tell("laser", "decision", DECISION)
        return trouble.heard > 1

    assert wait_until(_hears_again)
    assert agent.is_alive()
    [error] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert error.exc_info
    assert "nobody foresaw this" in caplog.text


def test_link_that_fails_again_and_again_looks_hung_to_the_watchdog(
    lab: Lab, troubled: Callable[..., tuple[Agent, Trouble]]
) -> None:
    agent, trouble = troubled(3)

    for _ in range(3):
        fail(lab, agent, trouble)

    assert trouble.beats_at_failure[0] > 0
    assert len(set(trouble.beats_at_failure)) == 1, "no beat between the failures"
    assert agent.is_alive()


def test_link_that_holds_after_a_failure_is_well_again(
    lab: Lab, troubled: Callable[..., tuple[Agent, Trouble]]
) -> None:
    timing = Timing(heartbeat_s=0.1, retry_least_s=0.05, retry_most_s=0.2, well_after_s=0.3)
    agent, trouble = troubled(1, timing)

    fail(lab, agent, trouble)

    assert wait_until(lambda: trouble.beats > trouble.beats_at_failure[0])


def test_lab_that_goes_away_after_a_failure_does_not_look_like_a_hang(
    broker: RunningBroker, lab: Lab, troubled: Callable[..., tuple[Agent, Trouble]]
) -> None:
    agent, trouble = troubled(1)
    fail(lab, agent, trouble)

    broker.kill()

    assert wait_until(lambda: trouble.beats > trouble.beats_at_failure[0] + 1)
    assert agent.is_alive()


def test_agent_that_fails_again_and_again_can_still_be_stopped(
    lab: Lab, troubled: Callable[..., tuple[Agent, Trouble]]
) -> None:
    agent, trouble = troubled(1_000)
    fail(lab, agent, trouble)

    agent.stop()

    assert not agent.is_alive()


def hung_up_on(*_address: Any, **_options: Any) -> socket.socket:
    """A connection whose other end has reset it already."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.socket()
        ours.connect(server.getsockname())
        theirs, _ = server.accept()
        # Nothing lingers: closing sends a reset.
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        theirs.close()
    select.select([ours], [], [], 5)
    return ours


def test_broker_that_hangs_up_before_the_greeting_is_a_connection_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    waker = Waker()
    link = Link("laser", "laser-1", waker)
    monkeypatch.setattr(socket, "create_connection", hung_up_on)

    with pytest.raises(ConnectionError, match="hung up"):
        link.open("127.0.0.1", 1883, PASSWORD, is_tls=False)

    link.close()
    waker.close()

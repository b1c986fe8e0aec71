"""The whole agent against a real broker and a small lab: from the badge to the relay and back."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iot.agent.client import Timing
from iot.agent.config import read_config, write_config
from iot.agent.device import Device
from iot.agent.hardware import Hardware
from iot.agent.hardware.simulated import (
    SimulatedButton,
    SimulatedDisplay,
    SimulatedInput,
    SimulatedReader,
    SimulatedRelay,
)
from iot.agent.state import State
from iot.protocol import Access, CommandAck, Event, Hello
from tests.contract.running_broker import PASSWORD, RunningBroker, device_user, server_user, wait_until
from tests.iot.agent_lab import Lab
from tests.iot.agent_rig import BADGE, ROSTER_KEY, roster

pytestmark = pytest.mark.serial

PROJECT = Path(__file__).resolve().parents[2]
QUICK = Timing(heartbeat_s=0.3, resend_after_s=0.5, retry_least_s=0.1, retry_most_s=0.3)
MACHINE = "[machine]\nhardware = 'simulated'\nbutton_pin = 4\nbusy_pin = 5\n[machine.safety_pins]\nemergency_stop = 6\n"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    running = RunningBroker("mosquitto", [server_user(), device_user("laser-1")], monkeypatch)
    running.start()
    yield running
    running.close()


@pytest.fixture
def lab(broker: RunningBroker) -> Iterator[Lab]:
    opened = Lab(broker.port)
    yield opened
    opened.close()


@pytest.fixture
def config_file(broker: RunningBroker, tmp_path: Path) -> Path:
    address = {"device": "laser-1", "host": "127.0.0.1", "port": broker.port, "is_tls": False}
    (tmp_path / "agent.toml").write_text(MACHINE)
    write_config(tmp_path / "agent.toml", address, PASSWORD)
    state = State(tmp_path / "state.sqlite3")
    state.enrolled(ROSTER_KEY)
    state.close()
    return tmp_path / "agent.toml"


class Running:
    """A device in a thread of its own, as `fablab-agent` runs it."""

    def __init__(self, config_file: Path, relay: SimulatedRelay | None = None) -> None:
        self.relay, self.reader, self.button = relay or SimulatedRelay(), SimulatedReader(), SimulatedButton()
        self.display, self.busy, self.stop_button = SimulatedDisplay(), SimulatedInput(), SimulatedInput()
        safety = {"emergency_stop": self.stop_button}
        hardware = Hardware(self.relay, self.display, self.button, self.reader, self.busy, safety)
        self.device = Device(read_config(config_file), hardware=hardware, timing=QUICK)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.device.run, args=(self._stopping,))
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(20)


@pytest.fixture
def run(config_file: Path) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def _run(**options: Any) -> Running:
        made.append(Running(config_file, **options))
        return made[-1]

    yield _run
    for running in made:
        running.stop()


def answer(lab: Lab, count: int = 1, **told: Any) -> str:
    """Decide the newest badge once that many were presented."""
    assert wait_until(lambda: len(lab.data(Access)) == count)
    request_id = lab.data(Access)[-1].request_id
    now = datetime.now(UTC).isoformat()
    lab.tell("laser-1", "decision", {"request_id": request_id, "server_at": now, "session_id": "s-1"} | told)
    return request_id


def command(lab: Lab, name: str, command_id: str, **data: Any) -> CommandAck:
    expires_at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    order = {"command_id": command_id, "command": name, "expires_at": expires_at, "data": data}
    lab.tell("laser-1", "command", order)
    assert wait_until(lambda: any(ack.command_id == command_id for ack in lab.data(CommandAck)))
    return next(ack for ack in lab.data(CommandAck) if ack.command_id == command_id)


def events(lab: Lab) -> list[str]:
    return [f"{told.event}:{told.reason}".rstrip(":") for told in lab.data(Event)]


def test_badge_decision_relay_and_stop_travel_over_the_wire(lab: Lab, run: Callable[..., Running]):
    running = run()
    assert wait_until(lambda: lab.data(Hello) and "online" in lab.statuses)

    running.reader.tap(BADGE)
    answer(lab, is_allowed=True, most_s=600, display_name="Camille")

    assert wait_until(lambda: running.relay.is_on)
    assert wait_until(lambda: events(lab) == ["energised"])
    assert lab.data(Access)[0].credential == BADGE
    running.stop_button.turn(True)
    assert wait_until(lambda: not running.relay.is_on, 1), "at once, not at the next look"
    assert wait_until(lambda: len(events(lab)) == 4)
    assert events(lab)[1:] == ["stop:emergency_stop", "de_energised", "safety_input:emergency_stop"]


def test_denied_text_reaches_the_display(lab: Lab, run: Callable[..., Running]):
    running = run()
    assert wait_until(lambda: "online" in lab.statuses)

    running.reader.tap(BADGE)
    answer(lab, is_allowed=False, reason="unqualified", text="Ask for an induction")

    assert wait_until(lambda: running.display.shown == "Ask for an induction")
    assert running.relay.switched == []


def test_config_version_is_told_again_at_once_and_after_a_restart(lab: Lab, run: Callable[..., Running]):
    running = run()
    assert wait_until(lambda: "online" in lab.statuses)

    good = command(lab, "set-config", "c-1", version=7, settings={"warn_s": 60})
    bad = command(lab, "set-config", "c-2", version=8, settings={"warn_s": "soon"})
    running.stop()
    again = run()

    assert (good.is_done, bad.is_done) == (True, False)
    assert bad.reason == "warn_s = 'soon': a number from 0 to 3600 is expected."
    assert wait_until(lambda: [hello.config_version for hello in lab.data(Hello)] == [0, 7, 7])
    assert again.device.settings.current().warn_s == 60


def test_order_repeated_after_a_restart_is_answered_and_not_done_again(lab: Lab, run: Callable[..., Running]):
    running = run()
    assert wait_until(lambda: "online" in lab.statuses)
    command(lab, "lock", "c-1")
    command(lab, "enable", "c-2", lift=True)
    running.stop()
    again = run()
    assert wait_until(lambda: len(lab.data(Hello)) == 2)

    expires_at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    lab.tell("laser-1", "command", {"command_id": "c-1", "command": "lock", "expires_at": expires_at, "data": {}})

    assert wait_until(lambda: [ack.command_id for ack in lab.data(CommandAck)].count("c-1") == 2)
    assert again.device.station
    assert not again.device.station.is_locked_out


def test_session_goes_on_without_the_lab_and_the_roster_lets_in_afterwards(
    broker: RunningBroker, lab: Lab, run: Callable[..., Running]
):
    running = run()
    assert wait_until(lambda: "online" in lab.statuses)
    now = datetime.now(UTC)
    lab.tell("laser-1", "roster", roster(BADGE, now=now))
    running.reader.tap("99FF00AA")
    answer(lab, is_allowed=True, most_s=600)
    assert wait_until(lambda: running.relay.is_on)

    broker.kill()
    assert wait_until(lambda: not running.device.agent.is_connected)
    was_on = running.relay.is_on
    threading.Event().wait(3.1)  # a press within 3 s of the start is a bounce
    running.button.press()
    running.reader.tap("11223344")
    refused = running.relay.is_on
    running.reader.tap(BADGE)
    let_in = running.relay.is_on
    broker.start()

    assert (was_on, refused, let_in) == (True, False, True)
    assert wait_until(lambda: running.device.outbox.waiting() == 0, 20)
    assert [told.event for told in lab.data(Event)] == [
        "energised", "button", "stop", "de_energised", "energised",
    ]  # fmt: skip
    assert len(lab.data(Access)) == 3


def test_session_outlives_a_restart_of_the_agent_with_its_relay_on(lab: Lab, run: Callable[..., Running]):
    running = run()
    assert wait_until(lambda: "online" in lab.statuses)
    running.reader.tap(BADGE)
    answer(lab, is_allowed=True, most_s=600)
    assert wait_until(lambda: running.relay.is_on)
    running.stop()

    again = run(relay=running.relay)

    assert wait_until(lambda: len(lab.data(Hello)) == 2)
    assert again.device.station
    assert again.device.station.session
    assert again.device.station.session.session_id == "s-1"
    assert running.relay.switched == [True]
    assert events(lab) == ["energised"]


def test_command_line_opens_for_a_badge_that_is_typed(lab: Lab, config_file: Path):
    config_file.write_text(config_file.read_text() + "[reader]\nkind = 'stdin'\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "iot.agent", "--config", config_file],
        cwd=PROJECT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert wait_until(lambda: "online" in lab.statuses, 15)

    process.stdin.write("04:a2:b9:1c\n")
    process.stdin.flush()
    answer(lab, is_allowed=True, most_s=600, display_name="Camille")
    assert wait_until(lambda: events(lab) == ["energised"])
    process.terminate()
    _, said = process.communicate(timeout=15)

    assert process.returncode == 0
    assert "relay: on" in said
    assert "Camille: on for 10 min" in said
    assert wait_until(lambda: lab.statuses[-1] == "offline")

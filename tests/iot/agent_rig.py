"""A station on simulated hardware with a real agent, whose outbox says what was reported. Time passes by hand."""

import hashlib
import hmac
import json
import weakref
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from iot.agent.client import Agent
from iot.agent.hardware import Hardware
from iot.agent.hardware.simulated import (
    SimulatedButton,
    SimulatedDisplay,
    SimulatedInput,
    SimulatedReader,
    SimulatedRelay,
)
from iot.agent.lifecycle import Kind
from iot.agent.orders import KeptSettings, handlers
from iot.agent.outbox import Outbox
from iot.agent.server_time import ServerTime
from iot.agent.settings import Settings
from iot.agent.state import State
from iot.agent.station import Station

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
ROSTER_KEY = "5c" * 32
BADGE = "04A2B91C"
OTHER_BADGE = "99FF00AA"


class Clock:
    """The boot clock, moved by `pass_s`."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Rig:
    """`restart` makes a new station on the same hardware and memory, as a restart of the agent does."""

    settings: Settings = field(default_factory=Settings)
    kind: Kind = field(default_factory=Kind)
    state: State = field(default_factory=lambda: State(None))
    has_button: bool = True
    has_busy_input: bool = True
    is_connected: bool = True
    boot: str = "boot-1"
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.relay = SimulatedRelay()
        self.display = SimulatedDisplay()
        self.button = SimulatedButton()
        self.reader = SimulatedReader()
        self.busy = SimulatedInput()
        self.stop_button = SimulatedInput()
        self.lid = SimulatedInput()
        self.reboots: list[bool] = []
        if not self.state.get("enrolment"):
            self.state.enrolled(ROSTER_KEY)
        self.restart()

    def restart(self) -> None:
        self.agent = Agent("laser-1", "127.0.0.1", 1, "", Outbox(None), state=self.state)
        weakref.finalize(self, self.agent.stop)
        self.agent.is_connected = self.is_connected
        self.server_time = ServerTime(clock_s=self.clock)
        self.kept_settings = KeptSettings(self.state, self.settings)
        hardware = Hardware(
            relay=self.relay,
            display=self.display,
            button=self.button if self.has_button else None,
            reader=self.reader,
            busy=self.busy if self.has_busy_input else None,
            safety={"emergency_stop": self.stop_button, "lid": self.lid},
        )
        self.station = Station(
            self.agent,
            hardware,
            self.state,
            self.kept_settings.current,
            self.server_time,
            kind=self.kind,
            device="laser-1",
            clock_s=self.clock,
            boot=self.boot,
        )
        reboots = self.reboots
        self.orders = handlers(self.station, self.kept_settings, lambda: reboots.append(True))
        self.station.start()

    def pass_s(self, seconds: float, *, step_s: float = 1.0) -> None:
        """Let time pass, with a look every `step_s`."""
        end_s = self.clock.now_s + seconds
        while self.clock.now_s < end_s:
            self.clock.now_s = min(end_s, self.clock.now_s + step_s)
            self.station.tick()

    def tell_time(self, at: datetime = NOON) -> None:
        self.server_time.hear(at.isoformat())

    def reported(self, leaf: str) -> list[dict[str, Any]]:
        return [json.loads(message.data) for message in self.agent.outbox.pending() if message.leaf == leaf]

    def events(self) -> list[str]:
        """`event`, or `event:reason`."""
        return [f"{told['event']}:{told['reason']}".rstrip(":") for told in self.reported("event")]

    def tap(self, badge: str = BADGE) -> str:
        """Hold a badge to the reader; the id of the request that this made, or empty."""
        before = len(self.reported("access"))
        self.station.badge(badge)
        made = self.reported("access")[before:]
        return made[-1]["request_id"] if made else ""

    def allow(self, request_id: str, session_id: str = "s-1", most_s: float = 600, **more: Any) -> None:
        told = {"request_id": request_id, "is_allowed": True, "session_id": session_id, "most_s": most_s}
        self.station.decide(told | {"display_name": "Camille"} | more)

    def deny(self, request_id: str, text: str = "Not qualified") -> None:
        self.station.decide({"request_id": request_id, "is_allowed": False, "reason": "unqualified", "text": text})

    def run_session(self, session_id: str = "s-1", most_s: float = 600, **more: Any) -> None:
        self.allow(self.tap(), session_id, most_s, **more)


def signed(told: dict[str, Any], key: str = ROSTER_KEY) -> dict[str, Any]:
    """As the lab signs: written out here once more, so that both sides cannot be wrong together."""
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return told | {"signature": hmac.new(bytes.fromhex(key), text, hashlib.sha256).hexdigest()}


def roster(
    *badges: str,
    version: int = 1,
    now: datetime = NOON,
    key: str = ROSTER_KEY,
    valid_for: timedelta = timedelta(hours=24),
    start: datetime | None = None,
    until: datetime | None = None,
    **more: Any,
) -> dict[str, Any]:
    entries = [
        {
            "badge": hmac.new(bytes.fromhex(key), badge.encode(), hashlib.sha256).hexdigest(),
            "name": "Zoé",
            "from": (start or now).isoformat(),
            "until": (until or now + timedelta(hours=1)).isoformat(),
        }
        for badge in badges
    ]
    told = {
        "version": version,
        "issued_at": now.isoformat(),
        "valid_until": (now + valid_for).isoformat(),
        "salt": "00ff",
        "entries": entries,
    }
    return signed(told | more, key)

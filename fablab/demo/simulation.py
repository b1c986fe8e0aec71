"""Plays the demo's machines: real messages of real agents, over the lab's own broker."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from django.db import connections

from fablab.demo.behaviour import PRINT_EVERY_S, Behaviour
from fablab.demo.followed import FollowedPrint, RunningReservations, last_energies
from fablab.demo.lab import DRIVEN_BY_OCTOPRINT, MACHINES, UNREACHABLE, DemoMachine
from fablab.demo.tasmota import Plug
from iot.agent.client import Agent
from iot.agent.outbox import Outbox
from iot.models import DriverKind

TICK_S = 1.0
PLAYED = tuple(machine for machine in MACHINES if machine.slug != UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Broker:
    host: str
    port: int
    is_tls: bool
    ca_file: Path | None = None

    @classmethod
    def of_settings(cls, broker: Mapping[str, Any]) -> "Broker":
        ca_file = broker.get("ca_file")
        return cls(str(broker["host"]), int(broker["port"]), bool(broker["is_tls"]), Path(ca_file) if ca_file else None)


class AgentDevice:
    """A machine's agent; what it could not send waits on disk."""

    def __init__(self, machine: DemoMachine, broker: Broker, password: str, folder: Path) -> None:
        self._outbox = Outbox(folder / f"{machine.slug}.sqlite3")
        self._agent = Agent(
            machine.slug, broker.host, broker.port, password, self._outbox, is_tls=broker.is_tls,
            ca_file=broker.ca_file, capabilities=machine.capabilities,
        )  # fmt: skip

    @property
    def is_connected(self) -> bool:
        return self._agent.is_connected

    def start(self) -> None:
        self._agent.start()

    def report(self, values: Mapping[str, float]) -> None:
        self._agent.reading([{"age_ms": 0} | dict(values)])

    def stop(self) -> None:
        self._agent.stop()
        self._outbox.close()


class PlugDevice:
    """A plug that is not ours."""

    def __init__(self, machine: DemoMachine, broker: Broker, password: str) -> None:
        self._plug = Plug(machine.topic)
        self._login = (broker.host, broker.port, machine.slug, password)
        self._is_tls, self._ca_file = broker.is_tls, broker.ca_file

    @property
    def is_connected(self) -> bool:
        return self._plug.is_connected

    def start(self) -> None:
        self._plug.start(*self._login, is_tls=self._is_tls, ca_file=self._ca_file)

    def report(self, values: Mapping[str, float]) -> None:
        self._plug.report(values)

    def stop(self) -> None:
        self._plug.stop()


class Simulation:
    """All devices of the demo but the unreachable one, played by one thread."""

    def __init__(
        self, broker: Broker, passwords: Mapping[str, str], data_dir: Path, followed: FollowedPrint | None
    ) -> None:
        folder = data_dir / "agents"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        energies = last_energies()
        self._followed = followed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulation", daemon=True)
        self._played: list[tuple[Behaviour, AgentDevice | PlugDevice]] = [
            (
                Behaviour(machine, Random(machine.slug), energies.get(machine.slug, 0.0)),
                PlugDevice(machine, broker, passwords[machine.slug])
                if machine.driver == DriverKind.TASMOTA
                else AgentDevice(machine, broker, passwords[machine.slug], folder),
            )
            for machine in PLAYED
        ]

    def start(self) -> None:
        for _, device in self._played:
            device.start()
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye for every device, all at once: one after the other would take too long."""
        self._stopping.set()
        self._thread.join(TICK_S)
        _at_once([device.stop for _, device in self._played])

    def is_connected(self) -> bool:
        return all(device.is_connected for _, device in self._played)

    def _run(self) -> None:
        reservations = RunningReservations()
        while not self._stopping.wait(TICK_S):
            running = reservations.slugs()
            for behaviour, device in self._played:
                self._play(behaviour, device, behaviour.machine.slug in running)
        connections.close_all()

    def _play(self, behaviour: Behaviour, device: AgentDevice | PlugDevice, is_reserved: bool) -> None:
        now_s, every_s, is_busy = time.monotonic(), None, is_reserved
        if behaviour.machine.slug == DRIVEN_BY_OCTOPRINT and self._followed is not None:
            every_s, is_busy = PRINT_EVERY_S, self._followed.is_printing
        if behaviour.is_due(now_s, is_busy, every_s=every_s):
            device.report(behaviour.sample(now_s, is_busy))


def _at_once(actions: Sequence[Any]) -> None:
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(1.2)

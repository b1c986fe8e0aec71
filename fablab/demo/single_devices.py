"""Plays one device, or many of a name, with a profile of the agent: for trials and for load."""

import threading

from fablab.demo.simulation import Broker
from iot.agent.client import Agent
from iot.agent.outbox import Outbox
from iot.agent.simulate import Pace, simulate


def device_slugs(slug: str, count: int) -> list[str]:
    """The device itself, or `SLUG-1` to `SLUG-N`."""
    return [slug] if count == 1 else [f"{slug}-{number}" for number in range(1, count + 1)]


class SingleDevices:
    """Each device is an agent with its outbox in memory and a thread that plays the profile."""

    def __init__(self, slugs: list[str], profile: str, passwords: dict[str, str], broker: Broker, speed: float) -> None:
        self._stopping = threading.Event()
        self._agents = [
            Agent(
                slug, broker.host, broker.port, passwords[slug], Outbox(None), is_tls=broker.is_tls,
                ca_file=broker.ca_file,
            )
            for slug in slugs
        ]  # fmt: skip
        self._players = [
            threading.Thread(
                target=simulate, args=(agent, profile, self._stopping), kwargs={"pace": Pace(speed=speed)}, daemon=True
            )
            for agent in self._agents
        ]

    def start(self) -> None:
        for agent, player in zip(self._agents, self._players, strict=True):
            agent.start()
            player.start()

    def stop(self) -> None:
        self._stopping.set()
        for player in self._players:
            player.join(1)
        for agent in self._agents:
            agent.stop()

    def is_connected(self) -> bool:
        return all(agent.is_connected for agent in self._agents)

"""Plays a profile through an agent."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .client import Agent
from .profiles import PROFILES, Step


@dataclass(frozen=True)
class Pace:
    """`speed` machine seconds pass in a second; a sample each `sample_s`, sent `batch` at a time."""

    speed: float = 1.0
    sample_s: float = 1.0
    batch: int = 5


def simulate(
    agent: Agent, kind: str, stopping: threading.Event, *, pace: Pace | None = None, seed: int | None = None
) -> None:
    """Report as a machine of this kind until `stopping` is set; the agent must have been started.

    An event is sent as it falls, after the samples before it; times are real ones, whatever the speed.

    Raises:
        KeyError: no profile has this name.
    """
    pace = pace or Pace()
    steps = PROFILES[kind](random.Random(seed))
    taken: list[tuple[float, dict[str, float]]] = []
    owed_steps = 0.0
    due_s = time.monotonic()
    while not stopping.wait(max(0.0, due_s - time.monotonic())):
        # A process that was asleep takes up from now: it did not measure meanwhile.
        due_s = max(due_s + pace.sample_s, time.monotonic())
        owed_steps += pace.speed * pace.sample_s
        passed = _pass(steps, int(owed_steps))
        owed_steps -= int(owed_steps)
        for step in passed:
            for event in step.events:
                _send(agent, taken)
                agent.event(event)
        if passed:
            taken.append((time.monotonic(), passed[-1].values))
        if len(taken) >= pace.batch:
            _send(agent, taken)
    _send(agent, taken)


def _pass(steps: Iterator[Step], count: int) -> list[Step]:
    return [next(steps) for _ in range(count)]


def _send(agent: Agent, taken: list[tuple[float, dict[str, float]]]) -> None:
    """Send and empty the samples, each with its age."""
    now_s = time.monotonic()
    if taken:
        agent.reading([{"age_ms": round((now_s - at_s) * 1000)} | values for at_s, values in taken])
        taken.clear()

"""What both sides do the same way: the clock, the race and the words on the command line. Runs in either Python."""

import argparse
import dataclasses
import datetime as dt
import json
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from fablab.bench.measure import timed

ZONE = ZoneInfo("Europe/Paris")
DAYS_AHEAD = 14
RACERS = 20
PEOPLE_BEFORE_RACERS = 2
START_LIMIT_S = 120

Door = Callable[[], int]


class Side(Protocol):
    """One of the two programs. A door returns how many reservations it answered with."""

    def seed(self, lab: Path) -> None: ...

    def doors(self) -> dict[str, Door]: ...

    def racer(self, person: int, machine: int, start: dt.datetime, end: dt.datetime) -> Callable[[], bool]:
        """Signed in, with a first page read: what it returns asks, and says whether it was granted."""

    def held(self, machine: int, start: dt.datetime) -> int:
        """How many reservations the database holds for that very time."""

    def give_back(self) -> None:
        """End what the doors and the races reserved."""

    def forget_connections(self) -> None:
        """A child process makes its own."""


def week() -> tuple[dt.datetime, dt.datetime]:
    """Seven whole days from tomorrow on."""
    first = dt.datetime.now(ZONE).date() + dt.timedelta(days=1)
    return midnight(first), midnight(first + dt.timedelta(days=7))


def midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZONE)


def free_half_hours() -> Iterator[dt.datetime]:
    """Half hours after all that was seeded, inside the opening hours."""
    first = dt.datetime.now(ZONE).date() + dt.timedelta(days=DAYS_AHEAD + 1)
    for day in range(20):
        for half_hour in range(26):
            time = dt.time(8 + half_hour // 2, 30 * (half_hour % 2))
            yield dt.datetime.combine(first + dt.timedelta(days=day), time, ZONE)


def measure(side: Side, rounds: int) -> dict[str, Any]:
    found = {}
    for name, door in side.doors().items():
        answered = door()
        found[name] = dataclasses.asdict(timed(door, rounds=rounds)) | {"answered": answered}
    side.give_back()
    return found


def race(side: Side, races: int) -> list[dict[str, int]]:
    """Twenty people ask for one slot at the same moment, each from a process of its own, as web workers do."""
    day = dt.datetime.now(ZONE).date() + dt.timedelta(days=DAYS_AHEAD + 10)
    found = []
    for number in range(races):
        start = dt.datetime.combine(day, dt.time(9 + number % 10), ZONE)
        found.append(_one_race(side, 1 + number // 10, start))
    side.give_back()
    return found


def _one_race(side: Side, machine: int, start: dt.datetime) -> dict[str, int]:
    processes = multiprocessing.get_context("fork")
    gun, words = processes.Barrier(RACERS), processes.SimpleQueue()

    end = start + dt.timedelta(hours=1)
    # Signed in one after the other beforehand: the race is about the slot.
    wishes = [side.racer(PEOPLE_BEFORE_RACERS + n, machine, start, end) for n in range(1, RACERS + 1)]

    def run(ask: Callable[[], bool]) -> None:
        try:
            side.held(machine, start)  # the connection is there before the start
            gun.wait(START_LIMIT_S)
            words.put("granted" if ask() else "refused")
        except Exception as error:
            words.put(f"failed: {type(error).__name__}")

    side.forget_connections()
    runners = [processes.Process(target=run, args=(wish,)) for wish in wishes]
    for runner in runners:
        runner.start()
    heard = [words.get() for _ in runners]
    for runner in runners:
        runner.join()
    counts = {word: heard.count(word) for word in ("granted", "refused")}
    return counts | {"failed": RACERS - sum(counts.values()), "held": side.held(machine, start)}


def main(side: Side) -> None:
    """`seed`, `measure` or `race`; what was found is written to a file as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=("seed", "measure", "race"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=0)
    asked = parser.parse_args()
    if asked.action == "seed":
        side.seed(asked.file)
        return
    act = measure if asked.action == "measure" else race
    asked.file.write_text(json.dumps(act(side, asked.count)))

"""Simulated machines for the chaos: each writes down by the true clock what it did, whatever its own clock says."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from iot.agent.client import Agent
from iot.agent.outbox import Outbox
from tests.iot.lab_processes import HASTY, Tally

OLDER = dt.timedelta(milliseconds=10)
BUSY_W, IDLE_W = 900, 3
VALUES_PER_SAMPLE = 2
DAYS = dt.timedelta(days=3)
STEP = dt.timedelta(hours=-2)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Every second clock is right; the others are wrong in each way there is.
CLOCKS = ("right", "ahead", "right", "behind", "right", "steps back", "right", "none")


@dataclass(frozen=True)
class Pace:
    """A reading each `every_s`; busy and idle in turn, for `phase_s` (least, most) each."""

    every_s: float
    phase_s: tuple[float, float]


class DeviceClock:
    """What the device takes for the time; `told_at` is the true instant of the last answer to this thread."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        now = dt.datetime.now(dt.UTC)
        self.off_by = {"ahead": DAYS, "behind": -DAYS, "none": EPOCH - now}.get(kind, dt.timedelta(0))
        self._answers = threading.local()

    def __call__(self) -> dt.datetime:
        self._answers.told_at = dt.datetime.now(dt.UTC)
        return self._answers.told_at + self.off_by

    @property
    def told_at(self) -> dt.datetime:
        return self._answers.told_at

    def jump(self) -> None:
        """Midway through the run: one that steps back does so now."""
        if self.kind == "steps back":
            self.off_by += STEP


@dataclass
class Span:
    """One use by the true clock."""

    start: dt.datetime
    end: dt.datetime | None = None


@dataclass
class Player:
    """One machine and its agent. A metered one tells its power only; the other tells each change as well."""

    name: str
    make_agent: Callable[[], Agent]
    clock: DeviceClock
    rng: Random
    pace: Pace
    is_metered: bool
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    is_busy: bool = False
    spans: list[Span] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    turned_at: dt.datetime | None = None
    phase_s: float = 0.0
    last_at: dt.datetime | None = None
    _is_here: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.agent = self.make_agent()

    def restart(self) -> None:
        """The agent ends and a new run of it takes up what the outbox holds; meanwhile nobody watches the machine."""
        with self._is_here:
            self.agent.stop()
            self.tallies |= self.tally()
            self.agent.outbox.close()
            self.agent = self.make_agent()
            self.agent.start()

    def tick(self, *, is_ending: bool) -> None:
        """Go on as before or turn, and tell; nothing while the agent restarts."""
        if self._is_here.acquire(blocking=False):
            try:
                self._go_on(is_ending=is_ending)
            finally:
                self._is_here.release()

    def _go_on(self, *, is_ending: bool) -> None:
        if self._is_time() and (self.is_busy or not is_ending):
            self._turn()
        power_w = BUSY_W if self.is_busy else IDLE_W
        older = {"age_ms": OLDER // dt.timedelta(milliseconds=1), "power_w": power_w, "energy_wh": 1.0}
        self.agent.reading([older, {"power_w": power_w, "energy_wh": 1.0}])
        self.last_at = self.clock.told_at
        if self.turned_at is None:
            # By power the use began, or ended, with the first sample that shows it.
            self._note(self.last_at - OLDER)

    def is_at_rest(self) -> bool:
        """The last use is over for so long that power alone shows it."""
        return not self.is_busy and self._shown_s() >= self.pace.phase_s[0]

    def tally(self) -> dict[tuple[str, str], Tally]:
        """What each run of the agent made, by device and boot."""
        counts = self.agent.counts
        this_run = Tally(counts.messages, counts.samples * VALUES_PER_SAMPLE)
        return self.tallies | {(self.name, self.agent.outbox.boot): this_run}

    def _is_time(self) -> bool:
        """By what was told, not by the clock on the wall: on a busy machine a whole phase might pass untold."""
        return self._shown_s() >= self.phase_s

    def _shown_s(self) -> float:
        return (self.last_at - self.turned_at).total_seconds() if self.last_at and self.turned_at else 0.0

    def _turn(self) -> None:
        # The very first turn is to idle: a machine begins at rest.
        self.is_busy = not self.is_busy if self.last_at else False
        self.phase_s = self.rng.uniform(*self.pace.phase_s)
        self.turned_at = None
        if not self.is_metered:
            self.agent.event("busy" if self.is_busy else "idle")
            self.events.append("busy" if self.is_busy else "idle")
            self._note(self.clock.told_at)

    def _note(self, at: dt.datetime) -> None:
        self.turned_at = at
        if self.is_busy:
            self.spans.append(Span(at))
        elif self.spans:
            self.spans[-1].end = at


def make_player(number: int, *, folder: Path, port: int, password: str, seed: int, pace: Pace) -> Player:
    """The device of this number, not yet started; its outbox is a file in the folder."""
    name = name_of(number)
    clock = DeviceClock(CLOCKS[number % len(CLOCKS)])

    def make_agent() -> Agent:
        return Agent(name, "127.0.0.1", port, password, Outbox(folder / name), timing=HASTY, now=clock)

    # Of each kind of clock some are metered.
    is_metered = number // len(CLOCKS) % 2 == 1
    return Player(name, make_agent, clock, Random(f"{seed}-{number}"), pace, is_metered)


def name_of(number: int) -> str:
    return f"player-{number}"

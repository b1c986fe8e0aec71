"""What the supervisor starts and keeps: services that stay, steps that run to their end."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fablab.up.children import Child, ChildSpec, last_words, start_child
from fablab.up.errors import CannotStart

Pause = Callable[[float], None]
POLL_S = 0.05
# What is stopped while it mends itself begins anew the next time: it is given up only when it cannot come to an end.
BUSY_MOST_S = 3600.0


class Service(Protocol):
    """Something that runs until it is asked to stop."""

    name: str
    child: Child | None  # None until the first launch
    at_work: str  # a sentence about what it must finish before it can answer; "" when there is no such thing

    def launch(self) -> None:
        """Start the process and return at once; raises CannotStart."""

    def is_ready(self) -> bool:
        """Whether it answers; raises CannotStart when it never will."""

    def kill(self) -> None:
        """End it and its group at once; also tidies up after one that has ended by itself."""


@dataclass(frozen=True)
class Stage:
    """Services that start together; the next stage waits until all of them answer."""

    name: str
    services: Sequence[Service]
    ready_timeout_s: float = 60


@dataclass(frozen=True)
class Step:
    """A command that runs to its end before the next stage; skipped when not needed."""

    name: str
    sentence: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path | None = None
    is_needed: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Condition:
    """What must be true before the next stage; `require` raises CannotStart."""

    name: str
    require: Callable[[], None]


Part = Stage | Step | Condition


class ProcessService:
    """A service that is one child process."""

    def __init__(
        self,
        name: str,
        spec: Callable[[], ChildSpec],
        *,
        answers: Callable[[], bool] | None = None,
        ready_file: Path | None = None,
        settled_after_s: float = 1.0,
    ) -> None:
        """`spec` is asked again at each launch.

        Ready means: `answers()` when given; else `ready_file` exists, or it has lived for `settled_after_s`.
        """
        self.name = name
        self._spec = spec
        self._answers = answers
        self._ready_file = ready_file
        self._settled_after_s = settled_after_s
        self._launched_at_s = 0.0
        self.child: Child | None = None
        self.at_work = ""

    def launch(self) -> None:
        if self._ready_file:
            self._ready_file.unlink(missing_ok=True)
        self.child = start_child(self._spec())
        self._launched_at_s = time.monotonic()

    def is_ready(self) -> bool:
        if self.child is None or self.child.poll() is not None:
            raise died_early(self.name, self.child)
        if self._answers:
            return self._answers()
        if self._ready_file and self._ready_file.exists():
            return True
        return time.monotonic() - self._launched_at_s >= self._settled_after_s

    def kill(self) -> None:
        if self.child:
            self.child.kill()


def died_early(name: str, child: Child | None) -> CannotStart:
    """The refusal for a process that ended before it was ready, with the last line of its log."""
    log_file = child.spec.log_file if child else None
    code = child.poll() if child else None
    words = last_words(log_file)
    said = f': "{words}"' if words else f" with code {code}"
    where = f" Its log: {log_file}" if log_file else ""
    return CannotStart(f"{name} stopped while starting{said}.{where}")


def wait_until_ready(
    services: Sequence[Service], timeout_s: float, pause: Pause = time.sleep, say: Callable[[str], None] = print
) -> None:
    """Return once all of them answer. Whoever says what it is at work on is given more time; it is said once.

    Raises:
        CannotStart: one of them died or did not answer in time.
    """
    began_s = time.monotonic()
    deadline_s, said = began_s + timeout_s, set[str]()
    waiting = list(services)
    while waiting := [service for service in waiting if not service.is_ready()]:
        if busy := {service.at_work for service in waiting if service.at_work}:
            deadline_s = min(time.monotonic(), began_s + BUSY_MOST_S) + timeout_s
            for sentence in sorted(busy - said):
                say(sentence)
            said |= busy
        if time.monotonic() > deadline_s:
            names = ", ".join(service.name for service in waiting)
            raise CannotStart(f"{names} did not answer within {timeout_s:.0f} seconds. Read its log, then try again.")
        pause(POLL_S)

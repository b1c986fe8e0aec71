"""The agent: keeps what happened, sends it in order, and forgets it when the lab has it."""

import json
import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import VERSION
from .commands import Commands, Handler
from .link import Link, LinkRefused, Waker
from .outbox import Outbox, OutboxFull
from .server_time import ServerTime, boot_clock_s
from .state import State

log = logging.getLogger("fablab-agent")

FIRMWARE = f"fablab-agent {VERSION}"
SEQ_MOST = 2**63 - 1
# A roster of a large lab; more than this is not the lab's.
DOWN_MOST_BYTES = 512 * 1024


@dataclass(frozen=True)
class Timing:
    """How patient the agent is, in seconds; `window` is the most messages sent and not yet committed.

    `well_after_s`: after a failure that nobody foresaw, a connection that holds for so long is well again. With the
    longest wait before it, it must stay below the watchdog's two minutes.
    """

    heartbeat_s: float = 15.0
    resend_after_s: float = 5.0
    retry_least_s: float = 0.5
    retry_most_s: float = 30.0
    window: int = 200
    well_after_s: float = 30.0


@dataclass
class Counts:
    """What this agent made since its start; `resent` counts repeated sendings, `refused` a full outbox."""

    messages: int = 0
    samples: int = 0
    resent: int = 0
    refused: int = 0


def utc_now() -> datetime:
    return datetime.now(UTC)


def _nothing(*_told: Any) -> None:
    return


@dataclass
class Listeners:
    """Who is told what the lab says, in the agent's thread; each may take a moment, none may raise.

    `hello` adds to the first message of a run; `pulse` is called while the thread is well.
    """

    decision: Callable[[dict[str, Any]], None] = _nothing
    roster: Callable[[dict[str, Any]], None] = _nothing
    server_time: Callable[[], None] = _nothing
    pulse: Callable[[], None] = _nothing
    hello: Callable[[], dict[str, Any]] = dict


class Agent:
    """One device. `start()` and `stop()` its thread; the reporting methods may be called from any thread.

    Every reporting method returns once the message is in the outbox, connected or not.
    """

    def __init__(
        self,
        device: str,
        host: str,
        port: int,
        password: str,
        outbox: Outbox,
        *,
        is_tls: bool = False,
        ca_file: Path | None = None,
        capabilities: Sequence[str] = (),
        commands: Mapping[str, Handler] | None = None,
        listeners: Listeners | None = None,
        state: State | None = None,
        server_time: ServerTime | None = None,
        timing: Timing | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.device = device
        self.outbox = outbox
        self.counts = Counts()
        self._address = (host, port, password)
        self._tls: dict[str, Any] = {"is_tls": is_tls, "ca_file": ca_file}
        self._capabilities = list(capabilities)
        self._commands = Commands(commands or {}, state)
        self._listeners = listeners or Listeners()
        self.server_time = server_time or ServerTime()
        self.timing = timing or Timing()
        self._now = now
        self._started_s = boot_clock_s()
        self._stopping = threading.Event()
        self._waker = Waker()
        self._thread: threading.Thread | None = None
        self._counting = threading.Lock()
        self._sent_to = 0  # position in the outbox, of this connection
        self._most_sent = 0
        self._progress_s = 0.0
        # By something that nobody foresaw, and nothing has gone well since.
        self._is_failing = False
        self.is_connected = False

    def start(self) -> None:
        """Say hello and keep the connection until `stop`."""
        self.hello()
        for answer in self._commands.untold():
            self._acknowledge(answer)
        self._thread = threading.Thread(target=self._run, name=f"agent-{self.device}", daemon=True)
        self._thread.start()

    def obeys(self, commands: Mapping[str, Handler]) -> None:
        """Know these orders, by name; before `start`."""
        self._commands.learn(commands)

    def hello(self) -> None:
        """Say what this device is; again whenever its settings changed."""
        known = {"firmware": FIRMWARE, "capabilities": self._capabilities, "config_version": 0}
        self._keep("hello", known | self._listeners.hello())

    def stop(self) -> None:
        """Say goodbye, hang up and wait for the thread; what is unsent stays in the outbox."""
        self._stopping.set()
        self._waker.wake()
        if self._thread:
            self._thread.join(15)
        self._waker.close()
        self._commands.close()

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def event(self, event: str, *, reason: str = "", job_id: str = "", session_id: str = "") -> None:
        """Report something that happened at the machine; the names are those of the protocol."""
        told = {"event": event, "reason": reason, "job_id": job_id}
        self._keep("event", told | ({"session_id": session_id} if session_id else {}))

    def reading(self, samples: Sequence[Mapping[str, float]]) -> None:
        """Report measured values, oldest first, each `age_ms` before now; at most 500 at a time."""
        self._keep("reading", {"samples": [dict(sample) for sample in samples]}, samples=len(samples))

    def access(
        self,
        credential: str,
        kind: str = "badge",
        *,
        request_id: str = "",
        decided: str = "",
        session_id: str = "",
        roster_version: int = 0,
    ) -> str:
        """Report a badge or code and return the request id that the decision will carry.

        `decided` ("allowed", "denied") says that the roster did decide; the lab then only writes it down.
        """
        request_id = request_id or secrets.token_hex(8)
        told: dict[str, Any] = {"request_id": request_id, "credential": credential, "kind": kind}
        if decided:
            told |= {"decided": decided, "session_id": session_id, "roster_version": roster_version}
        self._keep("access", told)
        return request_id

    def _keep(self, leaf: str, data: dict[str, Any], *, samples: int = 0) -> None:
        # Timed, numbered and counted in one go: two threads must not give the later number the earlier time.
        with self._counting:
            try:
                self.outbox.add(leaf, data, self._timestamp(), self._uptime_s())
            except OutboxFull as error:
                if not self.counts.refused:
                    log.error("%s: the outbox is full, nothing more is kept: %s", self.device, error)
                self.counts.refused += 1
                return
            self.counts.messages += 1
            self.counts.samples += samples
        self._waker.wake()

    def _run(self) -> None:
        wait_s, is_loss_logged = self.timing.retry_least_s, False
        while not self._stopping.is_set():
            self._pulse()
            try:
                with self._connected() as link:
                    is_loss_logged = False
                    if not self._is_failing:
                        wait_s = self.timing.retry_least_s
                    self._serve(link)
                self._is_failing, wait_s = False, self.timing.retry_least_s
            except (OSError, LinkRefused) as error:
                self._is_failing = False
                if not is_loss_logged:
                    log.warning("%s: not connected: %s", self.device, error)
                is_loss_logged = True
            except Exception:
                # Ended, the agent would let its relay drop under a machine that works.
                self._is_failing = True
                log.exception("%s: the connection failed in a way that nobody foresaw", self.device)
            # Unequal waits: after a power cut all devices of a lab return at once.
            self._stopping.wait(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            wait_s = min(wait_s * 2, self.timing.retry_most_s)

    @contextmanager
    def _connected(self) -> Iterator[Link]:
        link = Link(self.device, f"{self.device}-{self.outbox.boot}", self._waker)
        try:
            link.open(*self._address, **self._tls)
            log.info("%s: connected", self.device)
            yield link
        finally:
            self.is_connected = False
            link.close(farewell={"state": "offline"})

    def _pulse(self) -> None:
        """Silent while it fails: what fails again and again is to look hung, so that the watchdog begins it anew."""
        if not self._is_failing:
            self._listeners.pulse()

    def _serve(self, link: Link) -> None:
        self._sent_to = 0
        self.is_connected = True
        heartbeat_due_s = 0.0
        well_at_s = time.monotonic() + self.timing.well_after_s
        while link.is_up and not self._stopping.is_set():
            if time.monotonic() >= well_at_s:
                self._is_failing = False
            self._pulse()
            if time.monotonic() >= heartbeat_due_s:
                link.publish_status(self._status())
                heartbeat_due_s = time.monotonic() + self.timing.heartbeat_s
            self._send_waiting(link)
            link.step(min(1.0, self.timing.heartbeat_s))
            while link.received:
                self._obey(*link.received.popleft())

    def _send_waiting(self, link: Link) -> None:
        in_flight = self.outbox.waiting(up_to=self._sent_to)
        if in_flight and time.monotonic() - self._progress_s > self.timing.resend_after_s:
            # The broker took them, but the lab never said that they are committed. It may have missed our sign of
            # life as well, without which it must believe our clock.
            link.publish_status(self._status())
            self._sent_to, in_flight = 0, 0
        if not in_flight:
            self._progress_s = time.monotonic()
        room = self.timing.window - in_flight
        for message in self.outbox.pending_of_oldest_run(after=self._sent_to, limit=room) if room > 0 else ():
            link.publish(message.leaf, message.payload())
            self._sent_to = message.position
            if message.position <= self._most_sent:
                self.counts.resent += 1
            self._most_sent = max(self._most_sent, message.position)

    def _obey(self, leaf: str, payload: bytes) -> None:
        try:
            told = json.loads(payload) if len(payload) <= DOWN_MOST_BYTES else None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            log.warning("%s: a malformed %s from the lab was ignored", self.device, leaf)
            return
        # Not a roster's: the broker keeps it, so that it may be days old when it comes.
        if leaf in ("ack", "decision", "command") and self.server_time.hear(told.get("server_at")):
            self._listeners.server_time()
        if leaf == "ack":
            self._forget(told)
        elif leaf == "decision":
            self._listeners.decision(told)
        elif leaf == "roster":
            self._listeners.roster(told)
        elif leaf == "command":
            # Its end is by the lab's clock; our own may be wrong by days.
            answer = self._commands.answer(told, self.server_time.now() or self._now())
            if answer:
                self._acknowledge(answer)

    def _acknowledge(self, answer: dict[str, Any]) -> None:
        self._keep("ack", answer)
        self._commands.told(answer["command_id"])

    def _forget(self, told: dict[str, Any]) -> None:
        boot, seq = told.get("boot"), told.get("seq")
        if not isinstance(boot, str) or not isinstance(seq, int) or not 0 < seq <= SEQ_MOST:
            return
        if self.outbox.forget(boot, seq):
            self._progress_s = time.monotonic()

    def _status(self) -> dict[str, Any]:
        return {
            "state": "online",
            "boot": self.outbox.boot,
            "at": self._timestamp(),
            "uptime_s": self._uptime_s(),
        }

    def _timestamp(self) -> str:
        return self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _uptime_s(self) -> float:
        return round(boot_clock_s() - self._started_s, 3)

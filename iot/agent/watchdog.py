"""Sees to it that an agent that hangs is started again: by systemd, and by itself where there is none."""

import contextlib
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger("fablab-agent")

# A name that is looked up may take a minute, a connection another ten seconds.
HANGS_AFTER_S = 120.0
HUNG_EXIT_CODE = 70


class Pulses:
    """Each thread that must stay alive beats under its name."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._beats: dict[str, float] = {}

    def beat(self, name: str) -> None:
        self._beats[name] = self._clock_s()

    def hung(self, after_s: float = HANGS_AFTER_S) -> list[str]:
        """Which did not beat for so long."""
        now_s = self._clock_s()
        return sorted(name for name, at_s in self._beats.copy().items() if now_s - at_s > after_s)


class Watchdog:
    """A thread of its own: it tells systemd while all beat, and ends the process when one does not."""

    def __init__(
        self,
        pulses: Pulses,
        *,
        every_s: float = 10.0,
        hangs_after_s: float = HANGS_AFTER_S,
        notify: Callable[[str], None] | None = None,
        on_hang: Callable[[], None] | None = None,
    ) -> None:
        self._pulses = pulses
        self._every_s = every_s
        self._hangs_after_s = hangs_after_s
        self._notify = notify or notify_systemd
        self._on_hang = on_hang or _exit_at_once
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        self._notify("READY=1")
        self._thread.start()

    def stop(self) -> None:
        self._notify("STOPPING=1")
        self._stopping.set()
        self._thread.join(1)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            if hung := self._pulses.hung(self._hangs_after_s):
                log.critical("Hangs: %s. The agent ends, to be started again.", ", ".join(hung))
                self._on_hang()
                return
            self._notify("WATCHDOG=1")


def notify_systemd(line: str, environ: Mapping[str, str] = os.environ) -> None:
    """Tell systemd (`Type=notify`); nothing where it did not start us."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    # An @ stands for the zero byte of Linux's abstract addresses.
    address = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(line.encode(), address)


def _exit_at_once() -> None:
    # Not sys.exit: that would wait for the very thread that hangs.
    if sys.stderr:
        sys.stderr.flush()
    os._exit(HUNG_EXIT_CODE)

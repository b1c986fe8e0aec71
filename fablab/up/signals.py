"""Signals as something to wait for: nothing is interrupted half-way, and waiting costs no processor time."""

import os
import select
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from fablab.up.errors import StopRequested

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SignalWatch:
    """Counts requests to stop while it is open, and wakes a pause when one comes or a child ends."""

    def __init__(self) -> None:
        self.stop_count = 0
        self._former: dict[signal.Signals, Callable[..., Any] | int | None] = {}

    def __enter__(self) -> "SignalWatch":
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        self._former_wakeup_fd = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in STOPPING:
            # A process started by nohup ignores the hang-up, and shall go on doing so.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._note_stop)
        # Only a signal with a handler wakes the pipe.
        self._former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._note_child)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._former_wakeup_fd)
        os.close(self._reading)
        os.close(self._writing)

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_count += 1

    def _note_child(self, number: int, frame: FrameType | None) -> None:
        """A child ended: the pipe has been written to, nothing else to do."""

    def pause(self, seconds: float) -> None:
        """Wait until a signal comes or the time is over.

        Raises:
            StopRequested: the person asked to stop, now or before.
        """
        self.doze(seconds)
        if self.stop_count:
            raise StopRequested

    def doze(self, seconds: float) -> None:
        """Wait until a signal comes or the time is over, without raising."""
        if select.select([self._reading], [], [], max(0.0, seconds))[0]:
            os.read(self._reading, 512)

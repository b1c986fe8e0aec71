"""A laptop or a public PC: locking it is its relay, a program that shows a sentence its display."""

import logging

from ..config import Seat
from ..hooks import HookFailed, run_hook
from . import HardwareError

log = logging.getLogger("fablab-agent")


class ScreenLock:
    """On is unlocked. The screen's real state is not read: nothing of the person's session is."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        # Said to be on, the station locks it when it starts without a session.
        self.is_on = seat.is_locked_when_free

    def switch(self, is_on: bool) -> None:
        try:
            run_hook(self._seat.unlock_command if is_on else self._seat.lock_command)
        except HookFailed as error:
            raise HardwareError(str(error)) from error
        self.is_on = is_on

    def close(self) -> None:
        return


class WarningHook:
    """Runs the warning program for what is to be noticed, and nothing for the rest."""

    def __init__(self, seat: Seat) -> None:
        self._command = seat.warn_command

    def show(self, text: str, *, is_alert: bool = False) -> None:
        if not is_alert:
            return
        try:
            run_hook(self._command, {"text": text})
        except HookFailed as error:
            log.error("The warning could not be shown: %s", error)

    def close(self) -> None:
        return

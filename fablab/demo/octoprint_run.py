"""Brings up the demo's OctoPrint without holding the rest back, and takes it down at once."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from fablab.up.children import Child, ChildSpec, last_words, start_child
from fablab.up.errors import CannotStart
from printing.octoprint_server import OctoPrintServer, OctoPrintServerError

# An environment that is there already answers sooner than that.
SAY_AFTER_S = 3.0
GIVE_UP_AFTER_S = 120.0


class OctoPrintRun:
    """Installed by a child process, then started; `step` moves it on and never waits.

    All of it from the main thread: Linux ends a tied process with the thread that started it.
    """

    def __init__(self, server: OctoPrintServer, log_file: Path, report: Callable[[str], object]) -> None:
        self.server = server
        self._log_file = log_file
        self._report = report
        self._installer: Child | None = None
        self._began_s = time.monotonic()
        self._step: Callable[[], None] = self._begin
        self._is_said = False

    def step(self) -> None:
        """Do what is next, if it is time."""
        try:
            self._step()
        except (CannotStart, OctoPrintServerError) as error:
            self._give_up(str(error))

    def stop(self) -> None:
        """End the installation with all that it started, or the server, at once."""
        if self._installer is not None:
            self._installer.kill()
        self.server.kill()

    def _begin(self) -> None:
        argv = (sys.executable, "-m", "printing.octoprint_server", "--install")
        self._installer = start_child(
            ChildSpec("octoprint-install", argv, cwd=Path(__file__).parents[2], log_file=self._log_file)
        )
        self._began_s = time.monotonic()
        self._step = self._install

    def _install(self) -> None:
        assert self._installer is not None
        code = self._installer.poll()
        if code is None:
            if not self._is_said and time.monotonic() - self._began_s > SAY_AFTER_S:
                self._is_said = True
                self._report("OctoPrint is being installed (once, about 90 seconds) …")
            return
        self._installer = None
        if code != 0:
            self._give_up(last_words(self._log_file))
            return
        self.server.start(wait_s=0)
        self._began_s = time.monotonic()
        self._step = self._wait

    def _wait(self) -> None:
        if self.server.is_ready():
            self._report(f"OctoPrint answers on {self.server.url}")
            self._step = self._rest
        elif time.monotonic() - self._began_s > GIVE_UP_AFTER_S:
            self._give_up(f"it does not answer, see {self.server.log_path}")

    def _rest(self) -> None:
        """Nothing is left to do."""

    def _give_up(self, why: str) -> None:
        self._report(f"OctoPrint is not available, so its printer shows no news: {why}")
        self._step = self._rest

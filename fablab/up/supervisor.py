"""Starts a plan in order, keeps it running, stops it in reverse."""

import signal
import time
from collections.abc import Callable, Sequence

from fablab.up.children import ChildSpec, start_child
from fablab.up.errors import CannotStart, StopRequested
from fablab.up.restarts import Restarts
from fablab.up.signals import SignalWatch
from fablab.up.stages import POLL_S, Condition, Part, Service, Step, wait_until_ready

STOP_TIMEOUT_S = 10.0
# The first stage (the database) is stopped last and must not be killed because the others took all the time.
KEPT_FOR_FIRST_S = 3.0
LONGEST_PAUSE_S = 1.0


def say_line(sentence: str) -> None:
    print(sentence, flush=True)


class Keeper:
    """Watches one service and starts it again after a crash, later each time."""

    def __init__(self, service: Service, say: Callable[[str], None]) -> None:
        self.service = service
        self._say = say
        self._restarts = Restarts()
        self._launched_at_s = time.monotonic()
        self._due_at_s: float | None = None

    def launch(self) -> None:
        self._due_at_s = None
        self._launched_at_s = time.monotonic()
        self.service.launch()

    def tend(self, now_s: float) -> float:
        """Note a crash, or start again when it is time; returns the seconds until the next look is due."""
        if self._due_at_s is None:
            code = self.service.child.poll() if self.service.child else None
            if code is None:
                return LONGEST_PAUSE_S
            self._plan_restart(now_s, _ending(code))
        elif now_s >= self._due_at_s:
            self._restart(now_s)
        return max(0.0, self._due_at_s - now_s) if self._due_at_s is not None else LONGEST_PAUSE_S

    def _restart(self, now_s: float) -> None:
        try:
            self.launch()
        except CannotStart as error:
            self._plan_restart(now_s, str(error))

    def _plan_restart(self, now_s: float, reason: str) -> None:
        delay_s = self._restarts.delay_after(now_s - self._launched_at_s)
        self._due_at_s = now_s + delay_s
        self._say(f"{self.service.name} stopped ({reason}); starting it again in {delay_s:g} s.")


class Supervisor:
    """One run of a plan, from the first start to the last stop."""

    def __init__(
        self,
        plan: Sequence[Part],
        *,
        when_open: str | Callable[[], str] = "",
        say: Callable[[str], None] = say_line,
        stop_timeout_s: float = STOP_TIMEOUT_S,
    ) -> None:
        """`when_open` is said, and when it is a function asked, once everything answers."""
        self._plan = plan
        self._when_open = when_open
        self._say = say
        self._stop_timeout_s = stop_timeout_s
        self._open_stages: list[list[Keeper]] = []

    def run(self) -> int:
        """Run until asked to stop (SIGINT, SIGTERM, SIGHUP); returns the exit code.

        Side effects in order: stages and steps start, each once the one before answers; crashed services are
        started again; on a request to stop, or when something cannot start, all is stopped in reverse.
        A second request to stop kills.
        """
        with SignalWatch() as signals:
            try:
                for part in self._plan:
                    self._open(part, signals)
                if words := self._when_open() if callable(self._when_open) else self._when_open:
                    self._say(words)
                self._watch(signals)
            except StopRequested:
                self._say("Closing.")
                return 0
            except CannotStart as error:
                self._say(str(error))
                return 1
            finally:
                self._close(signals)
        return 0

    def _open(self, part: Part, signals: SignalWatch) -> None:
        if isinstance(part, Step):
            self._run_step(part, signals)
            return
        if isinstance(part, Condition):
            part.require()
            return
        began_s = time.monotonic()
        keepers = [Keeper(service, self._say) for service in part.services]
        self._open_stages.append(keepers)
        for keeper in keepers:
            keeper.launch()
        wait_until_ready(part.services, part.ready_timeout_s, signals.pause, self._say)
        self._say(f"{part.name}: ready ({time.monotonic() - began_s:.1f} s).")

    def _run_step(self, step: Step, signals: SignalWatch) -> None:
        if not step.is_needed():
            return
        self._say(step.sentence)
        child = start_child(ChildSpec(name=step.name, argv=step.argv, env=step.env, cwd=step.cwd))
        try:
            while (code := child.poll()) is None:
                signals.pause(POLL_S)
        finally:
            child.kill()
        if code:
            raise CannotStart(f"{step.name} failed ({_ending(code)}): the lines above say why.")

    def _watch(self, signals: SignalWatch) -> None:
        keepers = [keeper for stage in self._open_stages for keeper in stage]
        while True:
            now_s = time.monotonic()
            signals.pause(min([LONGEST_PAUSE_S, *(keeper.tend(now_s) for keeper in keepers)]))

    def _close(self, signals: SignalWatch) -> None:
        deadline_s = time.monotonic() + self._stop_timeout_s
        requests_before = signals.stop_count
        while self._open_stages:
            services = [keeper.service for keeper in self._open_stages.pop()]
            others = len(self._open_stages)
            left_s = deadline_s - time.monotonic()
            share_s = (left_s - KEPT_FOR_FIRST_S) / others if others else left_s
            children = [service.child for service in services if service.child]
            for child in children:
                child.request_stop()
            stage_deadline_s = time.monotonic() + max(share_s, 0.2)
            while any(child.poll() is None for child in children):
                if time.monotonic() > stage_deadline_s or signals.stop_count > requests_before:
                    break
                signals.doze(POLL_S)
            for service in services:
                service.kill()


def _ending(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"

"""A machine without wires: for tests, and to try the agent on any computer."""

import logging
from collections.abc import Callable

from . import HardwareError, nobody_types

log = logging.getLogger("fablab-agent")


class SimulatedRelay:
    """Remembers each switching in `switched`; `is_stuck` is a relay that does not answer."""

    def __init__(self, *, is_on: bool = False) -> None:
        self.is_on = is_on
        self.is_stuck = False
        self.is_closed = False
        self.switched: list[bool] = []

    def switch(self, is_on: bool) -> None:
        if self.is_stuck:
            raise HardwareError("The relay is stuck.")
        self.is_on = is_on
        self.switched.append(is_on)
        log.info("relay: %s", "on" if is_on else "off")

    def close(self) -> None:
        self.is_closed = True


class SimulatedInput:
    def __init__(self, *, is_active: bool = False) -> None:
        self.is_active = is_active
        self._calls: list[Callable[[], None]] = []

    def on_change(self, call: Callable[[], None]) -> None:
        self._calls.append(call)

    def turn(self, is_active: bool) -> None:
        """As the contact would."""
        self.is_active = is_active
        for call in self._calls:
            call()

    def close(self) -> None:
        self._calls.clear()


class SimulatedButton:
    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []

    def on_press(self, call: Callable[[], None]) -> None:
        self._calls.append(call)

    def press(self) -> None:
        for call in self._calls:
            call()

    def close(self) -> None:
        self._calls.clear()


class SimulatedReader:
    def __init__(self) -> None:
        self.close()

    def start(self, on_badge: Callable[[str], None], on_code: Callable[[str], None] = nobody_types) -> None:
        self._on_badge, self._on_code = on_badge, on_code

    def tap(self, badge: str) -> None:
        self._on_badge(badge)

    def type(self, code: str) -> None:
        self._on_code(code)

    def close(self) -> None:
        self._on_badge = self._on_code = nobody_types


class SimulatedDisplay:
    """`shown` is what stands there; `alerts` all that was to be noticed."""

    def __init__(self) -> None:
        self.shown = ""
        self.alerts: list[str] = []

    def show(self, text: str, *, is_alert: bool = False) -> None:
        self.shown = text
        if is_alert:
            self.alerts.append(text)
        log.info("display: %s", text)

    def close(self) -> None:
        self.shown = ""

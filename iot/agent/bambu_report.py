"""What of a Bambu printer's report goes on to the lab, and how often: no file names, no accounts, no pictures.

Source: Doridian/OpenBambuAPI mqtt.md. An X1 repeats the whole every second, a P1 or A1 says what changed.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

# A whole report with a full AMS has about 20 KiB.
REPORT_MOST_BYTES = 256 * 1024
NUMBERS = ("nozzle_temper", "mc_percent")
EVERY_S = 5.0
# Without news a sign of life: the lab calls a printer silent after two minutes.
ALIVE_EVERY_S = 30.0


def told_on(payload: bytes) -> dict[str, Any] | None:
    """State, heat and progress, as far as the report has them; None for what is no report of the printer's state."""
    try:
        report = json.loads(payload) if len(payload) <= REPORT_MOST_BYTES else None
    except (ValueError, RecursionError):
        return None
    printing = report.get("print") if isinstance(report, dict) else None
    if not isinstance(printing, dict) or printing.get("command") != "push_status":
        return None
    found = {name: printing[name] for name in NUMBERS if _is_number(printing.get(name))}
    state = printing.get("gcode_state")
    return found | ({"gcode_state": state} if isinstance(state, str) and re.fullmatch(r"[A-Z_]{1,20}", state) else {})


def _is_number(value: object) -> bool:
    """Also as text, as an X1 sends some of them."""
    if isinstance(value, str):
        return re.fullmatch(r"-?\d{1,4}(\.\d{1,6})?", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e4


class Pace:
    """Gathers what a printer says; `due` gives what to send by now. Knows no clock but the one it is given."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._known: dict[str, Any] = {}
        self._waiting: dict[str, Any] = {}
        self._is_heard = False
        self._has_turned = False
        self._sent_s = float("-inf")

    def hear(self, news: Mapping[str, Any]) -> None:
        self._is_heard = True
        for name, value in news.items():
            if self._known.get(name) != value:
                self._waiting[name] = self._known[name] = value
                self._has_turned = self._has_turned or name == "gcode_state"

    def forget(self) -> None:
        """The printer is away: what it said last is no longer true."""
        self._known, self._waiting, self._is_heard, self._has_turned = {}, {}, False, False

    def say_all_again(self) -> None:
        """The lab was away: it missed something."""
        self._waiting = dict(self._known)
        self._has_turned = bool(self._known)

    def due(self) -> bytes | None:
        """The next message: a change of state at once, other values every 5 s, a sign of life every 30 s."""
        rested_s = self._clock_s() - self._sent_s
        is_alive_due = self._is_heard and rested_s >= ALIVE_EVERY_S
        if not (self._has_turned or is_alive_due or (self._waiting and rested_s >= EVERY_S)):
            return None
        told = {"command": "push_status"} | self._waiting
        self._waiting, self._is_heard, self._has_turned = {}, False, False
        self._sent_s = self._clock_s()
        return json.dumps({"print": told}, separators=(",", ":")).encode()

"""What machines themselves tell about their use. The app that hears them registers how to ask; without it nobody
knows, and nothing is taken from anybody on silence alone."""

import datetime as dt
import enum
from collections.abc import Callable


class Use(enum.Enum):
    """What is known about a machine over a time."""

    USED = "used"
    # Heard of all along, and it stood still.
    IDLE = "idle"
    UNKNOWN = "unknown"


Witness = Callable[[int, dt.datetime, dt.datetime], Use]
_witnesses: list[Witness] = []


def bears_witness(function: Witness) -> Witness:
    """Register `function(machine key, start, end)`. One that saw use is believed before one that saw none."""
    _witnesses.append(function)
    return function


def use_of(machine_id: int, start: dt.datetime, end: dt.datetime) -> Use:
    """What is known about the machine over [start, end)."""
    told = {witness(machine_id, start, end) for witness in _witnesses}
    for answer in (Use.USED, Use.IDLE):
        if answer in told:
            return answer
    return Use.UNKNOWN

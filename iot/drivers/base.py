"""What a driver is: bytes → typed messages. No ORM, no clock, no state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from iot.protocol import Event, Reading


@dataclass(frozen=True, slots=True)
class Presence:
    """The device says, or its last will says for it, whether it is there."""

    is_online: bool


Observation = Presence | Event | Reading


class ForeignDriver(Protocol):
    """A device that is not ours. `topic` is the one set in the device."""

    def writes(self, topic: str) -> tuple[str, ...]:
        """The topic patterns on which this one device publishes; the broker grants exactly these."""

    def reads(self, topic: str) -> tuple[str, ...]:
        """The topic patterns this one device listens to."""

    def parse(self, topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
        """The observations in one payload; none when it says nothing we use.

        Raises:
            MalformedMessage: it should say something and cannot be read.
        """

"""What a driver is: bytes → typed messages. No ORM, no clock, no state."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.utils.functional import Promise

from iot.protocol import Access, Event, Hello, Reading

# Where some makes, discovery and ourselves always speak: no name that somebody chose begins so.
OF_OTHERS = ("fablab", "homeassistant", "tele", "stat", "cmnd", "shellies", "device")
# What `Device.topic` accepts.
_FITS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]{0,99}")
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Presence:
    """The device says, or its last will says for it, whether it is there.

    Also false when what it reports for is out of its own reach: nobody knows then, and it never counts as idle.
    """

    is_online: bool


@dataclass(frozen=True, slots=True)
class Relay:
    """It lets power through, or not, where that tells nothing new of use: what an order to it is held against."""

    is_on: bool


# `Hello` with no firmware is a sign of life and nothing more.
Observation = Presence | Relay | Hello | Event | Reading | Access


@dataclass(frozen=True, slots=True)
class SetUp:
    """One thing to set on the device, in the device's own words, and why."""

    name: str
    value: str
    why: Words


@dataclass(frozen=True, slots=True)
class Seen:
    """A device that was seen on the broker and could be attached to a machine; `topic` is what its form asks for."""

    kind: str
    topic: str
    label: str
    model: str = ""

    @property
    def fits(self) -> bool:
        """Whether its topic can be granted to one device; otherwise it must be renamed on the device first."""
        return _FITS.fullmatch(self.topic) is not None


class Finder(Protocol):
    """What knows a device by its messages."""

    # Filters on which unknown devices show themselves.
    SEEN_ON: tuple[str, ...]

    def recognise(self, topic: str, payload: bytes) -> Sequence[Seen]:
        """The devices that a message on any topic gives away. Never raises."""


class ForeignDriver(Finder, Protocol):
    """A device that is not ours. `topic` is the one set in the device.

    Parsing keeps nothing: a payload that holds only what changed gives only that, and the reported state merges it.
    A meter's total is passed on as it stands; that it was reset is found where energy is added up.
    """

    KIND: str
    SET_UP: tuple[SetUp, ...]
    # When its meter's total starts again; empty when it has none.
    COUNTER: Words
    # How long it may say nothing while all is well: what `silent_after` should begin with.
    QUIET_FOR: dt.timedelta

    def writes(self, topic: str) -> tuple[str, ...]:
        """The topic patterns on which this one device publishes; the broker grants exactly these.

        None when no device of this kind can have that topic.
        """

    def reads(self, topic: str) -> tuple[str, ...]:
        """The topic patterns this one device listens to."""

    def parse(self, topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
        """The observations in one payload; none when it says nothing we use. `subtopic`: see `subtopic_of`.

        Raises:
            MalformedMessage: it should say something and cannot be read.
        """


def subtopic_of(base: str, topic: str) -> str:
    """What is left of a device's topic without its base: `relay/0` of `shellies/a/relay/0`, `tele/LWT` of `tele/a/LWT`.

    Empty for the base itself; the whole topic when it is not the device's own, such as its bridge's.
    """
    if topic == base:
        return ""
    if topic.startswith(f"{base}/"):
        return topic[len(base) + 1 :]
    before, found, after = topic.partition(f"/{base}/")
    return f"{before}/{after}" if found else topic

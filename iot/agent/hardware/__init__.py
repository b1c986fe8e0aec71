"""What may stand beside the agent, as interfaces. Simulated in `simulated`, on a Raspberry Pi in `gpio`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class HardwareError(Exception):
    """Something wired to this computer does not do what it should; the text says what, and what to look at."""


class Relay(Protocol):
    """Lets power through to a machine. A convenience, never a protective device."""

    @property
    def is_on(self) -> bool:
        """As read back from the hardware, not as it was commanded."""
        ...

    def switch(self, is_on: bool) -> None:
        """Raises: HardwareError."""
        ...

    def close(self) -> None: ...


class Input(Protocol):
    """A contact: a safety input, or the machine's own "I am running"."""

    @property
    def is_active(self) -> bool: ...

    def on_change(self, call: Callable[[], None]) -> None:
        """Call from any thread when it changes; what it is then, is read."""
        ...

    def close(self) -> None: ...


class Button(Protocol):
    def on_press(self, call: Callable[[], None]) -> None: ...

    def close(self) -> None: ...


def nobody_types(_code: str) -> None:
    """For a reader without keys."""


class BadgeReader(Protocol):
    def start(self, on_badge: Callable[[str], None], on_code: Callable[[str], None] = nobody_types) -> None:
        """Call with each badge's number in upper-case hexadecimal, or with the six digits of a phone's code where it
        has keys, from a thread of its own."""
        ...

    def close(self) -> None: ...


class Display(Protocol):
    def show(self, text: str, *, is_alert: bool = False) -> None:
        """Show this instead of what stood there; an alert is to be noticed. Never raises."""
        ...

    def close(self) -> None: ...


class NoDisplay:
    """Nothing shows anything."""

    def show(self, text: str, *, is_alert: bool = False) -> None:
        return

    def close(self) -> None:
        return


@dataclass(frozen=True)
class Hardware:
    """All that one machine has. `busy` None: nothing tells the agent whether it runs. `keypad`: where codes are typed,
    which may be the reader itself."""

    relay: Relay
    display: Display = field(default_factory=NoDisplay)
    button: Button | None = None
    reader: BadgeReader | None = None
    busy: Input | None = None
    safety: Mapping[str, Input] = field(default_factory=dict)
    keypad: BadgeReader | None = None

    def capabilities(self) -> list[str]:
        """Their names in the hello."""
        parts = {
            "relay": True,
            "badge": self.reader is not None,
            "keypad": self.keypad is not None,
            "button": self.button is not None,
            "display": not isinstance(self.display, NoDisplay),
            "busy_input": self.busy is not None,
            "safety_input": bool(self.safety),
        }
        return [name for name, is_there in parts.items() if is_there]

    def readers(self) -> list[BadgeReader]:
        """Where badges and codes come from, each once."""
        found = [part for part in (self.reader, self.keypad) if part is not None]
        return found[:1] if self.keypad is self.reader else found

    def close(self) -> None:
        """Let go of all of it; the relay last, as it was left."""
        for part in (*self.readers(), self.button, self.busy, *self.safety.values(), self.display, self.relay):
            if part is not None:
                part.close()

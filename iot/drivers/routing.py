"""Which device a topic belongs to: the patterns of all devices in one tree, walked level by level. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from iot.drivers.base import ForeignDriver, subtopic_of


@dataclass(frozen=True, slots=True)
class Route:
    """One device that speaks on a topic; `subtopic` is what its driver is handed."""

    slug: str
    kind: str
    base: str
    subtopic: str


@dataclass(slots=True)
class _Level:
    below: dict[str, "_Level"] = field(default_factory=dict)
    ends: list[tuple[str, str, str]] = field(default_factory=list)


class Router:
    """Made anew when the devices change. A topic may belong to several: a bridge's state to each of its plugs."""

    def __init__(self, devices: Iterable[tuple[str, str, str]], drivers: dict[str, ForeignDriver]) -> None:
        """`devices`: slug, kind and base topic of each; those without a driver are passed over."""
        self._top = _Level()
        self._filters: dict[str, None] = {}
        for slug, kind, base in devices:
            for pattern in drivers[kind].writes(base) if kind in drivers and base else ():
                self._filters[pattern] = None
                self._add(pattern, (slug, kind, base))

    def find(self, topic: str) -> tuple[Route, ...]:
        """The devices that this topic belongs to, in the order of their making; `#` stands in no pattern."""
        found: dict[tuple[str, str, str], None] = {}
        for device in self._walk(self._top, topic.split("/")):
            found[device] = None
        return tuple(Route(slug, kind, base, subtopic_of(base, topic)) for slug, kind, base in found)

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to: each pattern once."""
        return tuple(self._filters)

    def _add(self, pattern: str, device: tuple[str, str, str]) -> None:
        level = self._top
        for name in pattern.split("/"):
            level = level.below.setdefault(name, _Level())
        level.ends.append(device)

    def _walk(self, level: _Level, rest: list[str]) -> Iterator[tuple[str, str, str]]:
        if not rest:
            yield from level.ends
            return
        name, beyond = rest[0], rest[1:]
        # A topic that itself holds a wildcard is none.
        if name in ("+", "#"):
            return
        for step in (name, "+"):
            if step in level.below:
                yield from self._walk(level.below[step], beyond)

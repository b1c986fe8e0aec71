"""What came over the wire, sorted by whose it is. No ORM writes."""

import datetime as dt
from dataclasses import dataclass, field

from iot.broker.access import topic_matches
from iot.drivers import SEEN_ON, foreign_driver, router, seen_devices
from iot.drivers.base import Observation, Seen
from iot.drivers.routing import Route
from iot.models import Device, DriverKind
from iot.protocol import (
    MalformedMessage,
    Numbered,
    Reading,
    Status,
    parse_numbered,
    parse_status,
    parse_topic,
    peek_number,
)


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One MQTT message as received."""

    topic: str
    payload: bytes
    received_at: dt.datetime
    is_retained: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """One that cannot be used; `number` is its place in the numbering when that could still be read."""

    raw: RawMessage
    code: str
    detail: str
    device_slug: str = ""
    number: tuple[str, int] | None = None


@dataclass(slots=True)
class Sorted:
    """A batch by device slug."""

    statuses: list[tuple[str, Status, RawMessage]] = field(default_factory=list)
    numbered: list[tuple[str, Numbered, RawMessage]] = field(default_factory=list)
    foreign: list[tuple[str, Observation, RawMessage]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    @property
    def slugs(self) -> set[str]:
        rows = [*self.statuses, *self.numbered, *self.foreign]
        return {row[0] for row in rows} | {r.device_slug for r in self.rejected if r.device_slug}

    @property
    def is_values(self) -> bool:
        """Whether nothing but measured values is told by it."""
        return all(isinstance(message.data, Reading) for _, message, _ in self.numbered) and all(
            isinstance(observation, Reading) for _, observation, _ in self.foreign
        )


class Directory:
    """Which device speaks on which topic; kept in memory, asked anew when a name is unknown."""

    def __init__(self) -> None:
        self._router = router([])
        # What badge readers of other makes say: heard on the path of badges too.
        self.reader_filters: tuple[str, ...] = ()
        self._ours: set[str] = set()
        self.reload()

    def reload(self) -> None:
        rows = Device.objects.filter(revoked_at__isnull=True).values_list("slug", "kind", "topic")
        self._ours = {slug for slug, kind, _ in rows if kind == DriverKind.FABLAB}
        self._router = router(row for row in rows if row[1] != DriverKind.FABLAB)
        self.reader_filters = router(row for row in rows if row[1] == DriverKind.RFID).filters

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to for the devices that are not ours."""
        return self._router.filters

    def knows(self, slug: str) -> bool:
        return slug in self._ours

    def foreign(self, topic: str) -> tuple[Route, ...]:
        """The devices that speak on this topic: a bridge speaks for all of its plugs."""
        return self._router.find(topic)


def sort_batch(raws: list[RawMessage], directory: Directory) -> Sorted:
    """Every message read and put with its device, or rejected with a reason."""
    batch = Sorted()
    for raw in raws:
        try:
            if raw.topic.startswith("fablab/"):
                _sort_ours(raw, directory, batch)
            else:
                _sort_foreign(raw, directory, batch)
        except MalformedMessage as error:
            slug = slug_of(raw.topic, directory)
            number = peek_number(raw.payload) if slug else None
            batch.rejected.append(Rejected(raw, error.code, error.detail, slug, number))
    return batch


def _sort_ours(raw: RawMessage, directory: Directory, batch: Sorted) -> None:
    slug, leaf = parse_topic(raw.topic)
    if not directory.knows(slug):
        raise MalformedMessage("unknown_device", "No such device is enrolled.")
    if leaf == "status":
        batch.statuses.append((slug, parse_status(raw.payload), raw))
    else:
        batch.numbered.append((slug, parse_numbered(leaf, raw.payload), raw))


def _sort_foreign(raw: RawMessage, directory: Directory, batch: Sorted) -> None:
    routes = directory.foreign(raw.topic)
    if not routes:
        found = seen_devices([(raw.topic, raw.payload)])
        batch.seen.extend(found)
        # What is heard only to find devices concerns nobody here when it gives none away: others share the broker.
        if not found and not any(topic_matches(pattern, raw.topic) for pattern in SEEN_ON):
            raise MalformedMessage("unknown_device", "No device speaks on this topic.")
    for route in routes:
        for observation in foreign_driver(route.kind).parse(route.base, route.subtopic, raw.payload):
            batch.foreign.append((route.slug, observation, raw))


def slug_of(topic: str, directory: Directory) -> str:
    """The device whose topic this is, or an empty text."""
    if topic.startswith("fablab/"):
        parts = topic.split("/")
        return parts[2] if len(parts) > 2 and directory.knows(parts[2]) else ""
    routes = directory.foreign(topic)
    return routes[0].slug if routes else ""

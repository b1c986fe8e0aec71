"""Payload files of foreign devices, and the way from a topic and bytes to observations that the ingest takes."""

from collections.abc import Sequence
from pathlib import Path

from iot.drivers import FOREIGN, foreign_driver, router
from iot.drivers.base import Observation

PAYLOADS = Path(__file__).parent / "payloads"


def lines_of(kind: str, name: str) -> list[tuple[str, bytes]]:
    """`(topic, payload)` of each line of a file."""
    lines = (PAYLOADS / kind / f"{name}.txt").read_bytes().splitlines()
    parted = [line.partition(b" ") for line in lines if line and not line.startswith(b"#")]
    return [(topic.decode(), payload) for topic, _, payload in parted]


def files_of(kind: str) -> list[str]:
    return sorted(path.stem for path in (PAYLOADS / kind).glob("*.txt"))


def parse(kind: str, base: str, topic: str, payload: bytes) -> tuple[Observation, ...] | None:
    """What the one device makes of a message on a topic; None when the topic is not granted to it."""
    routes = router([("it", kind, base)]).find(topic)
    if not routes:
        return None
    return tuple(foreign_driver(kind).parse(base, routes[0].subtopic, payload))


def told(kind: str, base: str, name: str) -> list[tuple[Observation, ...] | None]:
    """What the device makes of each line of a file."""
    return [parse(kind, base, topic, payload) for topic, payload in lines_of(kind, name)]


KINDS: Sequence[str] = sorted(FOREIGN)

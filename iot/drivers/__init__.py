"""One file for each kind of device; `foreign_driver` finds it."""

from collections.abc import Iterable

from iot.drivers import bambu, esphome, homeassistant, moonraker, octoprint, rfid, shelly, tasmota, zigbee2mqtt
from iot.drivers.base import Finder, ForeignDriver, Seen
from iot.drivers.routing import Router

FOREIGN: dict[str, ForeignDriver] = {
    driver.KIND: driver for driver in (tasmota, shelly, zigbee2mqtt, esphome, octoprint, moonraker, bambu, rfid)
}
# Discovery finds devices of all kinds and is none itself.
FINDERS: tuple[Finder, ...] = (*FOREIGN.values(), homeassistant)
# What to listen to for a while to find devices that are not attached yet.
SEEN_ON: tuple[str, ...] = tuple(dict.fromkeys(topic for finder in FINDERS for topic in finder.SEEN_ON))


def foreign_driver(kind: str) -> ForeignDriver:
    """The driver of a device that is not ours.

    Raises:
        KeyError: no driver of that kind.
    """
    return FOREIGN[kind]


def router(devices: Iterable[tuple[str, str, str]]) -> Router:
    """Who speaks on which topic; `devices` are slug, kind and base topic of each that is not ours."""
    return Router(devices, FOREIGN)


def seen_devices(messages: Iterable[tuple[str, bytes]]) -> tuple[Seen, ...]:
    """The devices that these messages `(topic, payload)` give away, each once, by kind and topic.

    Of several labels the one that is not merely the topic wins. Never raises, whatever the messages hold.
    """
    known: dict[tuple[str, str], Seen] = {}
    for topic, payload in messages:
        for finder in FINDERS:
            for device in finder.recognise(topic, payload):
                place = (device.kind, device.topic)
                known[place] = _better(known.get(place, device), device)
    return tuple(known[place] for place in sorted(known))


def _better(one: Seen, other: Seen) -> Seen:
    """One device out of two sightings of it."""
    label = other.label if one.label == one.topic else one.label
    return Seen(one.kind, one.topic, label, one.model or other.model)

"""Home Assistant's MQTT discovery, outwards: our machines appear there, read only. Pure: it builds, others publish.

Source: home-assistant.io integrations/mqtt, sensor.mqtt, binary_sensor.mqtt. One announcement a thing (understood by
every version), values bare on topics of their own, so that no template is needed. No person, reservation or job is
told: whoever reads the broker learns what a visitor of the room sees.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from iot.drivers.base import Words
from iot.drivers.homeassistant import PREFIX

# Beside, not below, `fablab/v1`: no device of ours has a topic here.
ROOT = "fablab/state"
SERVER_TOPIC = f"{ROOT}/server"
ONLINE, OFFLINE = b"online", b"offline"
# What Home Assistant shows as “unknown” instead of a value.
NO_VALUE = b"None"
STATES = ("off", "idle", "busy", "fault")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Message:
    """To be published with QoS 1 and kept by the broker."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class MachineCard:
    """What is said about a machine itself. `url` leads to its page."""

    slug: str
    name: str
    model: str = ""
    room: str = ""
    url: str = ""
    has_meter: bool = False


@dataclass(frozen=True, slots=True)
class MachineNews:
    """What the machine last reported; `state` is None while nobody knows, and never idle then."""

    state: str | None
    is_reachable: bool
    power_w: float | None = None
    energy_wh: float | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """One value of a machine, as Home Assistant sorts it."""

    key: str
    component: str
    name: Words
    extra: dict[str, Any]
    needs_meter: bool = False


ON_OFF = {"payload_on": "ON", "payload_off": "OFF"}
THINGS = (
    Thing("state", "sensor", _("State"), {"device_class": "enum", "options": list(STATES)}),
    Thing("in_use", "binary_sensor", _("In use"), {"device_class": "running", **ON_OFF}),
    Thing("fault", "binary_sensor", _("Fault"), {"device_class": "problem", **ON_OFF}),
    Thing(
        "power", "sensor", _("Power"),
        {"device_class": "power", "state_class": "measurement", "unit_of_measurement": "W"}, needs_meter=True,
    ),
    Thing(
        # It may start again at zero: exactly what this class allows.
        "energy", "sensor", _("Energy"),
        {"device_class": "energy", "state_class": "total_increasing", "unit_of_measurement": "Wh"}, needs_meter=True,
    ),
)  # fmt: skip


def announcements(machine: MachineCard, *, version: str, prefix: str = PREFIX) -> tuple[Message, ...]:
    """What makes the machine appear, in the language that is active. A meter that it no longer has is taken back.

    Raises:
        ValueError: the slug or the prefix would not make a topic.
    """
    return tuple(
        Message(
            _config_topic(machine.slug, thing, prefix),
            b"" if thing.needs_meter and not machine.has_meter else _config(machine, thing, version),
        )
        for thing in THINGS
    )


def withdrawals(slug: str, *, prefix: str = PREFIX) -> tuple[Message, ...]:
    """What makes the machine disappear, with all that was kept about it. Raises: ValueError."""
    topics = [_config_topic(slug, thing, prefix) for thing in THINGS]
    topics += [_topic(slug, key) for key in (*(thing.key for thing in THINGS), "availability")]
    return tuple(Message(topic, b"") for topic in topics)


def news(slug: str, told: MachineNews) -> tuple[Message, ...]:
    """The machine's values. Raises: ValueError: no topic, or a state that was not announced."""
    if told.state is not None and told.state not in STATES:
        raise ValueError(f"{told.state!r} is not one of the announced states.")
    values = {
        "availability": ONLINE if told.is_reachable else OFFLINE,
        "state": NO_VALUE if told.state is None else told.state.encode(),
        "in_use": _flag(told.state, "busy"),
        "fault": _flag(told.state, "fault"),
        "power": _number(told.power_w),
        "energy": _number(told.energy_wh),
    }
    return tuple(Message(_topic(slug, key), value) for key, value in values.items())


def server_sign(*, is_online: bool) -> Message:
    """Whether somebody publishes at all; the last will of whoever does is the same with `False`."""
    return Message(SERVER_TOPIC, ONLINE if is_online else OFFLINE)


def writes(prefix: str = PREFIX) -> Sequence[str]:
    """What the server's own account must be granted."""
    return (f"{ROOT}/#", f"{prefix}/+/+/+/config")


def _config(machine: MachineCard, thing: Thing, version: str) -> bytes:
    device: dict[str, Any] = {"identifiers": [f"fablab_{machine.slug}"], "name": machine.name}
    device |= {"manufacturer": "fablab", "sw_version": version}
    optional = {"model": machine.model, "suggested_area": machine.room, "configuration_url": machine.url}
    device |= {name: value for name, value in optional.items() if value}
    body: dict[str, Any] = {
        "name": str(thing.name),
        "unique_id": f"fablab_{machine.slug}_{thing.key}",
        "state_topic": _topic(machine.slug, thing.key),
        # The machine is heard of, and so are we.
        "availability": [{"topic": SERVER_TOPIC}, {"topic": _topic(machine.slug, "availability")}],
        "availability_mode": "all",
        "device": device,
        "origin": {"name": "fablab", "sw_version": version},
        "qos": 1,
    }
    return msgspec.json.encode(body | thing.extra)


def _config_topic(slug: str, thing: Thing, prefix: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", prefix, re.ASCII):
        raise ValueError(f"{prefix!r} is not the beginning of a topic.")
    return f"{prefix}/{thing.component}/fablab_{_safe(slug)}/{thing.key}/config"


def _topic(slug: str, key: str) -> str:
    return f"{ROOT}/{_safe(slug)}/{key}"


def may_be_told(slug: str) -> bool:
    """Whether the machine's short name makes topics of its own: `server` is whether anybody publishes at all."""
    return _SLUG.fullmatch(slug) is not None and slug != "server"


def _safe(slug: str) -> str:
    if not may_be_told(slug):
        raise ValueError(f"{slug!r} cannot stand in a topic.")
    return slug


def _flag(state: str | None, wanted: str) -> bytes:
    if state is None:
        return NO_VALUE
    return b"ON" if state == wanted else b"OFF"


def _number(value: float | None) -> bytes:
    return NO_VALUE if value is None else f"{value:.1f}".encode()

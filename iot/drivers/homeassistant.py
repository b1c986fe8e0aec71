"""Home Assistant's MQTT discovery, inwards: what others announce is read to *find* devices, nothing more.

Source: home-assistant.io integrations/mqtt (discovery topics, abbreviations, device discovery), core
components/mqtt/abbreviations.py. Templates are programs of strangers: they are recorded as text and never evaluated.
Outwards, see `homeassistant_out`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from iot.drivers.base import Seen
from iot.drivers.payloads import LONGEST_TOPIC, as_object, is_printable, json_of, label_of, seen
from iot.protocol import MalformedMessage

PREFIX = "homeassistant"
SEEN_ON: tuple[str, ...] = (f"{PREFIX}/+/+/config", f"{PREFIX}/+/+/+/config")
LONGEST_TEMPLATE = 300
MOST_COMPONENTS = 200

# Those that tell devices apart or say what is measured; other keys are not read.
ABBREVIATIONS = {
    "avty": "availability",
    "avty_t": "availability_topic",
    "cmps": "components",
    "cmd_t": "command_topic",
    "dev": "device",
    "dev_cla": "device_class",
    "p": "platform",
    "stat_t": "state_topic",
    "t": "topic",
    "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}
DEVICE_ABBREVIATIONS = {"ids": "identifiers", "mf": "manufacturer", "mdl": "model", "sw": "sw_version"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,120}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that somebody announced. `value_template` is what they wrote, for a person to read."""

    component: str
    name: str
    unique_id: str
    state_topic: str
    availability_topics: tuple[str, ...]
    command_topic: str
    device_class: str
    unit: str
    value_template: str
    device_id: str
    device_name: str
    manufacturer: str
    model: str
    firmware: str


def is_config(topic: str, prefix: str = PREFIX) -> bool:
    """Whether the topic announces something: `<prefix>/<component>/[<node>/]<object>/config`."""
    parts = topic.split("/")
    root = prefix.split("/")
    ids = parts[len(root) : -1]
    return parts[: len(root)] == root and parts[-1] == "config" and len(ids) in (2, 3) and all(map(_ID.fullmatch, ids))


def read_config(topic: str, payload: bytes, prefix: str = PREFIX) -> tuple[Found, ...]:
    """What an announcement holds: one thing, or all of a device's; nothing when it takes one back.

    Raises:
        MalformedMessage: the topic is no announcement, or the payload cannot be read.
    """
    if not is_config(topic, prefix):
        raise MalformedMessage("unknown_topic", "The topic is no announcement of Home Assistant's discovery.")
    if not payload:
        return ()
    body = _long(as_object(json_of(payload)), ABBREVIATIONS)
    component = topic[len(prefix) + 1 :].partition("/")[0]
    if component != "device":
        return (_found(component, body),)
    parts = body.get("components")
    if not isinstance(parts, dict):
        raise MalformedMessage("wrong_shape", "A device's announcement has no components.")
    shared = {name: value for name, value in body.items() if name != "components"}
    return tuple(
        _found(_text(part.get("platform") or part.get("p")), shared | _long(part, ABBREVIATIONS))
        for part in list(parts.values())[:MOST_COMPONENTS]
        # A part with its platform alone takes that part back.
        if isinstance(part, dict) and len(part) > 1
    )


def topics_of(found: Found) -> tuple[str, ...]:
    """Every topic by which the device could be known, the surest first."""
    return tuple(topic for topic in (found.state_topic, *found.availability_topics, found.command_topic) if topic)


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """The devices that an announcement gives away, of the kinds that can be attached. Never raises."""
    try:
        rows = read_config(topic, payload) if topic.startswith(f"{PREFIX}/") else ()
    except MalformedMessage:
        return ()
    known: dict[tuple[str, str], Seen] = {}
    for found in rows:
        for device in _devices_of(found):
            known.setdefault((device.kind, device.topic), device)
    return tuple(known.values())


def _devices_of(found: Found) -> Iterator[Seen]:
    label = found.device_name or found.name
    for topic in topics_of(found):
        kind, base = _kind_of(topic, found)
        if kind:
            yield from seen(kind, base, label, f"{found.manufacturer} {found.model}".strip())
            return


def _kind_of(topic: str, found: Found) -> tuple[str, str]:
    """`(kind, the topic its form asks for)` of what speaks on this topic; empty texts when it is none of ours."""
    first, _slash, rest = topic.partition("/")
    base, _slash, leaf = rest.rpartition("/")
    # Its words are capitals: `state` under the same prefix is another make's.
    if first in ("tele", "stat", "cmnd") and base and leaf.isupper():
        return "tasmota", base
    for mark in ("/status/switch:0", "/status/pm1:0", "/status/em:0", "/relay/0/power", "/relay/0"):
        if topic.endswith(mark):
            return "shelly", topic.removesuffix(mark)
    if "zigbee2mqtt" in found.unique_id or found.device_id.startswith("zigbee2mqtt_"):
        # Its bridge's state stands in every announcement of a Zigbee device, and is none itself.
        name = topic.removesuffix("/availability")
        return ("zigbee2mqtt", name) if name.count("/") == 1 and found.device_class in ("power", "energy") else ("", "")
    node, mark, rest = topic.partition("/sensor/")
    if mark and rest.endswith("/state") and found.device_class in ("power", "energy"):
        return "esphome", node
    return "", ""


def _found(component: str, body: dict[str, Any]) -> Found:
    base = _text(body.get("~"))
    device = body.get("device")
    about = _long(device, DEVICE_ABBREVIATIONS) if isinstance(device, dict) else {}
    return Found(
        component=label_of(component)[:40],
        name=label_of(body.get("name")),
        unique_id=label_of(body.get("unique_id")),
        state_topic=_topic(body.get("state_topic") or body.get("topic"), base),
        availability_topics=tuple(_availability(body, base)),
        command_topic=_topic(body.get("command_topic"), base),
        device_class=label_of(body.get("device_class")),
        unit=label_of(body.get("unit_of_measurement")),
        value_template=_text(body.get("value_template"))[:LONGEST_TEMPLATE],
        device_id=label_of(_first(about.get("identifiers"))),
        device_name=label_of(about.get("name")),
        manufacturer=label_of(about.get("manufacturer")),
        model=label_of(about.get("model")),
        firmware=label_of(about.get("sw_version"))[:60],
    )


def _long(body: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The body with its abbreviated keys written out; a key that stands in full wins."""
    return {names[key]: value for key, value in body.items() if key in names} | {
        key: value for key, value in body.items() if key not in names
    }


def _availability(body: dict[str, Any], base: str) -> Iterator[str]:
    rows = body.get("availability")
    if isinstance(rows, dict):
        rows = [rows]
    for row in rows[:10] if isinstance(rows, list) else []:
        if isinstance(row, dict) and (topic := _topic(_long(row, ABBREVIATIONS).get("topic"), base)):
            yield topic
    if topic := _topic(body.get("availability_topic"), base):
        yield topic


def _topic(value: object, base: str) -> str:
    """A topic with its base written out where `~` begins or ends it; empty when it is none."""
    topic = _text(value)
    if base and topic.startswith("~"):
        topic = base + topic[1:]
    elif base and topic.endswith("~"):
        topic = topic[:-1] + base
    is_one = 0 < len(topic) <= LONGEST_TOPIC and "+" not in topic and "#" not in topic and is_printable(topic)
    return topic if is_one else ""


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

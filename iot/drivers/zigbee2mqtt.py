"""Metering plugs behind Zigbee2MQTT. The device's topic is the bridge's base and the plug's name: `zigbee2mqtt/laser`.

Source: Koenkk/zigbee2mqtt.io guide/usage/mqtt_topics_and_messages.md; recordings in zigbee2mqtt issues 7272, 7700,
14934, 32463. `power` is W, `energy` (formerly `consumption`) kWh in steps of 10 Wh. Availability and the bridge's state
were bare words formerly and are JSON now: both are read.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from iot.drivers.base import OF_OTHERS, Observation, Presence, Relay, Seen, SetUp
from iot.drivers.payloads import (
    WH_PER_KWH,
    check_size,
    json_of,
    label_of,
    measured,
    object_of,
    plain_number,
    presence_in,
    quietly_object,
    scaled,
    seen,
    switched,
    text_in,
    word_of,
)
from iot.protocol import Hello, MalformedMessage

KIND = "zigbee2mqtt"
SEEN_ON = ("+/bridge/devices", "zigbee2mqtt/+", "zigbee2mqtt/+/availability")
SET_UP = (
    SetUp("friendly_name", "laser-plug", _("Letters, digits, hyphens and underscores only.")),
    SetUp("availability", "enabled: true", _("Otherwise nobody hears that the plug was unplugged.")),
    SetUp("Reporting: activePower", "min 5 s, max 30 s, change 5", _("It tells a change within 5 seconds.")),
    SetUp("output", "json", _("“attribute” would send each value on a topic of its own.")),
)
COUNTER = _("The total stays over a power cut with most plugs; pairing the plug again begins it at zero.")
QUIET_FOR = dt.timedelta(minutes=3)
# The base of a bridge is part of its user name, of which the broker's files take so many characters.
BASE_MOST = 60
USERNAME_MOST = 100


def bridge_of(topic: str) -> str:
    """The base of the bridge through which the plug speaks."""
    return topic.partition("/")[0]


def bridge_state_topic(topic: str) -> str:
    """Where the plug's bridge says whether it runs."""
    return f"{bridge_of(topic)}/bridge/state"


def writes(topic: str) -> tuple[str, ...]:
    # A plug named "a/availability" would speak for one named "a", one named "bridge/state" for all: granted nothing.
    base, _slash, name = topic.partition("/")
    if not 0 < len(base) <= BASE_MOST or base in OF_OTHERS:
        return ()
    if not name or name.partition("/")[0] == "bridge" or name.endswith("availability"):
        return ()
    return (topic, f"{topic}/availability", bridge_state_topic(topic))


def reads(topic: str) -> tuple[str, ...]:
    return (f"{topic}/set", f"{topic}/get")


def bridge_account(base: str) -> str:
    """The bridge's user name at the broker; no device can have it, theirs have no dot."""
    return f"bridge.{base}"[:USERNAME_MOST]


def base_of_account(username: str) -> str:
    """The base of the bridge that has this user name; empty when no bridge has."""
    before, _dot, base = username.partition(".")
    return base if before == "bridge" and "/" not in base else ""


def bridge_writes(base: str) -> tuple[str, ...]:
    """What the account of a whole bridge must be granted: it speaks for each of its devices."""
    return (f"{base}/#", "homeassistant/+/+/config", "homeassistant/+/+/+/config")


def bridge_reads(base: str) -> tuple[str, ...]:
    """It hears what is meant for any of its devices, in whatever order it writes it; and that discovery is wanted."""
    return (f"{base}/#", "homeassistant/status")


def command(topic: str, order: str) -> tuple[str, bytes] | None:
    """Topic and payload of an order; None for what a plug has no word for."""
    words = {"enable": b'{"state":"ON"}', "disable": b'{"state":"OFF"}'}
    return (f"{topic}/set", words[order]) if order in words else None


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is empty, `availability`, or the whole topic of the bridge's state."""
    if subtopic == bridge_state_topic(topic):
        # A bridge that runs says nothing about this plug; one that does not hears it no more.
        return tuple(sign for sign in _sign(payload) if not sign.is_online)
    if subtopic == "availability":
        return _sign(payload)
    return _plug(object_of(payload)) if subtopic == "" else ()


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """By the bridge's list of its devices, or by a plug's message."""
    if topic.endswith("/bridge/devices"):
        return _listed(topic.removesuffix("/bridge/devices"), payload)
    base = topic.removesuffix("/availability")
    if base.count("/") != 1 or base.endswith("/bridge"):
        return ()
    body = quietly_object(payload)
    # Zigbee alone has the quality of a link.
    return seen(KIND, base, base.partition("/")[2]) if "linkquality" in body and "power" in body else ()


def _sign(payload: bytes) -> tuple[Presence, ...]:
    check_size(payload)
    word = text_in(object_of(payload), "state") if payload.lstrip()[:1] == b"{" else word_of(payload)
    return tuple(sign for sign in presence_in(word, online="online", offline="offline") if isinstance(sign, Presence))


def _plug(body: dict[str, Any]) -> Sequence[Observation]:
    """A plug's message repeats what it knew; null is not known."""
    power_w = plain_number(body.get("power"))
    energy = body.get("energy") if body.get("energy") is not None else body.get("consumption")
    reading = measured(power_w=power_w, energy_wh=scaled(plain_number(energy), WH_PER_KWH))
    state = text_in(body, "state")
    if state == "OFF" or (state == "ON" and power_w is None):
        return (*reading, *switched(state, on="ON", off="OFF"))
    if state == "ON":
        return (*reading, Relay(is_on=True))
    return reading or (Hello(),)


def _listed(base: str, payload: bytes) -> Sequence[Seen]:
    try:
        rows = json_of(payload)
    except MalformedMessage:
        return ()
    found: list[Seen] = []
    for row in rows if isinstance(rows, list) else []:
        name = row.get("friendly_name") if isinstance(row, dict) else None
        definition = row.get("definition") if isinstance(row, dict) else None
        if isinstance(name, str) and isinstance(definition, dict) and _has_meter(definition):
            model = f"{label_of(definition.get('vendor'))} {label_of(definition.get('model'))}".strip()
            found += seen(KIND, f"{base}/{name}", name, model)
    return found


def _has_meter(definition: dict[str, Any]) -> bool:
    exposes = definition.get("exposes")
    return isinstance(exposes, list) and any(isinstance(e, dict) and e.get("property") == "power" for e in exposes)

"""Metering plugs that run ESPHome: bare words under the node's prefix.

Source: esphome/esphome-docs components/mqtt.rst, components/sensor (state as text; `nan` while a sensor has no value).
A sensor is known by the end of its name. The unit does not stand on the wire and half of the examples convert energy
to kWh, so energy is read only from a name that says it: `…energy_wh` or `…energy_kwh`.
"""

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from iot.drivers.base import OF_OTHERS, Observation, Seen, SetUp
from iot.drivers.payloads import WH_PER_KWH, measured, number_of, presence_in, scaled, seen, switched, word_of
from iot.protocol import Hello, MalformedMessage

KIND = "esphome"
SEEN_ON: tuple[str, ...] = ("+/sensor/+/state",)
SET_UP = (
    SetUp("mqtt: topic_prefix", "<node>", _("The topic; otherwise it is the name of the node.")),
    SetUp("sensor: name", "Power", _("One sensor whose name ends in “power”, in watts.")),
    SetUp("sensor: name", "Energy kWh", _("The unit in the name: “Energy Wh” or “Energy kWh”.")),
    SetUp("update_interval", "10s", _("It tells its power every 10 seconds.")),
    SetUp("switch: name", "Relay", _("So that we hear when the plug is switched off.")),
)
COUNTER = _(
    "“total_daily_energy” begins at zero each midnight, and a chip’s own counter at each restart unless it is restored."
)
QUIET_FOR = dt.timedelta(minutes=1)
RELAYS = ("relay", "plug", "socket", "outlet")
# As ESPHome writes a value that it does not have (yet).
NO_VALUE = ("nan", "NA", "unknown", "unavailable", "")
# End in “power” and are none, or none of now.
NO_POWER = ("apparent_power", "reactive_power", "max_power", "min_power", "average_power")


def writes(topic: str) -> tuple[str, ...]:
    # A plug that runs Tasmota writes all of `tele/<name>/+`: one under it would be spoken for.
    if topic.partition("/")[0] in OF_OTHERS:
        return ()
    return (f"{topic}/status", f"{topic}/sensor/+/state", *(f"{topic}/switch/{name}/state" for name in RELAYS))


def reads(topic: str) -> tuple[str, ...]:
    return tuple(f"{topic}/switch/{name}/command" for name in RELAYS)


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is what follows the prefix: `status`, `sensor/power/state`, `switch/relay/state`."""
    if subtopic == "status":
        return presence_in(word_of(payload), online="online", offline="offline")
    parts = subtopic.split("/")
    if len(parts) != 3 or parts[2] != "state":
        return ()
    component, name = parts[:2]
    if component == "switch" and name in RELAYS:
        return switched(word_of(payload), on="ON", off="OFF")
    return _sensor(name, payload) if component == "sensor" else ()


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """By a sensor of power; a bare `status` is said by many things that are no plugs."""
    base, found, rest = topic.partition("/sensor/")
    name, _slash, leaf = rest.partition("/")
    return seen(KIND, base) if found and leaf == "state" and _is(name, "power") else ()


def _is(name: str, quantity: str) -> bool:
    is_other = quantity == "power" and any(_is(name, other) for other in NO_POWER)
    return not is_other and (name == quantity or name.endswith(f"_{quantity}"))


def _sensor(name: str, payload: bytes) -> Sequence[Observation]:
    field, factor = _field_of(name)
    if not field:
        return (Hello(),)
    word = word_of(payload)
    if word in NO_VALUE:
        return (Hello(),)
    number = number_of(word)
    if number is None:
        raise MalformedMessage("wrong_shape", "A measured value is not a number.")
    return measured(**{field: scaled(number, factor)})


def _field_of(name: str) -> tuple[str, float]:
    """The field of a reading that this sensor fills, and what its value is multiplied by."""
    if _is(name, "energy_kwh"):
        return "energy_wh", WH_PER_KWH
    if _is(name, "energy_wh"):
        return "energy_wh", 1
    return ("power_w", 1) if _is(name, "power") or _is(name, "power_w") else ("", 1)

"""Tasmota plugs with an energy meter, on the default topic order `%prefix%/%topic%/`.

Source: tasmota/docs MQTT.md, Sonoff-Pow.md. `Power` is W, `Total` kWh; plugs with several channels send lists.
The period of 300 s that plugs come with is too slow to see use: set `TelePeriod 10`.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from iot.drivers.base import Observation, Relay, Seen, SetUp
from iot.drivers.payloads import (
    WH_PER_KWH,
    as_object,
    check_size,
    firmware_of,
    inner,
    measured,
    object_of,
    plain_number,
    presence_in,
    quietly_object,
    scaled,
    seen,
    switched,
)
from iot.protocol import Event, Hello, MalformedMessage

KIND = "tasmota"
SEEN_ON = ("tele/+/LWT", "tele/+/INFO1", "tele/+/SENSOR")
SET_UP = (
    SetUp("TelePeriod", "10", _("It tells its power every 10 seconds; the 300 it comes with are too slow to see use.")),
    SetUp("PowerDelta", "105", _("It also tells at once when the power changes by more than 5 watts.")),
    SetUp("FullTopic", "%prefix%/%topic%/", _("The order of topics that it comes with.")),
)
COUNTER = _(
    "“Total” stays over a restart and a power cut. “EnergyTotal 0” and a reset of the plug begin it again at zero."
)
QUIET_FOR = dt.timedelta(minutes=1)
RELAYS = ("POWER", "POWER1")


def writes(topic: str) -> tuple[str, ...]:
    # One level: with `#` a plug named "a" could speak for one named "a/b".
    return (f"tele/{topic}/+", f"stat/{topic}/+")


def reads(topic: str) -> tuple[str, ...]:
    return (f"cmnd/{topic}/#",)


def command(topic: str, order: str) -> tuple[str, bytes] | None:
    """Topic and payload of an order; None for what a plug has no word for."""
    words = {"enable": b"ON", "disable": b"OFF", "reboot": b"1"}
    if order not in words:
        return None
    return f"cmnd/{topic}/{'Restart' if order == 'reboot' else 'POWER'}", words[order]


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is what follows the device's topic, with the prefix: `tele/SENSOR`, `stat/POWER`."""
    check_size(payload)
    if subtopic == "tele/LWT":
        return presence_in(_text(payload), online="Online", offline="Offline")
    if subtopic in ("stat/POWER", "stat/POWER1"):
        return switched(_text(payload), on="ON", off="OFF")
    if subtopic == "tele/STATE":
        return _state(object_of(payload))
    if subtopic == "tele/SENSOR":
        return _sensors(object_of(payload))
    if subtopic in ("stat/STATUS8", "stat/STATUS10"):
        return _sensors(as_object(object_of(payload).get("StatusSNS")))
    if subtopic == "tele/INFO1":
        return (Hello(firmware=firmware_of(_first_info(object_of(payload)).get("Version"))),)
    return ()


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """By its last will, its first words after a start, or a meter's reading."""
    prefix, _slash, rest = topic.partition("/")
    base, _slash, leaf = rest.rpartition("/")
    if prefix != "tele" or not base:
        return ()
    if leaf == "LWT":
        return seen(KIND, base) if payload in (b"Online", b"Offline") else ()
    body = quietly_object(payload)
    if leaf == "INFO1":
        info = body.get("Info1", body)
        return seen(KIND, base, model=info.get("Module")) if isinstance(info, dict) and "Version" in info else ()
    return seen(KIND, base) if leaf == "SENSOR" and isinstance(body.get("ENERGY"), dict) else ()


def _text(payload: bytes) -> str:
    # Compared as a whole: no device writes blanks around it.
    return payload[:64].decode("latin-1")


def _state(body: dict[str, Any]) -> Sequence[Observation]:
    """Off is sure. That power is let through says nothing about use, and the last `stat/POWER` has said it."""
    if any(body.get(relay) == "OFF" for relay in RELAYS):
        return (Event("de_energised"),)
    return (Relay(is_on=True),) if any(body.get(relay) == "ON" for relay in RELAYS) else (Hello(),)


def _first_info(body: dict[str, Any]) -> dict[str, Any]:
    # Later firmware wraps it in its own name.
    return inner(body, "Info1") or body


def _sensors(body: dict[str, Any]) -> Sequence[Observation]:
    energy = body.get("ENERGY")
    if energy is None:
        return ()
    meter = as_object(energy)
    return measured(power_w=_total(meter.get("Power")), energy_wh=scaled(_total(meter.get("Total")), WH_PER_KWH))


def _total(value: object) -> float | None:
    """A number, or the sum over channels."""
    if not isinstance(value, list):
        return plain_number(value)
    parts = [plain_number(part) for part in value]
    known = [part for part in parts if part is not None]
    if not parts or len(known) < len(parts):
        raise MalformedMessage("wrong_shape", "A measured value is not a number.")
    return sum(known)

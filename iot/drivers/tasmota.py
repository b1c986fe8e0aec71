"""Tasmota plugs with an energy meter, on the default topic order `%prefix%/%topic%/`.

Source: tasmota/docs MQTT.md, Sonoff-Pow.md. `Power` is W, `Total` kWh; plugs with several channels send lists.
The period of 300 s that plugs come with is too slow to see use: set `TelePeriod 10`.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from iot.drivers.base import Observation, Presence
from iot.protocol import MAX_PAYLOAD_BYTES, Event, MalformedMessage, Reading, Sample

WH_PER_KWH = 1000


def writes(topic: str) -> tuple[str, ...]:
    # One level: with `#` a plug named "a" could speak for one named "a/b".
    return (f"tele/{topic}/+", f"stat/{topic}/+")


def reads(topic: str) -> tuple[str, ...]:
    return (f"cmnd/{topic}/#",)


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is what follows the device's topic, with the prefix: `tele/SENSOR`, `stat/POWER`."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MalformedMessage("too_large", f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are read.")
    if subtopic == "tele/LWT":
        return _presence(payload)
    if subtopic in ("stat/POWER", "stat/POWER1"):
        return _switched(payload)
    if subtopic == "tele/SENSOR":
        return _measured(_json(payload))
    if subtopic in ("stat/STATUS8", "stat/STATUS10"):
        return _measured(_mapping(_json(payload).get("StatusSNS")))
    return ()


def _presence(payload: bytes) -> Sequence[Observation]:
    if payload in (b"Online", b"Offline"):
        return (Presence(payload == b"Online"),)
    raise MalformedMessage("wrong_shape", "LWT says neither Online nor Offline.")


def _switched(payload: bytes) -> Sequence[Observation]:
    if payload in (b"ON", b"OFF"):
        return (Event("energised" if payload == b"ON" else "de_energised"),)
    raise MalformedMessage("wrong_shape", "POWER says neither ON nor OFF.")


def _measured(body: dict[str, Any]) -> Sequence[Observation]:
    energy = body.get("ENERGY")
    if energy is None:
        return ()
    meter = _mapping(energy)
    power_w = _total(meter.get("Power"))
    energy_kwh = _total(meter.get("Total"))
    if power_w is None and energy_kwh is None:
        return ()
    energy_wh = None if energy_kwh is None else round(energy_kwh * WH_PER_KWH, 3)
    if energy_wh is not None and energy_wh < 0:
        raise MalformedMessage("wrong_shape", "A meter's total is negative.")
    return (Reading([Sample(power_w=power_w, energy_wh=energy_wh)]),)


def _total(value: object) -> float | None:
    """A number, or the sum over channels."""
    if value is None:
        return None
    parts = value if isinstance(value, list) else [value]
    if not parts or any(isinstance(p, bool) or not isinstance(p, int | float) for p in parts):
        raise MalformedMessage("wrong_shape", "A measured value is not a number.")
    total = float(sum(parts))
    if not math.isfinite(total) or abs(total) > 1_000_000_000:
        raise MalformedMessage("not_finite", "A measured value is not possible.")
    return total


def _json(payload: bytes) -> dict[str, Any]:
    try:
        return _mapping(msgspec.json.decode(payload))
    except UnicodeDecodeError:
        raise MalformedMessage("not_utf8", "The text is not UTF-8.") from None
    except msgspec.DecodeError as error:
        raise MalformedMessage("not_json", str(error)[:300]) from None
    except RecursionError:
        raise MalformedMessage("too_deep", "The JSON is nested too deeply.") from None


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedMessage("wrong_shape", "An object was expected.")
    return value

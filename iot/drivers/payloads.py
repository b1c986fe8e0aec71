"""What all drivers read payloads with: whatever bytes come, a value or a `MalformedMessage`."""

import math
import re
from typing import Any

import msgspec

from iot.drivers.base import Observation, Presence, Seen
from iot.protocol import MAX_PAYLOAD_BYTES, Event, MalformedMessage, Reading, Sample

WH_PER_KWH = 1000
WATT_MINUTES_PER_WH = 60
LONGEST_WORD_BYTES = 64
LONGEST_LABEL = 80
# A discovered topic is shown on a page and kept; no device's own is longer.
LONGEST_TOPIC = 200

# float() also reads 1_000, nan, blanks and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{0,15})?([eE][+-]?\d{1,2})?", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]+")
# As the protocol's `Sample` declares them; a struct is not checked when it is made.
_POSSIBLE = {
    "power_w": (-100_000.0, 1_000_000.0),
    "energy_wh": (0.0, 1e12),
    "temperature_c": (-273.15, 5000.0),
    "progress_pct": (0.0, 100.0),
    "battery_pct": (0.0, 100.0),
}
# Our own uploads: printing puts each job in a folder of its own. Any other name is a person's.
_OUR_JOB = re.compile(r"/?fablab/([A-Za-z0-9_-]{1,60})/.", re.ASCII)

IDLE = Event("idle")
# The reporter is there, its printer is off or unplugged: nobody knows, which must not read as idle.
OUT_OF_REACH = Presence(False)
FINISHED = Event("stop", reason="job_finished")
STOPPED = Event("stop", reason="normal")
FAILED = Event("stop", reason="failed")


def check_size(payload: bytes) -> None:
    """Raises: MalformedMessage: too_large."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MalformedMessage("too_large", f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are read.")


def json_of(payload: bytes) -> Any:
    """What the JSON says.

    Raises:
        MalformedMessage: too_large, not_utf8, not_json or too_deep.
    """
    check_size(payload)
    try:
        return msgspec.json.decode(payload)
    except UnicodeDecodeError:
        raise MalformedMessage("not_utf8", "The text is not UTF-8.") from None
    except msgspec.DecodeError as error:
        raise MalformedMessage("not_json", str(error)[:300]) from None
    except RecursionError:
        raise MalformedMessage("too_deep", "The JSON is nested too deeply.") from None


def object_of(payload: bytes) -> dict[str, Any]:
    """The JSON object in the payload. Raises: MalformedMessage."""
    return as_object(json_of(payload))


def as_object(value: object) -> dict[str, Any]:
    """Raises: MalformedMessage: wrong_shape."""
    if not isinstance(value, dict):
        raise MalformedMessage("wrong_shape", "An object was expected.")
    return value


def inner(body: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under this name; an empty one when there is none. Raises: MalformedMessage."""
    value = body.get(name)
    return {} if value is None else as_object(value)


def word_of(payload: bytes) -> str:
    """A short plain text without the blanks around it.

    Raises:
        MalformedMessage: too_large, not_utf8 or wrong_shape.
    """
    check_size(payload)
    if len(payload) > LONGEST_WORD_BYTES:
        raise MalformedMessage("wrong_shape", "A short word was expected.")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        raise MalformedMessage("not_utf8", "The text is not UTF-8.") from None
    if not is_printable(text):
        raise MalformedMessage("wrong_shape", "A word without control characters was expected.")
    return text


def text_in(body: dict[str, Any], name: str) -> str:
    """The text under this name; empty when there is none. Raises: MalformedMessage."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedMessage("wrong_shape", f"{name} is no text.")
    return value


def number_of(value: object) -> float | None:
    """A finite number, or a text that is one; None for null.

    Raises:
        MalformedMessage: wrong_shape, or not_finite for what no meter shows.
    """
    if value is None:
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedMessage("wrong_shape", "A measured value is not a number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MalformedMessage("not_finite", "A measured value is not possible.")
    return number


def plain_number(value: object) -> float | None:
    """As `number_of`, for devices that never write a number as text. Raises: MalformedMessage."""
    if isinstance(value, str):
        raise MalformedMessage("wrong_shape", "A measured value is not a number.")
    return number_of(value)


def measured(**values: float | None) -> tuple[Observation, ...]:
    """One reading of the values that are there; nothing when none is.

    Raises:
        MalformedMessage: a value that no meter shows.
    """
    known = {name: value for name, value in values.items() if value is not None}
    for name, value in known.items():
        least, most = _POSSIBLE[name]
        if name == "energy_wh" and value < least:
            raise MalformedMessage("wrong_shape", "A meter's total is negative.")
        if not least <= value <= most:
            raise MalformedMessage("not_finite", "A measured value is not possible.")
    return (Reading([Sample(**known)]),) if known else ()  # type: ignore[arg-type]


def scaled(value: float | None, factor: float) -> float | None:
    """The value in another unit, without the digits that the sum of two floats invents."""
    return None if value is None else round(value * factor, 3)


def presence_in(word: str, *, online: str, offline: str) -> tuple[Observation, ...]:
    """Raises: MalformedMessage: it says neither."""
    if word not in (online, offline):
        raise MalformedMessage("wrong_shape", f"It says neither {online} nor {offline}.")
    return (Presence(word == online),)


def switched(word: str, *, on: str, off: str) -> tuple[Observation, ...]:
    """Raises: MalformedMessage: it says neither."""
    if word not in (on, off):
        raise MalformedMessage("wrong_shape", f"It says neither {on} nor {off}.")
    return (Event("energised" if word == on else "de_energised"),)


def busy(job_id: str = "", *, is_paused: bool = False) -> Event:
    """In use; a paused job still holds the machine."""
    return Event("busy", reason="paused" if is_paused else "", job_id=job_id)


def our_job(path: object) -> str:
    """The job that a path of ours names; empty for any other, since file names of people are not kept."""
    found = _OUR_JOB.match(path) if isinstance(path, str) else None
    return found[1] if found else ""


def is_printable(text: str) -> bool:
    """Whether the text holds nothing that steers a terminal, hides, or turns the direction of writing."""
    return _UNPRINTABLE.search(text) is None


def label_of(value: object) -> str:
    """A text fit to be shown as a label; empty when it is none."""
    return _UNPRINTABLE.sub(" ", value).strip()[:LONGEST_LABEL] if isinstance(value, str) else ""


def firmware_of(value: object) -> str:
    """A firmware's name as the protocol takes it."""
    return label_of(value)[:60]


def seen(kind: str, topic: object, label: object = "", model: object = "") -> tuple[Seen, ...]:
    """The device, when its topic is one; its topic is its label when it gives none."""
    if not isinstance(topic, str) or not 0 < len(topic) <= LONGEST_TOPIC or not is_printable(topic):
        return ()
    if "+" in topic or "#" in topic:
        return ()
    return (Seen(kind, topic, label_of(label) or label_of(topic), label_of(model)),)


def quietly_object(payload: bytes) -> dict[str, Any]:
    """The JSON object in the payload, or an empty one: for looking at messages of unknown devices."""
    try:
        return object_of(payload)
    except MalformedMessage:
        return {}

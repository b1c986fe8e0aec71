"""Badge readers on MQTT: a bare number on a topic, or JSON with a `uid`. They ask; nothing is decided here.

Sources: tasmota/docs RC522.md, PN532.md (`tele/<topic>/SENSOR`); esprfid/esp-rfid README-MQTT.md (`<topic>/send`,
`<topic>/tag`); ESPHome rc522/pn532 `on_tag` publishing the number (`<node>/tag`). The device's topic is the reader's
whole base, such as `tele/reader-1` or `door-reader`.

A number never reaches a table: pass each payload through `with_mark` before it is kept or logged. `parse` takes the
mark that stands there afterwards for the credential. What a reader itself thinks of a badge is not believed.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from iot.drivers.base import Observation, Seen, SetUp
from iot.drivers.payloads import check_size, object_of, presence_in, quietly_object, seen, text_in, word_of
from iot.protocol import Access, Hello, MalformedMessage

KIND = "rfid"
SEEN_ON = ("tele/+/SENSOR", "+/tag", "+/send")
SET_UP = (
    SetUp("Topic", "<reader>", _("Each reader on a topic of its own.")),
    SetUp("Payload", '{"uid": "04A2B3C4"}', _("Or the bare number, as hexadecimal digits.")),
    SetUp("Retain", "off", _("A badge that the broker keeps would be presented again and again.")),
)
COUNTER = ""
# Nobody may present a badge all day; its last will tells when it is gone.
QUIET_FOR = dt.timedelta(days=1)

NUMBER_LEAVES = ("", "tag", "send", "SENSOR")
# Also what the masking of stored messages looks for.
NUMBER_KEYS = ("uid", "UID", "badge", "badge_id", "card", "card_id", "rfid")
KEPT_KEYS = ("type", "state", "time", "Time", "request_id")
CHIPS = ("RC522", "PN532", "RDM6300", "Wiegand", "RFID")
SIGNS = {"LWT": ("Online", "Offline"), "status": ("online", "offline"), "availability": ("online", "offline")}
_BETWEEN = re.compile(r"[\s:.-]+")
_NUMBER = re.compile(r"[0-9A-Fa-f]{4,32}", re.ASCII)
_MARK = re.compile(r"hmac:[0-9a-f]{64}", re.ASCII)


def writes(topic: str) -> tuple[str, ...]:
    # A reader named "a/tag" would speak for one named "a": it is granted nothing.
    if topic.rpartition("/")[2] in (*NUMBER_LEAVES, *SIGNS):
        return ()
    return tuple(f"{topic}/{leaf}" if leaf else topic for leaf in (*NUMBER_LEAVES, *SIGNS))


def reads(topic: str) -> tuple[str, ...]:
    # What a reader is told to do, it is told by whoever sets it up; a decision goes to the machine's relay.
    return ()


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is empty, `tag`, `send`, `SENSOR`, or one of the signs of life."""
    if subtopic in SIGNS:
        online, offline = SIGNS[subtopic]
        return presence_in(_sign_word(payload), online=online, offline=offline)
    if subtopic not in NUMBER_LEAVES:
        return ()
    if not _is_json(payload):
        return (Access("", _credential(word_of_number(payload))),)
    body = object_of(payload)
    found = _number_in(body)
    # The reader's own log and its sign of life come on the same topic.
    return (Hello(),) if found is None else (Access(_request_id(body), _credential(found)),)


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """By a badge that was presented, or the reader's sign of life. The number is not looked at further."""
    for leaf in ("tag", "send", "SENSOR"):
        if not topic.endswith(f"/{leaf}"):
            continue
        base, body = topic.removesuffix(f"/{leaf}"), quietly_object(payload)
        is_bare = leaf == "tag" and not body and _NUMBER.fullmatch(_BETWEEN.sub("", payload[:64].decode("latin-1")))
        is_reader = is_bare or _has_number(body) or body.get("type") in ("boot", "heartbeat", "access")
        return seen(KIND, base, body.get("hostname")) if is_reader else ()
    return ()


def with_mark(payload: bytes, mark: Callable[[str], str]) -> bytes:
    """What may be kept of the payload, its badge number replaced by the mark; empty when it cannot be read.

    Nobody can tell where the number stands in what cannot be read.
    """
    try:
        if not _is_json(payload):
            return mark(word_of_number(payload)).encode()
        body = object_of(payload)
    except MalformedMessage:
        return b""
    return msgspec.json.encode(_kept(body, mark))


def word_of_number(payload: bytes) -> str:
    """The bare number or mark. Raises: MalformedMessage."""
    check_size(payload)
    # A mark is longer than any other word.
    if _MARK.fullmatch(payload[:80].decode("latin-1")):
        return payload.decode("latin-1")
    return word_of(payload)


def _is_json(payload: bytes) -> bool:
    return payload.lstrip()[:1] in (b"{", b"[")


def _sign_word(payload: bytes) -> str:
    return text_in(object_of(payload), "state") if _is_json(payload) else word_of(payload)


def _has_number(body: dict[str, Any]) -> bool:
    chips = (body.get(chip) for chip in CHIPS)
    return any(isinstance(place, dict) and any(key in place for key in NUMBER_KEYS) for place in (body, *chips))


def _number_in(body: dict[str, Any]) -> str | None:
    """The number as the reader writes it; None where there is none. Raises: MalformedMessage."""
    for place in (body, *(body.get(chip) for chip in CHIPS)):
        if not isinstance(place, dict):
            continue
        for key in NUMBER_KEYS:
            value = place.get(key)
            if isinstance(value, bool) or not isinstance(value, str | int | None):
                raise MalformedMessage("wrong_shape", "A badge number is neither text nor a whole number.")
            if value not in (None, "", 0):
                return str(value)[:80]
    return None


def _credential(number: str) -> str:
    if _MARK.fullmatch(number):
        return number
    plain = _BETWEEN.sub("", number)
    if not _NUMBER.fullmatch(plain):
        # The text is not quoted: it may be a number with a typing error.
        raise MalformedMessage("wrong_shape", "A badge number is 4 to 32 hexadecimal digits.")
    return plain.upper()


def _request_id(body: dict[str, Any]) -> str:
    """The reader's own, if it gives one fit for the protocol; otherwise whoever takes it in numbers it."""
    value = body.get("request_id")
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,60}", value, re.ASCII) else ""


def _kept(body: dict[str, Any], mark: Callable[[str], str]) -> dict[str, Any]:
    """The number's mark and what else is read of a message; readers also send names of people and doors."""
    chips = {chip: _marked(body[chip], mark) for chip in CHIPS if isinstance(body.get(chip), dict)}
    return {key: body[key] for key in KEPT_KEYS if isinstance(body.get(key), str | int)} | _marked(body, mark) | chips


def _marked(place: dict[str, Any], mark: Callable[[str], str]) -> dict[str, str]:
    values = {key: place.get(key) for key in NUMBER_KEYS}
    return {
        key: mark(str(value))
        for key, value in values.items()
        if isinstance(value, str | int) and not isinstance(value, bool) and value not in ("", 0)
    }

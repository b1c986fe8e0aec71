"""Our MQTT protocol, version 1: typed messages, read from bytes. No ORM, no clock.

Topics: `fablab/v1/<device>/up/<leaf>` from the device, `…/down/<leaf>` to it. Units stand in the field names.
The same types make the published JSON Schema. Sources: docs/protocol.md.
"""

import math
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

VERSION = 1
MAX_PAYLOAD_BYTES = 64 * 1024
MAX_SAMPLES = 500
TOPIC_ROOT = "fablab/v1"

# PostgreSQL's bigint; one seq beyond it would abort a whole batch.
SEQ_MOST = 2**63 - 1

# Python's `$` also stands before a last line feed, which would then be one character too many for its column.
END = r"$(?!\n)"
# No control characters: U+0000 passes msgspec and then makes PostgreSQL refuse the batch.
CLEAN = r"^[^\x00-\x1f\x7f]*" + END

DeviceSlug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,62}" + END)]
Boot = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{4,40}" + END)]
Seq = Annotated[int, Meta(ge=1, le=SEQ_MOST)]
ShortText = Annotated[str, Meta(max_length=200, pattern=CLEAN)]
Name = Annotated[str, Meta(max_length=60, pattern=CLEAN)]
IsoInstant = Annotated[
    str, Meta(max_length=40, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)" + END)
]
UptimeS = Annotated[float, Meta(ge=0, le=10**10)]


class MalformedMessage(Exception):
    """The payload is not a message of this protocol; `code` is stable, the text says what is wrong."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Hello(Struct, frozen=True):
    """Once at each boot, and again when the device was set otherwise."""

    firmware: Name = ""
    capabilities: Annotated[list[Name], Meta(max_length=50)] = []
    config_version: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    is_locked: bool = False
    session_id: Name = ""
    roster_version: Annotated[int, Meta(ge=0, le=2**53)] = 0


class Event(Struct, frozen=True):
    """Something that happened at the machine; `session_id` is that of the decision that let somebody start."""

    event: Literal["energised", "de_energised", "busy", "idle", "job", "fault", "safety_input", "button", "stop"]
    reason: ShortText = ""
    job_id: Name = ""
    session_id: Name = ""


class Sample(Struct, frozen=True):
    """Values measured `age_ms` before the envelope's `at`; a field left out was not measured."""

    age_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    power_w: Annotated[float, Meta(ge=-100_000, le=1_000_000)] | None = None
    energy_wh: Annotated[float, Meta(ge=0, le=10**12)] | None = None
    temperature_c: Annotated[float, Meta(ge=-273.15, le=5000)] | None = None
    progress_pct: Annotated[float, Meta(ge=0, le=100)] | None = None
    battery_pct: Annotated[float, Meta(ge=0, le=100)] | None = None


class Reading(Struct, frozen=True):
    """Samples, oldest first."""

    samples: Annotated[list[Sample], Meta(min_length=1, max_length=MAX_SAMPLES)]


class Access(Struct, frozen=True):
    """A badge or a code was presented, or the button was pressed; the device waits for a decision.

    A `code` is six digits that a phone shows, typed at keys: never sent as a badge. A `button` says nothing of who
    presses it: it asks more time for the session that runs, else begins what is checked in and has the machine now.

    `decided` when the device answered by its roster, out of the lab's reach: it is written down and not answered.
    """

    request_id: Annotated[str, Meta(min_length=1, max_length=60, pattern=CLEAN)]
    credential: Annotated[str, Meta(min_length=1, max_length=128, pattern=CLEAN)]
    kind: Literal["badge", "code", "button"] = "badge"
    decided: Literal["", "allowed", "denied"] = ""
    session_id: Name = ""
    roster_version: Annotated[int, Meta(ge=0, le=2**53)] = 0


class CommandAck(Struct, frozen=True):
    """A command was carried out, or refused with a reason."""

    command_id: Name
    is_done: bool
    reason: ShortText = ""


UpData = Hello | Event | Reading | Access | CommandAck
LEAVES: dict[str, type[Struct]] = {
    "hello": Hello,
    "event": Event,
    "reading": Reading,
    "access": Access,
    "ack": CommandAck,
}


class Envelope(Struct, frozen=True):
    """What surrounds every numbered message; `data` is read by the topic's leaf."""

    v: Literal[1]
    boot: Boot
    seq: Seq
    at: IsoInstant
    uptime_s: UptimeS
    data: msgspec.Raw


class Status(Struct, frozen=True):
    """Retained sign of life; the last will is the same with state `offline` and nothing else."""

    state: Literal["online", "offline"]
    boot: Boot | None = None
    at: IsoInstant | None = None
    uptime_s: UptimeS | None = None


class DownAck(Struct, frozen=True):
    """Everything of this boot up to and with `seq` is committed; the agent may forget it."""

    boot: str
    seq: int
    server_at: str = ""


class Decision(Struct, frozen=True, omit_defaults=True):
    """The answer to `Access`: for how long, or why not, in words for the display.

    With `needs_button` power comes only after a button at the machine. Allowed with the session that runs: it ends
    then, at once with `most_s` 0. Allowed with another: that one takes over.
    """

    request_id: str
    is_allowed: bool
    server_at: str
    session_id: str = ""
    most_s: int = 0
    warn_s: int = 0
    needs_button: bool = False
    display_name: str = ""
    reason: str = ""
    text: str = ""


class Command(Struct, frozen=True):
    """An order to the device; void after `expires_at`."""

    command_id: str
    command: Literal["enable", "disable", "lock", "message", "set-config", "reboot"]
    expires_at: str
    data: dict[str, Any] = {}
    server_at: str = ""


class RosterEntry(Struct, frozen=True, rename={"start": "from"}):
    """One person who may start while the server is out of reach: HMAC-SHA256 of the badge's number with the device's
    own key, a name to show, and from when to when."""

    badge: str
    name: str
    start: str
    until: str


class Roster(Struct, frozen=True):
    """Who may start offline: dated, versioned and signed for one device; nobody where `is_online_only`.

    `signature`: HMAC-SHA256 with the device's own key over all other fields as JSON, keys sorted, no blanks, UTF-8.
    """

    device: str
    version: int
    issued_at: str
    valid_until: str
    is_online_only: bool
    entries: list[RosterEntry]
    signature: str


_envelope = msgspec.json.Decoder(Envelope)
_status = msgspec.json.Decoder(Status)
_data = {leaf: msgspec.json.Decoder(kind) for leaf, kind in LEAVES.items()}


class Numbered(Struct, frozen=True):
    """An envelope with its data read."""

    leaf: str
    boot: str
    seq: int
    at: str
    uptime_s: float
    data: Hello | Event | Reading | Access | CommandAck


def parse_topic(topic: str) -> tuple[str, str]:
    """`(device slug, leaf)` of one of our own up-topics.

    Raises:
        MalformedMessage: `unknown_topic`.
    """
    parts = topic.split("/")
    if len(parts) == 5 and parts[0] == "fablab" and parts[1] == "v1" and parts[3] == "up":
        return parts[2], parts[4]
    raise MalformedMessage("unknown_topic", "The topic is not fablab/v1/<device>/up/<message>.")


def parse_status(payload: bytes) -> Status:
    """Raises: MalformedMessage."""
    _check_size(payload)
    return _decoded(_status, payload)


def parse_numbered(leaf: str, payload: bytes) -> Numbered:
    """The message in `payload`, of the kind its topic names.

    Raises:
        MalformedMessage: too_large, unknown_leaf, not_json, wrong_shape, too_deep, not_utf8 or not_finite.
    """
    _check_size(payload)
    decoder = _data.get(leaf)
    if decoder is None:
        raise MalformedMessage("unknown_leaf", f"No message of the protocol is called {leaf[:40]!r}.")
    envelope = _decoded(_envelope, payload)
    data = _decoded(decoder, bytes(envelope.data))
    if isinstance(data, Reading):
        _check_finite(data)
    return Numbered(leaf, envelope.boot, envelope.seq, envelope.at, envelope.uptime_s, data)


def peek_number(payload: bytes) -> tuple[str, int] | None:
    """`(boot, seq)` of a payload whose data is malformed, when its envelope can still be read.

    The hole in the numbering is filled with it: an agent must not resend a hopeless message for ever.
    """
    try:
        _check_size(payload)
        envelope = _decoded(_envelope, payload)
    except MalformedMessage:
        return None
    return envelope.boot, envelope.seq


def _check_size(payload: bytes) -> None:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MalformedMessage("too_large", f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are read.")


def _decoded(decoder: msgspec.json.Decoder[Any], payload: bytes) -> Any:
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise MalformedMessage("wrong_shape", str(error)[:300]) from None
    except UnicodeDecodeError:
        raise MalformedMessage("not_utf8", "The text is not UTF-8.") from None
    except msgspec.DecodeError as error:
        raise MalformedMessage("not_json", str(error)[:300]) from None
    except RecursionError:
        raise MalformedMessage("too_deep", "The JSON is nested too deeply.") from None


def _check_finite(reading: Reading) -> None:
    for sample in reading.samples:
        for value in (sample.power_w, sample.energy_wh, sample.temperature_c):
            if value is not None and not math.isfinite(value):
                raise MalformedMessage("not_finite", "A measured value is not a finite number.")

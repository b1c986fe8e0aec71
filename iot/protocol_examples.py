"""Every message of the protocol by topic, with one example each; the published documents are made from this list."""

from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

from iot import protocol

Direction = Literal["up", "down"]

_AT = "2026-03-12T13:00:04.120Z"
_BOOT = "b7Qk2mZx"


@dataclass(frozen=True, slots=True)
class Message:
    """What may stand on `fablab/v1/<device>/<direction>/<leaf>`.

    `is_numbered`: `kind` is the `data` of an envelope. `note` says what a reader of the types cannot see.
    """

    direction: Direction
    leaf: str
    kind: type[Struct]
    example: dict[str, Any]
    note: str = ""
    is_numbered: bool = False
    is_retained: bool = False

    @property
    def topic(self) -> str:
        return f"{protocol.TOPIC_ROOT}/{{device}}/{self.direction}/{self.leaf}"

    @property
    def name(self) -> str:
        """Its name among the published schemas, such as UpReading."""
        return f"{self.direction.title()}{self.leaf.title()}"


def _numbered(leaf: str, seq: int, data: dict[str, Any], note: str = "") -> Message:
    envelope = {"v": protocol.VERSION, "boot": _BOOT, "seq": seq, "at": _AT, "uptime_s": 8123.4, "data": data}
    return Message("up", leaf, protocol.LEAVES[leaf], envelope, note, is_numbered=True)


MESSAGES: tuple[Message, ...] = (
    Message(
        "up",
        "status",
        protocol.Status,
        {"state": "online", "boot": _BOOT, "at": _AT, "uptime_s": 8123.4},
        is_retained=True,
    ),
    _numbered(
        "hello",
        1,
        {"firmware": "1.4.0", "capabilities": ["relay", "badge", "button"], "config_version": 3, "roster_version": 7},
    ),
    _numbered("event", 41, {"event": "busy"}),
    _numbered(
        "reading",
        42,
        {"samples": [{"age_ms": 2000, "power_w": 118.5, "energy_wh": 5021.25}, {"power_w": 121.0}]},
        "Batch what was measured: one message may carry many samples.",
    ),
    _numbered(
        "access",
        43,
        {"request_id": "r-17", "credential": "04A2B91C5D7280", "kind": "badge"},
        "Answered by `down/decision` within 15 seconds or not at all. The number of a badge is never stored.",
    ),
    _numbered("ack", 44, {"command_id": "c-9", "is_done": False, "reason": "expired"}),
    Message("down", "ack", protocol.DownAck, {"boot": _BOOT, "seq": 44, "server_at": _AT}),
    Message(
        "down",
        "decision",
        protocol.Decision,
        {
            "request_id": "r-17",
            "is_allowed": True,
            "server_at": _AT,
            "session_id": "s-201",
            "most_s": 5400,
            "warn_s": 300,
            "needs_button": True,
            "display_name": "Camille",
            "text": "Until 14:30",
        },
        "One whose request is unknown to the device opens nothing.",
    ),
    Message(
        "down",
        "command",
        protocol.Command,
        {
            "command_id": "c-9",
            "command": "message",
            "expires_at": _AT,
            "data": {"text": "Ten minutes left", "for_s": 20},
            "server_at": _AT,
        },
        "Sent again every ten seconds until it is answered or void; carried out once.",
    ),
    Message(
        "down",
        "roster",
        protocol.Roster,
        {
            "device": "laser-1",
            "version": 7,
            "issued_at": "2026-03-12T13:00:00Z",
            "valid_until": "2026-03-13T13:00:00Z",
            "is_online_only": False,
            "entries": [
                {"badge": "9f2c4e", "name": "Camille", "from": "2026-03-12T13:00:00Z", "until": "2026-03-12T15:00:00Z"}
            ],
            "signature": "5be0c1",
        },
        "Too old, or not signed with the device's own key: nobody starts.",
        is_retained=True,
    ),
)

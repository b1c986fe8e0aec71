"""Badge numbers leave a message before anything keeps it: the inbox, the quarantine and the logs see a mark only."""

import re
from dataclasses import replace
from typing import Any

import msgspec

from iot.drivers import rfid
from iot.ingest.raw import Directory, RawMessage
from iot.protocol import MAX_PAYLOAD_BYTES
from people.badges import masked_badge

# Our own field, and what readers of other makers call it.
_KEY = r"credential|badge\w*|uid|card\w*|rfid\w*|pin"
_IS_NUMBER_KEY = re.compile(_KEY, re.IGNORECASE)
# What a reader says that belongs to nobody any more: hexadecimal digits and nothing else.
_BARE = re.compile(rb"(?:[0-9A-Fa-f]{2}[ :.-]?){4,16}")
_SUSPECT = re.compile(rf'"(?:{_KEY})"\s*:'.encode(), re.IGNORECASE)


def masked(raw: RawMessage, directory: Directory) -> RawMessage:
    """The message with each badge number replaced by its mark; one that cannot be read comes back as it is."""
    if any(route.kind == rfid.KIND for route in directory.foreign(raw.topic)):
        # A bare number has no name that would give it away.
        return replace(raw, payload=rfid.with_mark(raw.payload, masked_badge))
    if not _may_hold_number(raw):
        return raw
    content = _content(raw.payload)
    if content is None:
        return raw
    try:
        return replace(raw, payload=msgspec.json.encode(_without_numbers(content)))
    except RecursionError:
        # Nested so deeply that no parser reads it either: nothing of it is kept.
        return replace(raw, payload=b"")


def fit_to_keep(raw: RawMessage) -> RawMessage:
    """What the quarantine may keep of a masked message.

    Nothing of what came as `access` but is none, nor of what could hold a number and cannot be read: nobody can tell
    where the number stands.
    """
    if not _may_hold_number(raw) or (not _is_access(raw) and _content(raw.payload) is not None):
        return raw
    note = f"[{len(raw.payload)} bytes, not kept: they may hold a badge number]"
    return replace(raw, payload=note.encode())


def fit_to_tell(raw: RawMessage, detail: str) -> str:
    """A parser's complaint without the value that it quotes."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", detail) if _may_hold_number(raw) else detail


def _may_hold_number(raw: RawMessage) -> bool:
    is_bare = _BARE.fullmatch(raw.payload.strip()[:80]) is not None
    return is_bare or _is_access(raw) or _SUSPECT.search(raw.payload) is not None


def _is_access(raw: RawMessage) -> bool:
    return raw.topic.endswith("/access")


def _content(payload: bytes) -> Any:
    """What the JSON says; None when it is none."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return None
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _without_numbers(content: Any, *, is_number: bool = False) -> Any:
    if isinstance(content, dict):
        return {
            key: _without_numbers(value, is_number=_IS_NUMBER_KEY.fullmatch(key) is not None)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [_without_numbers(item, is_number=is_number) for item in content]
    if is_number and isinstance(content, str) and content:
        return masked_badge(content)
    # No text, so the protocol refuses it: nothing of it is kept.
    return 0 if is_number and isinstance(content, int | float) else content

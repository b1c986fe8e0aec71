"""Who may start while the lab is out of reach: signed by the lab for this device, and soon out of date. Pure."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from .server_time import parsed

# A lab's clock and a message's way differ by less; a roster from further ahead was made by a wrong clock.
AHEAD_MOST = timedelta(minutes=5)

Refusal = Literal["offline_stale", "unknown_badge", "outside_time", "online_only"]


class RosterRefused(Exception):
    """The roster is not the lab's for this device, or cannot be read; the text says why. The old one is kept."""


@dataclass(frozen=True)
class Entry:
    """One person's right to start within [start, end)."""

    badge: str
    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Roster:
    """Checked already. `is_online_only`: too dangerous a machine to let anybody start unseen."""

    version: int
    issued_at: datetime
    valid_until: datetime
    is_online_only: bool
    entries: tuple[Entry, ...]
    key: bytes

    @property
    def age_key(self) -> tuple[datetime, int]:
        """Greater is newer."""
        return self.issued_at, self.version

    def answer(self, badge: str, now: datetime | None) -> Entry | Refusal:
        """The entry that lets this badge (upper-case hexadecimal) in now, or why none does.

        Without a time that can be relied on, `now` is None and nobody is let in.
        """
        if self.is_online_only:
            return "online_only"
        if now is None or not self.issued_at - AHEAD_MOST <= now < self.valid_until:
            return "offline_stale"
        mark = badge_mark(self.key, badge)
        mine = [entry for entry in self.entries if hmac.compare_digest(entry.badge, mark)]
        running = [entry for entry in mine if entry.start <= now < entry.end]
        if running:
            return max(running, key=lambda entry: entry.end)
        return "outside_time" if mine else "unknown_badge"

    def most_s(self, entry: Entry, now: datetime) -> float:
        """How long this person may go on: to the end of the entry or of the roster, whichever is first."""
        return (min(entry.end, self.valid_until) - now).total_seconds()


def badge_mark(key: bytes, badge: str) -> str:
    """What stands in a roster instead of the badge's number."""
    return hmac.new(key, badge.encode(), hashlib.sha256).hexdigest()


def signature_of(key: bytes, told: Mapping[str, Any]) -> str:
    """HMAC-SHA256 over everything but the signature: JSON with sorted keys, no blanks, UTF-8."""
    content = {name: value for name, value in told.items() if name != "signature"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A lone surrogate passes json.loads; no lab would have signed it, so it only must not raise.
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def read_roster(told: Mapping[str, Any], key_hex: str, device: str) -> Roster:
    """Check the signature, then read. The roster of another device is refused even under the same key.

    Raises:
        RosterRefused
    """
    if not key_hex:
        raise RosterRefused("This device has no key for rosters: enrol it again.")
    key = bytes.fromhex(key_hex)
    signature = told.get("signature")
    # Compared as bytes: compare_digest refuses text that is not ASCII.
    if not isinstance(signature, str) or not hmac.compare_digest(
        signature.encode("utf-8", "replace"), signature_of(key, told).encode()
    ):
        raise RosterRefused("The signature is not the lab's.")
    if told.get("device", device) != device:
        raise RosterRefused("It was made for another device.")
    entries = told.get("entries")
    version = told.get("version")
    if type(version) is not int or not isinstance(entries, list):
        raise RosterRefused("It has no version or no entries.")
    return Roster(
        version=version,
        issued_at=_instant(told, "issued_at"),
        valid_until=_instant(told, "valid_until"),
        # Anything but a plain "no" keeps the door shut.
        is_online_only=told.get("is_online_only", False) is not False,
        entries=tuple(_entry(each) for each in entries),
        key=key,
    )


def _entry(told: object) -> Entry:
    if not isinstance(told, dict) or not isinstance(told.get("badge"), str) or not told["badge"].isascii():
        raise RosterRefused("An entry has no badge.")
    name = told.get("name")
    return Entry(
        badge=told["badge"].lower(),
        name=name[:60] if isinstance(name, str) else "",
        start=_instant(told, "from"),
        end=_instant(told, "until"),
    )


def _instant(told: Mapping[str, Any], name: str) -> datetime:
    instant = parsed(told.get(name))
    if instant is None:
        raise RosterRefused(f"{name} is not an instant.")
    return instant

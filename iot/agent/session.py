"""One person's time at a machine or a seat, and how it outlives a restart."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

LONGEST_S = 7 * 86_400.0
STOP_REASONS = frozenset(
    {
        "normal",
        "job_finished",
        "idle_timeout",
        "booking_end",
        "closing",
        "takeover",
        "permission",
        "supervisor",
        "emergency_stop",
        "safety_input",
        "agent_lost",
        "power_cut",
        "offline",
    }
)
FOR_SAFETY = frozenset({"emergency_stop", "safety_input"})


@dataclass
class Session:
    """`end_s` is by the boot clock, so that no clock which a person can set moves it.

    `ends_at` is the same instant by the lab's time, for after a restart of the computer. With `stops_for` set it ends
    for that reason as soon as the machine rests.
    """

    session_id: str
    name: str
    end_s: float
    warn_s: float = 300.0
    ends_at: str = ""
    request_id: str = ""
    is_offline: bool = False
    is_warned: bool = False
    stops_for: str = ""

    def left_s(self, now_s: float) -> float:
        return self.end_s - now_s

    def minutes_left(self, now_s: float) -> int:
        return max(1, round(self.left_s(now_s) / 60))

    def prolong(self, other: "Session") -> None:
        """Take over another end and name; the warning comes again before the new end."""
        self.name = other.name or self.name
        self.end_s, self.ends_at, self.warn_s = other.end_s, other.ends_at, other.warn_s
        self.is_warned, self.stops_for = False, ""

    def kept(self, now_s: float, computer_boot: str) -> dict[str, Any]:
        """What to write down."""
        return asdict(self) | {"left_s": max(0.0, self.left_s(now_s)), "computer_boot": computer_boot}


@dataclass(frozen=True)
class Resumed:
    """A session that was written down; `has_computer_restarted` when the boot clock began anew since."""

    session: Session
    has_computer_restarted: bool


def resumed(kept: Mapping[str, Any], now_s: float, computer_boot: str) -> Resumed | None:
    """What `Session.kept` wrote; None when there was none, or when it cannot be read."""
    try:
        names = ("session_id", "name", "ends_at", "request_id", "stops_for")
        session = Session(
            **{name: str(kept[name]) for name in names},
            end_s=float(kept["end_s"]),
            warn_s=float(kept["warn_s"]),
            is_offline=bool(kept["is_offline"]),
            is_warned=bool(kept["is_warned"]),
        )
        is_same = bool(computer_boot) and kept["computer_boot"] == computer_boot
        if not is_same:
            session.end_s = now_s + min(LONGEST_S, float(kept["left_s"]))
    except (KeyError, TypeError, ValueError):
        return None
    return Resumed(session, not is_same)


def told_session(
    told: Mapping[str, Any], now_s: float, server_now: datetime | None, *, warn_s: float
) -> Session | None:
    """The session that a decision or an order grants, from now; None when it names none, or no time."""
    session_id, name = told.get("session_id"), told.get("display_name")
    granted_s = seconds(told.get("most_s"), most=LONGEST_S)
    if not isinstance(session_id, str) or not 0 < len(session_id) <= 60 or granted_s is None:
        return None
    return Session(
        session_id=session_id,
        name=name[:60] if isinstance(name, str) else "",
        end_s=now_s + granted_s,
        warn_s=seconds(told.get("warn_s"), most=3600) or warn_s,
        ends_at=ends_at(server_now, granted_s),
    )


def seconds(value: object, *, most: float) -> float | None:
    """A number above 0, cut to `most`; None for anything else, "not a number" among it."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        return None
    return float(min(value, most))


def ends_at(server_now: datetime | None, left_s: float) -> str:
    """The end by the lab's time; empty while that is not known."""
    return "" if server_now is None else (server_now + timedelta(seconds=left_s)).isoformat()

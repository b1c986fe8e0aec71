"""A session's life at a machine or seat: it begins, is prolonged, warned of its end, and ends; over restarts too.

A running or hot machine is never cut, except by an emergency stop or a safety input.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .config import EMERGENCY_STOP
from .hardware import Hardware, HardwareError
from .screen import Screen
from .server_time import ServerTime, boot_clock_s, computer_boot, parsed
from .session import Resumed, Session
from .settings import Settings
from .state import State

log = logging.getLogger("fablab-agent")

RETRY_OFF_S = 30.0
KEEP_SESSION_EVERY_S = 60.0
IDLE_WARNING_S = 60.0
# Tells the lab that a safety input is over; the power was off already.
SAFE_AGAIN = "safe again"


class Reports(Protocol):
    """What a station needs of the agent; each call returns once the message is kept."""

    @property
    def is_connected(self) -> bool: ...

    def event(self, event: str, *, reason: str = "", session_id: str = "") -> None: ...

    def access(
        self, credential: str, kind: str = "badge", *, request_id: str, decided: str = "", session_id: str = "",
        roster_version: int = 0,
    ) -> str: ...  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """How a machine and a seat differ.

    `is_confirmed_here`: no order from afar lets power through before somebody at the machine confirms.
    `is_cut_at_end`: the end is the end even when nothing tells whether it runs.
    `outlives_power_cut`: its session goes on after the computer restarted.
    """

    is_confirmed_here: bool = True
    is_cut_at_end: bool = False
    outlives_power_cut: bool = False


SEAT = Kind(is_confirmed_here=False, is_cut_at_end=True, outlives_power_cut=True)


@dataclass(frozen=True)
class Offered:
    """A session that begins once somebody presses the button."""

    session: Session
    until_s: float


class Lifecycle:
    """Not safe from several threads by itself: `Station` holds `lock` around every call."""

    def __init__(
        self,
        reports: Reports,
        hardware: Hardware,
        state: State,
        settings: Callable[[], Settings],
        server_time: ServerTime,
        *,
        kind: Kind | None = None,
        clock_s: Callable[[], float] = boot_clock_s,
        boot: str | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.kind = kind or Kind()
        self.hardware = hardware
        self.settings = settings
        self.clock_s = clock_s
        self.server_time = server_time
        self.screen = Screen(hardware.display, settings, clock_s)
        self.session: Session | None = None
        self.offered: Offered | None = None
        self.reports = reports
        self.state = state
        self._boot = computer_boot() if boot is None else boot
        self._lock_reason: str | None = state.get("lock").get("reason")
        # When the emergency stop was pressed last, by the lab's time; None when nobody could tell.
        self._stopped = parsed(state.get("lock").get("stopped_at"))
        # The same by the boot clock; what an earlier run saw was before this one.
        self._stopped_s = clock_s() if self._lock_reason == EMERGENCY_STOP or self._stopped else None
        self._tripped: set[str] = set()
        self._busy_s: float | None = None
        self._is_busy_told = False
        self._rests_since_s = clock_s()
        self._is_idle_warned = False
        self._kept_s = float("-inf")
        self._off_again_s: float | None = None
        self.began_s = self.ended_s = float("-inf")
        self._hot_until_s = float("-inf")
        self._ends_when_cool = False

    # --- state -----------------------------------------------------------------------------------------------

    def blocked(self) -> str:
        """Why nobody can start now, as a code of the words; empty when somebody could."""
        if self._tripped:
            return EMERGENCY_STOP if EMERGENCY_STOP in self._tripped else "safety_input"
        if self._lock_reason is None:
            return ""
        return EMERGENCY_STOP if self._lock_reason == EMERGENCY_STOP else "locked"

    @property
    def is_locked_out(self) -> bool:
        return self._lock_reason is not None

    def is_tripped(self) -> bool:
        return bool(self._tripped)

    def is_busy(self) -> bool | None:
        """Whether the machine runs; None when nothing tells. A pause shorter than `idle_after_s` is still running."""
        if self.hardware.busy is None:
            return None
        return self._busy_s is not None and self.clock_s() - self._busy_s <= self.settings().idle_after_s

    def is_kept_on(self) -> bool:
        """Whether the lab says that the machine is hot: its fan goes on."""
        return self.session is not None and self.clock_s() < self._hot_until_s

    def keep_on(self, hot_for_s: float) -> None:
        """No end cuts the power for so long, except an emergency stop or a safety input; 0 once it has cooled down."""
        self._hot_until_s = self.clock_s() + hot_for_s

    # --- changes ---------------------------------------------------------------------------------------------

    def begin(self, session: Session) -> bool:
        """Let power through for this session; one that runs is taken over, without a gap in the power. False when the
        machine is blocked or no power came: then nothing has changed."""
        if code := self.blocked():
            self.screen.say(code)
            return False
        if not self._switched_on():
            return False
        self._forget_offer()
        earlier, self.session = self.session, session
        if earlier:
            self.reports.event("stop", reason="takeover", session_id=earlier.session_id)
            # It goes on working, now for somebody else: said anew.
            self._is_busy_told = False
        self.began_s = self._rests_since_s = self.clock_s()
        self._is_idle_warned = self._ends_when_cool = False
        self.keep_session()
        self.reports.event("energised", session_id=session.session_id)
        self.screen.say("on", self._standing_values(session))
        return True

    def prolong(self, session: Session) -> None:
        """Another end for the session that runs."""
        if self.session:
            self.session.prolong(session)
            self._ends_when_cool = False
            self.keep_session()
            self.screen.say("on", self._standing_values(self.session))

    def offer(self, session: Session) -> None:
        """Wait for somebody who presses the button at the machine, or, without one, holds a badge to the reader."""
        if code := self.blocked():
            self.screen.say(code)
            return
        wait_s = self.settings().confirm_within_s
        self.offered = Offered(session, self.clock_s() + wait_s)
        self.keep_offer(session)
        self.screen.say("press" if self.hardware.button else "ready", {"name": session.name}, for_s=wait_s)

    def keep_offer(self, session: Session) -> None:
        """A restart in between must not leave the lab waiting."""
        self.state.keep("offered", {"session_id": session.session_id})

    def look_at_offer(self) -> None:
        if self.offered and self.clock_s() >= self.offered.until_s:
            self.lapse("idle_timeout", code="too_late" if self.hardware.button else "nobody")

    def lapse(self, reason: str, *, code: str) -> None:
        """What was offered is not taken up: the lab is told, so that others may have the machine."""
        if self.offered:
            session_id, self.ended_s = self.offered.session.session_id, self.clock_s()
            self._forget_offer()
            self._say_not_begun(session_id, reason)
            self.screen.say(self.blocked() or code)

    def lapse_earlier_offer(self) -> None:
        """An earlier run of the agent was cut off while it waited."""
        session_id = self.state.get("offered").get("session_id")
        if isinstance(session_id, str):
            self.state.drop("offered")
            self._say_not_begun(session_id, "agent_lost")

    def _forget_offer(self) -> None:
        if self.offered:
            self.offered = None
            self.state.drop("offered")

    def _say_not_begun(self, session_id: str, reason: str) -> None:
        self.reports.event("stop", reason=reason, session_id=session_id)
        # A machine that works without a session goes on: said anew, for the lab has just heard of a stop.
        self._is_busy_told = False

    def end(self, reason: str, *, code: str = "off") -> None:
        """Power off, and say so to the lab. An emergency ends more than a session: see `_trip`."""
        session, self.session, self.ended_s = self.session, None, self.clock_s()
        self.lapse(reason, code=code)
        self.switch_off()
        self.state.drop("session")
        if session:
            self.reports.event("stop", reason=reason, session_id=session.session_id)
        self.reports.event("de_energised", session_id=session.session_id if session else "")
        self.screen.say(code)

    def end_when_idle(self, reason: str) -> None:
        """At once when the machine rests, or when nothing can tell."""
        if not self.session:
            return
        if self.is_busy() or self.is_kept_on():
            self.session.stops_for = reason
            self._ends_when_cool = self.is_kept_on()
            self.keep_session()
            self.screen.say("over" if self.is_busy() else "hot")
        else:
            self.end(reason)

    def resume(self, found: Resumed) -> None:
        """Go on with a session of an earlier run of the agent.

        A machine whose power was off meanwhile, or whose computer restarted, is not switched on again by itself.
        """
        is_on = self.kind.outlives_power_cut or (not found.has_computer_restarted and self.hardware.relay.is_on)
        self.session = found.session
        if is_on:
            self.began_s = self.clock_s()
            return
        self.end("power_cut" if found.has_computer_restarted else "agent_lost", code="ready")

    def keep_session(self) -> None:
        if self.session:
            self._kept_s = self.clock_s()
            self.state.keep("session", self.session.kept(self._kept_s, self._boot))

    def keep_lock(self, reason: str | None) -> None:
        """Nobody is let in while there is a reason; over restarts too."""
        was_stopped = self._lock_reason == EMERGENCY_STOP
        self._lock_reason = reason
        if reason is None and was_stopped:
            self.reports.event("de_energised", reason=SAFE_AGAIN)
        if reason is None:
            self._stopped, self._stopped_s = None, None
            self.state.drop("lock")
        else:
            self.state.keep("lock", {"reason": reason, "stopped_at": self._stopped and self._stopped.isoformat()})

    def is_stopped_since(self, at: datetime) -> bool:
        """Whether the emergency stop was pressed after this instant: whoever lifted it then did not see that."""
        if self._stopped_s is None:
            return False
        told = [instant for instant in (self._stopped, self.server_time.instant(self._stopped_s)) if instant]
        return bool(told) and min(told) > at

    # --- looking ---------------------------------------------------------------------------------------------

    def look_at_safety(self) -> None:
        active = {name for name, contact in self.hardware.safety.items() if contact.is_active}
        news, gone, self._tripped = active - self._tripped, self._tripped - active, active
        for name in sorted(news):
            self._trip(name)
        if gone and not self.blocked():
            self.reports.event("de_energised", reason=SAFE_AGAIN)

    def _trip(self, name: str) -> None:
        """Off first, whatever runs; an emergency stop is kept until a person lifts it."""
        reason = EMERGENCY_STOP if name == EMERGENCY_STOP else "safety_input"
        if self.session or self.hardware.relay.is_on:
            self.end(reason, code=reason)
        else:
            # Who was let in before holds the badge to the reader again.
            self.lapse(reason, code=reason)
        if name == EMERGENCY_STOP:
            self._stopped, self._stopped_s = self.server_time.now(), self.clock_s()
            self.keep_lock(EMERGENCY_STOP)
        # Last, so that it is what the lab goes on showing.
        self.reports.event("safety_input", reason=name, session_id="")

    def look_at_use(self) -> None:
        """Tell the lab when the machine begins and ceases to run, with or without a session."""
        if self.hardware.busy is None:
            return
        now_s = self.clock_s()
        if self.hardware.busy.is_active:
            self._busy_s = now_s
        is_busy = bool(self.is_busy())
        if is_busy != self._is_busy_told:
            self._is_busy_told = is_busy
            self.reports.event(
                "busy" if is_busy else "idle", session_id=self.session.session_id if self.session else ""
            )
        if is_busy:
            self._rests_since_s, self._is_idle_warned = now_s, False

    def look_at_end(self, session: Session) -> None:
        now_s = self.clock_s()
        self._correct_end(session, now_s)
        if now_s - self._kept_s >= KEEP_SESSION_EVERY_S and self.kind.outlives_power_cut:
            self.keep_session()
        if session.stops_for or session.left_s(now_s) <= 0:
            self._look_at_stop(session.stops_for or "booking_end")
        elif not session.is_warned and session.left_s(now_s) <= session.warn_s:
            session.is_warned = True
            self.screen.say("warning", {"minutes": session.minutes_left(now_s)}, is_alert=True)
        else:
            self._look_at_rest(now_s)

    def _look_at_stop(self, reason: str) -> None:
        is_busy = True if self.is_kept_on() else self.is_busy()
        # "Unknown" is not "idle": the lab, which may see the power, or the visitor ends it.
        if is_busy is False or (is_busy is None and (self.kind.is_cut_at_end or self._ends_when_cool)):
            self.end(reason)

    def _look_at_rest(self, now_s: float) -> None:
        """Off after so much rest, when the lab set that; a minute's warning before."""
        idle_off_s = self.settings().idle_off_s
        if not idle_off_s or self.is_kept_on() or self.is_busy() is not False:
            return
        rested_s = now_s - self._rests_since_s
        if rested_s >= idle_off_s:
            self.end("idle_timeout")
        elif rested_s >= idle_off_s - IDLE_WARNING_S and not self._is_idle_warned:
            self._is_idle_warned = True
            self.screen.say("idle_warning", is_alert=True)

    def _correct_end(self, session: Session, now_s: float) -> None:
        """After a restart of the computer the lab's time says how much is really left."""
        end, now = parsed(session.ends_at), self.server_time.now()
        if end is not None and now is not None:
            session.end_s = now_s + (end - now).total_seconds()

    def standing(self) -> tuple[str, dict[str, object]]:
        """What holds now, for the screen."""
        if code := self.blocked():
            return code, {}
        if self.offered:
            return ("press" if self.hardware.button else "ready"), {"name": self.offered.session.name}
        if not self.session:
            return "ready", {}
        if self.session.stops_for or self.session.left_s(self.clock_s()) <= 0:
            if self.is_kept_on() and not self.is_busy():
                return "hot", {}
            return ("over_press" if self.is_busy() is None else "over"), {}
        return "on", self._standing_values(self.session)

    def _standing_values(self, session: Session) -> dict[str, object]:
        return {"name": session.name, "minutes": session.minutes_left(self.clock_s())}

    # --- the relay -------------------------------------------------------------------------------------------

    def _switched_on(self) -> bool:
        try:
            if not self.hardware.relay.is_on:
                self.hardware.relay.switch(True)
            is_on = self.hardware.relay.is_on
        except HardwareError as error:
            log.error("%s", error)
            is_on = False
        if not is_on:
            self.reports.event("fault", reason="relay")
            self.screen.say("broken")
        return is_on

    def switch_off(self) -> None:
        """Again every 30 s while it does not work."""
        try:
            self.hardware.relay.switch(False)
        except HardwareError as error:
            if self._off_again_s is None:
                log.error("%s", error)
                self.reports.event("fault", reason="relay")
            self._off_again_s = self.clock_s() + RETRY_OFF_S
        else:
            self._off_again_s = None

    def retry_off(self) -> None:
        if self._off_again_s is not None and self.clock_s() >= self._off_again_s and self.session is None:
            self.switch_off()

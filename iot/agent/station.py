"""One machine or seat: who is let in. Knows no MQTT and no wires. Losing the lab enables nothing."""

import functools
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from .lifecycle import Lifecycle
from .roster import Entry, Roster, RosterRefused, read_roster
from .session import Session, resumed, told_session

log = logging.getLogger("fablab-agent")

SAME_BADGE_S = 2.0
BOUNCE_S = 3.0
# What the button says of whoever presses it: nothing.
BUTTON = "button"
# The lab's word for a request that came too old to be decided.
TOO_LATE = "too_late"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """A badge, code or button that waits for the lab's decision."""

    request_id: str
    kind: str
    credential: str
    at_s: float


def locked(method: Callable[Concatenate["Station", P], T]) -> Callable[Concatenate["Station", P], T]:
    """One thread at a time: badges, buttons, the lab and the clock all come from different ones."""

    @functools.wraps(method)
    def _locked(self: "Station", *args: P.args, **kwargs: P.kwargs) -> T:
        with self.lock:
            return method(self, *args, **kwargs)

    return _locked


class Station(Lifecycle):
    """Call `tick` several times a second; every method of this class may be called from any thread."""

    def __init__(self, *args: Any, device: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._device = device
        self._asked: Asked | None = None
        # A safety stop came between this badge and its decision.
        self._void_request = ""
        self._roster: Roster | None = None
        self._last_badge = ("", float("-inf"))

    # --- what happens at the machine -------------------------------------------------------------------------

    @locked
    def start(self) -> None:
        """Take up what an earlier run left: lock-out, roster and session. Once, before anything else."""
        self._roster = self._checked_roster(self.state.get("roster"))
        self.lapse_earlier_offer()
        found = resumed(self.state.get("session"), self.clock_s(), self._boot)
        if found:
            self.resume(found)
        elif self.hardware.relay.is_on:
            self.switch_off()
        self.tick()

    @locked
    def badge(self, badge: str) -> None:
        """A badge was held to the reader. Readers repeat a badge while it lies there: once in 2 s counts."""
        now_s = self.clock_s()
        last, last_s = self._last_badge
        self._last_badge = (badge, now_s)
        if badge == last and now_s - last_s < SAME_BADGE_S:
            return
        self._ask("badge", badge)

    @locked
    def code(self, code: str) -> None:
        """The code of a phone was typed. It is good at the lab only: no roster knows it."""
        self._ask("code", code)

    def _ask(self, kind: str, credential: str) -> None:
        if code := self.blocked():
            self.screen.say(code)
            return
        asked = Asked(secrets.token_hex(8), kind, credential, self.clock_s())
        if not self.reports.is_connected:
            self._decide_offline(asked)
            return
        self._asked = asked
        self.screen.say("asking", for_s=self.settings().decision_within_s)
        self.reports.access(credential, kind, request_id=asked.request_id)

    @locked
    def press(self) -> None:
        """The button: starts what is offered, or ends a session whose machine rests; otherwise the lab is asked whose
        the machine is now. Whoever has just ended, or waits for an answer, is not asking that."""
        now_s, session = self.clock_s(), self.session
        self.reports.event("button", session_id=session.session_id if session else "")
        if self.offered and now_s < self.offered.until_s:
            self._begin_or_give_up(self.offered.session)
        elif session and now_s - self.began_s > BOUNCE_S:
            self.end_by_hand()
        elif session is None and self._asked is None and now_s - self.ended_s > BOUNCE_S:
            self._ask("button", BUTTON)

    def _trip(self, name: str) -> None:
        """Nor does a decision that was asked for before let power through after it."""
        if self._asked:
            self._void_request, self._asked = self._asked.request_id, None
        super()._trip(name)

    def end_by_hand(self) -> None:
        """Whoever has it leaves, unless it works just now."""
        if self.is_busy():
            self.screen.say("busy")
        else:
            self.end_when_idle("normal")

    @locked
    def tick(self) -> None:
        """Look at the inputs and at the clock."""
        now_s = self.clock_s()
        self.look_at_safety()
        self.look_at_use()
        if self._asked and now_s - self._asked.at_s >= self.settings().decision_within_s:
            asked, self._asked = self._asked, None
            self._decide_offline(asked)
        self.look_at_offer()
        if self.session:
            self.look_at_end(self.session)
        self.retry_off()
        self.screen.tick(self.standing())

    def close(self) -> None:
        """Leave: a session stays written down, and a relay that lets power through for it is left as it is."""
        with self.lock:
            self.lapse("agent_lost", code="ready")
            self.keep_session()
            if self.session is None and self.hardware.relay.is_on:
                self.switch_off()
        # Outside the lock: a reader's thread may wait for it just now.
        self.hardware.close()

    # --- what the lab says -----------------------------------------------------------------------------------

    @locked
    def decide(self, told: Mapping[str, Any]) -> None:
        """A decision. Only one that answers the badge that waits counts: an old one must not let power through."""
        request_id, is_allowed = told.get("request_id"), told.get("is_allowed") is True
        if self._asked and request_id == self._asked.request_id:
            asked, self._asked = self._asked, None
            if is_allowed:
                self._allowed(told, is_pressed=asked.kind == "button")
            else:
                self.screen.say("denied", text=told.get("text"))
        elif session := self._by_roster(request_id):
            self._decided_late(session, told, is_allowed)
        elif is_allowed and self._void_request and request_id == self._void_request:
            self._void_request = ""
            self.reports.event("stop", reason="safety_input", session_id=str(told.get("session_id") or "")[:60])

    @locked
    def take_roster(self, told: Mapping[str, Any]) -> None:
        """Keep a newer roster; one that is not the lab's, or older, changes nothing.

        Its date goes before its version: a lab that was restored from a backup counts its versions anew.
        """
        roster = self._checked_roster(told)
        if roster and (self._roster is None or roster.age_key > self._roster.age_key):
            self._roster = roster
            self.state.keep("roster", told)

    @locked
    def grant(self, session: Session) -> bool:
        """An order to start or prolong: a machine waits for somebody who confirms it there. False when it was to begin
        at once and could not."""
        if self.session and self.session.session_id == session.session_id:
            self.prolong(session)
        elif self.kind.is_confirmed_here:
            self.offer(session)
        else:
            return self.begin(session)
        return True

    @locked
    def stop(self, reason: str, *, is_patient: bool) -> bool:
        """An order to end; False when the machine runs or is hot, and the order would not wait."""
        self._asked = None
        self.lapse(reason, code="denied")
        if self.session and (self.is_busy() or self.is_kept_on()) and not is_patient:
            return False
        self.end_when_idle(reason)
        return True

    @locked
    def cut(self, reason: str) -> None:
        """As a safety input does: whatever runs."""
        self._asked = None
        self.end(reason, code=reason)

    @locked
    def withdraw(self, session_id: str, reason: str) -> bool:
        """An order to end what was offered and not begun; False when that is something else."""
        if self.offered is None or self.offered.session.session_id != session_id:
            return False
        self.lapse(reason, code="denied")
        return True

    @locked
    def lock_out(self, reason: str) -> None:
        """Nobody is let in until `lift`, over restarts too; what runs ends when it rests."""
        self.keep_lock(reason)
        self._asked = None
        self.lapse("supervisor", code="locked")
        if self.session:
            self.end_when_idle("supervisor")
        elif not self.kind.is_confirmed_here:
            self.switch_off()

    @locked
    def lift(self) -> None:
        self.keep_lock(None)

    @property
    def roster_version(self) -> int:
        return self._roster.version if self._roster else 0

    # --- deciding --------------------------------------------------------------------------------------------

    def standing(self) -> tuple[str, dict[str, object]]:
        """What somebody can do there, where nothing else holds."""
        code, values = super().standing()
        if code != "ready" or self.offered:
            return code, values
        has_keypad, has_button = self.hardware.keypad is not None, self.hardware.button is not None
        if self.hardware.reader is None and (has_keypad or has_button):
            return "ready_code" if has_keypad else "ready_button", values
        return "ready_both" if has_keypad else "ready", values

    def _allowed(self, told: Mapping[str, Any], *, is_pressed: bool) -> None:
        """`is_pressed`: it was the button that asked, so that nobody waits for it."""
        if self.session and told.get("session_id") == self.session.session_id and not told.get("most_s"):
            # Whoever has it presented the badge again: they leave. What works is never cut.
            self.end_by_hand()
            return
        session = told_session(told, self.clock_s(), self.server_time.now(), warn_s=self.settings().warn_s)
        if session is None:
            log.warning("A decision without session or time was ignored.")
            self.screen.say("denied")
        elif self.session and self.session.session_id == session.session_id:
            self.prolong(session)
        elif self.session is None and not is_pressed and self._needs_button(told):
            self._offer_by_button(session)
        else:
            self._begin_or_give_up(session)

    def _begin_or_give_up(self, session: Session) -> None:
        if not self.begin(session):
            self._give_up(session)

    def _give_up(self, session: Session) -> None:
        """What cannot begin is over at the lab too, which would wait for its power and keep the machine from others."""
        if self.offered and self.offered.session.session_id == session.session_id:
            self._forget_offer()
        self.ended_s = self.clock_s()
        self._say_not_begun(session.session_id, "idle_timeout")

    def _needs_button(self, told: Mapping[str, Any]) -> bool:
        return self.settings().is_two_step or told.get("needs_button") is True

    def _by_roster(self, request_id: object) -> Session | None:
        """The session, running or offered, that the roster granted to whoever asked so."""
        held = (self.session, self.offered.session if self.offered else None)
        return next((each for each in held if each and each.is_offline and each.request_id == request_id), None)

    def _decided_late(self, session: Session, told: Mapping[str, Any], is_allowed: bool) -> None:
        """The lab answers a badge that the roster had decided meanwhile."""
        session_id = told.get("session_id")
        if not is_allowed:
            # "Too late" is said of the request, which waited while the lab was away, and not of the person.
            if told.get("reason") != TOO_LATE:
                self._refused_late(session, told.get("text"))
        elif isinstance(session_id, str) and 0 < len(session_id) <= 60:
            session.session_id, session.is_offline = session_id, False
            if session is self.session:
                # What went out under the roster's number says nothing about this one.
                self.reports.event("energised", session_id=session_id)
                self.keep_session()
            else:
                self.keep_offer(session)

    def _refused_late(self, session: Session, text: object) -> None:
        if session is self.session:
            session.stops_for = "permission"
            self.keep_session()
            # Where it rests it ends now, so that the lab's sentence stands after the end's own.
            self.look_at_end(session)
        else:
            self.lapse("permission", code="denied")
        self.screen.say("denied", text=text, is_alert=True)

    def _decide_offline(self, asked: Asked) -> None:
        """By the roster; while somebody's session runs, nobody can be asked for a takeover, hence none."""
        now = self.server_time.now()
        answer = self._offline_answer(asked, now)
        session = self._offline_session(asked.request_id, answer, now) if isinstance(answer, Entry) and now else None
        self.reports.access(
            asked.credential,
            asked.kind,
            request_id=asked.request_id,
            decided="allowed" if session else "denied",
            session_id=session.session_id if session else "",
            roster_version=self.roster_version,
        )
        if session is None and answer == "offline_stale" and self.reports.is_connected:
            self.screen.say("no_answer")
        elif session is None:
            self.screen.say("denied" if isinstance(answer, Entry) else str(answer))
        elif self.settings().is_two_step:
            self._offer_by_button(session)
        else:
            self._begin_or_give_up(session)

    def _offline_answer(self, asked: Asked, now: datetime | None) -> Entry | str:
        if self.settings().is_online_only:
            return "online_only"
        if asked.kind != "badge":
            return "badge_only" if self.hardware.reader else "online_only"
        return "offline_stale" if self._roster is None else self._roster.answer(asked.credential, now)

    def _offline_session(self, request_id: str, entry: Entry, now: datetime) -> Session | None:
        if self.session or self._roster is None:
            return None
        told = {
            "session_id": f"off-{request_id}",
            "display_name": entry.name,
            "most_s": self._roster.most_s(entry, now),
        }
        session = told_session(told, self.clock_s(), now, warn_s=self.settings().warn_s)
        if session:
            session.request_id, session.is_offline = request_id, True
        return session

    def _offer_by_button(self, session: Session) -> None:
        if self.hardware.button is None:
            log.error("A start in two steps was asked for, and no button_pin is set: nobody can start.")
            self.reports.event("fault", reason="no button")
            self._give_up(session)
            self.screen.say("denied")
        else:
            self.offer(session)

    def _checked_roster(self, told: Mapping[str, Any]) -> Roster | None:
        if not told:
            return None
        try:
            return read_roster(told, str(self.state.get("enrolment").get("roster_key", "")), self._device)
        except RosterRefused as refusal:
            log.warning("A roster was refused: %s", refusal)
            return None

"""Orders from the lab: carried out once, over restarts too; never when expired; always answered."""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .server_time import parsed
from .state import Remembered, State

log = logging.getLogger("fablab-agent")

Handler = Callable[[dict[str, Any]], None]
ID_MOST = 60


class CommandRefused(Exception):
    """Raised by a handler that does not carry out the order; the text is the reason the lab sees."""


class Commands:
    """The orders this device knows, by name; what was done is remembered in `state`."""

    def __init__(self, handlers: Mapping[str, Handler], state: State | None = None) -> None:
        self._handlers = dict(handlers)
        self._is_own_state = state is None
        self._state = state or State(None)

    def answer(self, order: dict[str, Any], now: datetime) -> dict[str, Any] | None:
        """Carry out the order and return the `ack`; None when the order has no id to answer to.

        An order that comes again is answered as before, not carried out again.
        """
        command_id = order.get("command_id")
        if not isinstance(command_id, str) or not 0 < len(command_id) <= ID_MOST:
            log.warning("An order without a usable id was ignored.")
            return None
        known = self._state.remembered(command_id)
        if known is not None:
            return _acknowledgement(known)
        try:
            self._state.begin_command(command_id)
        except sqlite3.OperationalError as error:
            # Not remembered, it could be carried out twice.
            log.error("An order was refused: it cannot be written down: %s", error)
            return {"command_id": command_id} | _refused("disk")
        known = Remembered(command_id, self._carried_out(order, now))
        self._state.end_command(command_id, known.answer or {})
        return _acknowledgement(known)

    def learn(self, handlers: Mapping[str, Handler]) -> None:
        """Know these orders too."""
        self._handlers |= handlers

    def close(self) -> None:
        """Let go of what nobody else uses."""
        if self._is_own_state:
            self._state.close()

    def told(self, command_id: str) -> None:
        """The answer is kept in the outbox."""
        self._state.command_told(command_id)

    def untold(self) -> list[dict[str, Any]]:
        """Answers that an earlier run owes the lab."""
        return [_acknowledgement(known) for known in self._state.untold_commands()]

    def _carried_out(self, order: dict[str, Any], now: datetime) -> dict[str, Any]:
        handler = self._handlers.get(str(order.get("command")))
        if handler is None:
            return _refused("unsupported")
        expiry = parsed(order.get("expires_at"))
        # An order with no end is not an order.
        if expiry is None or now >= expiry:
            return _refused("expired")
        data = order.get("data") or {}
        try:
            handler(data if isinstance(data, dict) else {})
        except CommandRefused as refusal:
            return _refused(str(refusal)[:200])
        return {"is_done": True, "reason": ""}


def _acknowledgement(known: Remembered) -> dict[str, Any]:
    # Nobody knows how much of it was done before the agent was cut off; the lab may send a new order.
    return {"command_id": known.command_id, **(known.answer or _refused("interrupted"))}


def _refused(reason: str) -> dict[str, Any]:
    return {"is_done": False, "reason": reason}

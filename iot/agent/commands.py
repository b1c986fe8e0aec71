"""Orders from the lab: carried out once, never when expired, always answered."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

log = logging.getLogger("fablab-agent")

Handler = Callable[[dict[str, Any]], None]
REMEMBERED = 200


class CommandRefused(Exception):
    """Raised by a handler that does not carry out the order; the text is the reason the lab sees."""


class Commands:
    """The orders this device knows, by name."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def answer(self, order: dict[str, Any], now: datetime) -> dict[str, Any] | None:
        """Carry out the order and return the `ack`; None when the order has no id to answer to.

        An order that comes again (QoS 1 may deliver twice) is answered as before, not carried out again.
        """
        command_id = order.get("command_id")
        if not isinstance(command_id, str) or not command_id:
            log.warning("An order without an id was ignored.")
            return None
        if command_id not in self._answers:
            self._answers[command_id] = self._carried_out(order, now) | {"command_id": command_id}
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return self._answers[command_id]

    def _carried_out(self, order: dict[str, Any], now: datetime) -> dict[str, Any]:
        handler = self._handlers.get(str(order.get("command")))
        if handler is None:
            return _refused("unsupported")
        if not _is_still_valid(order.get("expires_at"), now):
            return _refused("expired")
        data = order.get("data") or {}
        try:
            handler(data if isinstance(data, dict) else {})
        except CommandRefused as refusal:
            return _refused(str(refusal)[:200])
        return {"is_done": True, "reason": ""}


def _refused(reason: str) -> dict[str, Any]:
    return {"is_done": False, "reason": reason}


def _is_still_valid(expires_at: object, now: datetime) -> bool:
    """False too for an instant that is missing or without offset: an order with no end is not an order."""
    try:
        expiry = datetime.fromisoformat(str(expires_at))
    except ValueError:
        return False
    return expiry.tzinfo is not None and now < expiry

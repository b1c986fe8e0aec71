"""The worker's look for keys to ask OctoPrint for; beside the printers' loop, for a wish dies when nobody asks."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from printing.key_requests import AT_ONCE, ask_one, claim_wishes

log = logging.getLogger(__name__)

PAUSE_S = 1.0
AWAY_S = 5.0


def run(stopping: threading.Event) -> None:
    """Ask for keys as they fall due, several at once: one OctoPrint that is slow holds up no other."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="key") as pool:
        while not stopping.wait(PAUSE_S):
            try:
                for key in claim_wishes(timezone.now()):
                    pool.submit(_ask, key).add_done_callback(_told)
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s); keys wait.", str(error).split("\n")[0])
                connection.close()
                stopping.wait(AWAY_S)
    connection.close()


def _ask(key: int) -> None:
    try:
        ask_one(key, timezone.now())
    finally:
        # The pool's threads rest between wishes, and end without closing what they hold.
        connection.close()


def _told(asking: "Future[None]") -> None:
    # A pool keeps what its tasks raise to itself.
    if error := asking.exception():
        log.error("Asking for a key broke off", exc_info=error)

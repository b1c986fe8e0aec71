"""OctoPrint's JSON, read with distrust: everything may be null or of another shape."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from printing.backends.base import (
    LastPrint,
    PrinterConnection,
    PrinterProtocolError,
    PrinterRejected,
    PrinterStatus,
)

LONGEST_TEXT = 300
_REMOTE_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")

# OctoPrint 1.11 and 2.0. Older versions add to the text: "Printing from SD", "Offline (Error: …)".
_STATE_STARTS = (
    ("offline after error", PrinterConnection.ERROR),
    ("offline (error", PrinterConnection.ERROR),
    ("offline", PrinterConnection.OFFLINE),
    ("closed with error", PrinterConnection.ERROR),
    ("closed", PrinterConnection.OFFLINE),
    ("error", PrinterConnection.ERROR),
    ("opening", PrinterConnection.CONNECTING),
    ("detecting", PrinterConnection.CONNECTING),
    ("connecting", PrinterConnection.CONNECTING),
    ("operational", PrinterConnection.OPERATIONAL),
    ("starting", PrinterConnection.STARTING),
    ("printing", PrinterConnection.PRINTING),
    ("sending file", PrinterConnection.PRINTING),
    ("transferring file", PrinterConnection.PRINTING),
    ("pausing", PrinterConnection.PAUSING),
    ("paused", PrinterConnection.PAUSED),
    ("resuming", PrinterConnection.RESUMING),
    ("cancelling", PrinterConnection.CANCELLING),
    ("finishing", PrinterConnection.FINISHING),
)
# The narrower flags first: while cancelling, `printing` may be true as well.
_FLAGS = (
    ("cancelling", PrinterConnection.CANCELLING),
    ("pausing", PrinterConnection.PAUSING),
    ("resuming", PrinterConnection.RESUMING),
    ("finishing", PrinterConnection.FINISHING),
    ("paused", PrinterConnection.PAUSED),
    ("printing", PrinterConnection.PRINTING),
    ("error", PrinterConnection.ERROR),
    ("closedOrError", PrinterConnection.OFFLINE),
    ("operational", PrinterConnection.OPERATIONAL),
)


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, an empty one for null.

    Raises:
        PrinterProtocolError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise PrinterProtocolError("The printer's answer has another shape than expected")
    return value


def text(value: Mapping[str, Any], key: str) -> str:
    """The text under this key, 300 characters at most; empty when it is missing or no text."""
    found = value.get(key)
    return found[:LONGEST_TEXT] if isinstance(found, str) else ""


def checked_remote_path(remote_path: str) -> str:
    """The path as it is, once it is certain that it means the same in a URL.

    Raises:
        PrinterRejected: other characters than ASCII letters, digits, `.`, `_`, `-`; a part with a dot first.
    """
    if not _REMOTE_PATH.fullmatch(remote_path):
        raise PrinterRejected("This path is not used on a printer: make the name with safe_name()")
    return remote_path


def connection_from_text(state: str) -> PrinterConnection:
    """OctoPrint's name of a state as ours; UNKNOWN for a name we have not met."""
    lowered = state.strip().lower()
    return next((known for start, known in _STATE_STARTS if lowered.startswith(start)), PrinterConnection.UNKNOWN)


def connection_from_flags(flags: Mapping[str, Any]) -> PrinterConnection:
    """The state by the flags of /api/printer."""
    return next((known for flag, known in _FLAGS if flags.get(flag) is True), PrinterConnection.UNKNOWN)


def status_from_job(
    job: Mapping[str, Any], connection: PrinterConnection, last_print: LastPrint | None = None
) -> PrinterStatus:
    """GET /api/job as a PrinterStatus.

    Raises:
        PrinterProtocolError: there is no state in it.
    """
    if not text(job, "state"):
        raise PrinterProtocolError("The printer's answer has no state")
    file = mapping(mapping(job.get("job")).get("file"))
    progress = mapping(job.get("progress"))
    completion_pct = _number(progress.get("completion"))
    return PrinterStatus(
        connection=connection,
        remote_path=text(file, "path") or None,
        completion_pct=None if completion_pct is None else min(completion_pct, 100.0),
        print_time_s=_whole(progress.get("printTime")),
        time_left_s=_whole(progress.get("printTimeLeft")),
        error_text=text(job, "error"),
        last_print=last_print,
    )


def last_print_of(file: Mapping[str, Any]) -> LastPrint | None:
    """`prints.last` of a file; None when it never ended."""
    last = mapping(mapping(file.get("prints")).get("last"))
    ended_s = _number(last.get("date"))
    if ended_s is None:
        return None
    try:
        ended_at = datetime.fromtimestamp(ended_s, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return LastPrint(is_success=last.get("success") is True, ended_at=ended_at)


def file_size_bytes(file: Mapping[str, Any]) -> int | None:
    """The size of a file; None when it is not given."""
    return _whole(file.get("size"))


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1e15 and math.isfinite(value) else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)

"""What servers answer, read with distrust: everything may be null or of another shape."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from printing.backends.base import PrinterProtocolError, PrinterRejected

LONGEST_TEXT = 300
_REMOTE_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
# A sensor that is broken or not there reads far outside of it.
_COLDEST_C, _HOTTEST_C = -50, 600
# As in files: a metre of layers as thin as a machine can make them, and longer than any print.
_MOST_LAYERS, _MOST_S = 100_000, 60 * 86_400


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


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of a list, without what else is in it; none for null.

    Raises:
        PrinterProtocolError: it is no list.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise PrinterProtocolError("The printer's answer has another shape than expected")
    return [item for item in value if isinstance(item, Mapping)]


def text(value: Mapping[str, Any], key: str) -> str:
    """The text under this key, 300 characters at most that the database takes; empty when missing or no text."""
    found = value.get(key)
    if not isinstance(found, str):
        return ""
    # JSON may hold NUL and halves of characters.
    return found[:LONGEST_TEXT].replace("\0", "").encode(errors="replace").decode()


def number(value: object) -> float | None:
    """A number from 0 to 10^15; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1e15 and math.isfinite(value) else None


def whole(value: object) -> int | None:
    """The same without what stands behind the point."""
    found = number(value)
    return None if found is None else int(found)


def layer_number(value: object) -> int | None:
    """A layer, or how many there are; None for what no print has."""
    return _at_most(value, _MOST_LAYERS)


def seconds(value: object) -> int | None:
    """Whole seconds; None for longer than any print lasts."""
    return _at_most(value, _MOST_S)


def _at_most(value: object, most: int) -> int | None:
    found = whole(value)
    return found if found is not None and found <= most else None


def celsius(value: object) -> float | None:
    """A temperature to a tenth of a degree; None for what no printer has."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(float(value), 1) if _COLDEST_C <= value <= _HOTTEST_C else None


def instant(value: object) -> datetime | None:
    """Seconds since 1970 as an instant."""
    since_s = number(value)
    if since_s is None:
        return None
    try:
        return datetime.fromtimestamp(since_s, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def checked_remote_path(remote_path: str) -> str:
    """The path as it is, once it is certain that it means the same in a URL.

    Raises:
        PrinterRejected: other characters than ASCII letters, digits, `.`, `_`, `-`; a part with a dot first.
    """
    if not _REMOTE_PATH.fullmatch(remote_path):
        raise PrinterRejected("This path is not used on a printer: make the name with safe_name()")
    return remote_path


def checked_kind(remote_path: str, endings: tuple[str, ...]) -> str:
    """The path as it is, once its ending is one that the printer takes.

    Raises:
        PrinterRejected: it is another one, or the path is not accepted.
    """
    if not checked_remote_path(remote_path).lower().endswith(endings):
        raise PrinterRejected("The printer does not take this kind of file")
    return remote_path

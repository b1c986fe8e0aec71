"""What reading every line of a file found, kept beside it: held against each printer's limits without reading again."""

from typing import Any

import msgspec

from printing.gcode_policy import GcodeScan
from printing.models import PrintFile


def kept(scan: GcodeScan) -> dict[str, Any]:
    """As it is stored with the file."""
    found: dict[str, Any] = msgspec.to_builtins(scan)
    return found


def scan_of(file: PrintFile) -> GcodeScan | None:
    """What was found; None where the file could not be read, or was read by a version that looked for other things."""
    if file.scan is None:
        return None
    try:
        return msgspec.convert(file.scan, GcodeScan)
    except msgspec.ValidationError:
        return None

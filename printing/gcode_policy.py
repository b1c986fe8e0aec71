"""What may be sent to a printer at all, and under which name."""

import re
import unicodedata
from pathlib import Path, PurePosixPath

from fablab.lib.denials import Denial
from printing.scan.lines import BLOCK_BYTES, LONGEST_COMMAND_BYTES, LONGEST_COMMENT_BYTES
from printing.scan.policy import PrinterLimits, content_denials, policy_denials
from printing.scan.reading import FORBIDDEN, GcodeScan, scan_gcode

__all__ = [
    "BLOCK_BYTES",
    "EXTENSIONS",
    "FORBIDDEN",
    "LONGEST_COMMAND_BYTES",
    "LONGEST_COMMENT_BYTES",
    "NAME_LIMIT",
    "GcodeScan",
    "PrinterLimits",
    "check_gcode",
    "policy_denials",
    "safe_name",
    "scan_gcode",
]

NAME_LIMIT = 60
EXTENSIONS = (".gcode", ".gco", ".g")

_LETTERS = str.maketrans(
    {"ß": "ss", "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)


def check_gcode(path: Path) -> list[Denial]:
    """Every reason not to send this file to any printer; an empty list allows it.

    Codes: `empty_file`; `not_gcode` (params: reason); `forbidden_command` (params: command, line; the first
    of each command); `line_too_long` (params: line, limit_bytes; the first). Lines count from 1. Reads 1 MB
    at once.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        scan = scan_gcode(stream)
    # Host commands are for `policy_denials`: what they start depends on the printer's server.
    return [denial for denial in content_denials(scan) if denial.code != "host_command"]


def safe_name(name: str) -> str:
    """A file name that every printer, SD card and shell accepts: at most 60 ASCII letters, digits, `.`, `_`, `-`.

    Folders are dropped, accents are transliterated, and one of .gcode, .gco, .g stays or .gcode is added.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = unicodedata.normalize("NFKD", last.translate(_LETTERS)).encode("ascii", "ignore").decode()
    stem, dot, extension = plain.rpartition(".")
    ending = f".{extension.strip().lower()}"
    if not dot or ending not in EXTENSIONS:
        stem, ending = plain, ".gcode"
    # A leading dot hides the file from OctoPrint; a leading dash looks like an option.
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")
    return f"{stem[: NAME_LIMIT - len(ending)].rstrip('._-') or 'print'}{ending}"

"""Printers behind one port: callers know `PrinterBackend` and its errors, never the software behind it."""

import re
from collections.abc import Mapping, Sequence

from printing.backends.addresses import AddressRefused, CheckedAddress, checked_address
from printing.backends.base import (
    Capabilities,
    LastPrint,
    PrinterAuthError,
    PrinterBackend,
    PrinterConflict,
    PrinterConnection,
    PrinterError,
    PrinterProtocolError,
    PrinterRejected,
    PrinterStatus,
    PrinterUnreachable,
    Probe,
    RemoteFile,
    Timeouts,
)
from printing.backends.moonraker import MoonrakerBackend
from printing.backends.octoprint import OctoPrintBackend
from printing.backends.prusalink import PrusaLinkBackend

__all__ = [
    "AddressRefused",
    "Capabilities",
    "CheckedAddress",
    "LastPrint",
    "PrinterAuthError",
    "PrinterBackend",
    "PrinterConflict",
    "PrinterConnection",
    "PrinterError",
    "PrinterProtocolError",
    "PrinterRejected",
    "PrinterStatus",
    "PrinterUnreachable",
    "Probe",
    "RemoteFile",
    "Timeouts",
    "capabilities",
    "checked_address",
    "make_backend",
]

DEFAULT_TIMEOUTS = Timeouts()
# OctoPrint's keys have 32 or 43 characters; their length is not ours to fix.
_KEY = re.compile(r"[!-~]{1,512}")
_BACKENDS: Mapping[str, type[OctoPrintBackend | MoonrakerBackend | PrusaLinkBackend]] = {
    "octoprint": OctoPrintBackend,
    "moonraker": MoonrakerBackend,
    "prusalink": PrusaLinkBackend,
}
# OctoPrint refuses .bgcode (415 in 1.11 and 2.0). Klipper reads text only. Cameras are addressed by themselves:
# what a server says of its own would have to be fetched from an address that nobody of the team has typed.
_CAPABILITIES: Mapping[str, Capabilities] = {
    "octoprint": Capabilities(frozenset({"gcode"}), False, True, False),
    "moonraker": Capabilities(frozenset({"gcode"}), True, True, False),
    "prusalink": Capabilities(frozenset({"gcode", "bgcode"}), False, True, False),
    # No server at all: somebody carries the file to the machine.
    "by_hand": Capabilities(frozenset({"gcode", "bgcode", "gcode_3mf"}), False, False, False),
}


def make_backend(
    kind: str,
    *,
    url: str,
    api_key: str,
    networks: Sequence[str],
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ca_bundle: str = "",
) -> PrinterBackend:
    """The back-end of this kind ("octoprint", "moonraker", "prusalink") for the printer at `url`.

    Asks the name server only. Make a new one for each visit: the address is checked and pinned here.
    `networks` are the CIDR ranges where printers may be; `ca_bundle` is the path of the certificates to trust
    for https.

    Raises:
        AddressRefused: the address is not accepted.
        PrinterUnreachable: its name is not known at the moment.
        PrinterAuthError: the key cannot be a key.
        ValueError: this kind is not known.
    """
    backend = _BACKENDS.get(kind)
    if backend is None:
        raise ValueError(f"There is no printer back-end {kind!r}")
    if not _KEY.fullmatch(api_key):
        raise PrinterAuthError("The key is empty or has characters that no key has")
    return backend(checked_address(url, networks), api_key, timeouts, ca_bundle=ca_bundle)


def capabilities(kind: str) -> Capabilities:
    """What printers of this kind take and tell; "by_hand" is known here too, and has no back-end.

    Raises:
        ValueError: this kind is not known.
    """
    known = _CAPABILITIES.get(kind)
    if known is None:
        raise ValueError(f"There is no printer back-end {kind!r}")
    return known

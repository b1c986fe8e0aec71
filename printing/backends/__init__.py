"""Printers behind one port: callers know `PrinterBackend` and its errors, never the software behind it."""

import re
from collections.abc import Sequence

from printing.backends.addresses import AddressRefused, CheckedAddress, checked_address
from printing.backends.base import (
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
from printing.backends.octoprint import OctoPrintBackend

__all__ = [
    "AddressRefused",
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
    "checked_address",
    "make_backend",
]

DEFAULT_TIMEOUTS = Timeouts()
# OctoPrint's keys have 32 or 43 characters; their length is not ours to fix.
_KEY = re.compile(r"[!-~]{1,512}")


def make_backend(
    kind: str,
    *,
    url: str,
    api_key: str,
    networks: Sequence[str],
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ca_bundle: str = "",
) -> PrinterBackend:
    """The back-end of this kind ("octoprint") for the printer at `url`; asks the name server only.

    Make a new one for each visit: the address is checked and pinned here. `networks` are the CIDR ranges
    where printers may be; `ca_bundle` is the path of the certificates to trust for https.

    Raises:
        AddressRefused: the address is not accepted.
        PrinterUnreachable: its name is not known at the moment.
        PrinterAuthError: the key cannot be a key.
        ValueError: this kind is not known.
    """
    if kind != "octoprint":
        raise ValueError(f"There is no printer back-end {kind!r}")
    if not _KEY.fullmatch(api_key):
        raise PrinterAuthError("The key is empty or has characters that no key has")
    return OctoPrintBackend(checked_address(url, networks), api_key, timeouts, ca_bundle=ca_bundle)

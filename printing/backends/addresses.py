"""Which address a printer may have: staff type it, and must not reach the inside of the server with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fablab.lib.outgoing_addresses import OutgoingError, PinnedAddress, pinned_address, split_address
from printing.backends.base import PrinterError, PrinterUnreachable

_PATH_PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class AddressRefused(PrinterError):
    """This address is not accepted for a printer; `reason` says which rule it breaks.

    Reasons: scheme, userinfo, query, port, path, host, network, loopback, forbidden.
    """

    code: ClassVar[str] = "address_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The printer's address is refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CheckedAddress(PinnedAddress):
    """An accepted address, the one IP to dial, and the path under which a reverse proxy keeps the printer."""

    path_prefix: str = ""


def checked_address(url: str, networks: Sequence[str]) -> CheckedAddress:
    """The address, if every IP its name stands for lies in `networks` (CIDR).

    Link-local, multicast, unspecified, reserved and metadata addresses are always refused; loopback only
    passes when a loopback network is listed. Asks the name server.

    Raises:
        AddressRefused: the form or the network is not accepted.
        PrinterUnreachable: the name stands for nothing at the moment.
        ValueError: `networks` holds something that is no network.
    """
    try:
        parts = split_address(url, schemes=("http", "https"))
        if parts.query or parts.fragment:
            raise AddressRefused("query")
        prefix = parts.path.rstrip("/")
        if not _PATH_PREFIX.fullmatch(prefix):
            raise AddressRefused("path")
        found = pinned_address(parts, allowed=networks, is_public_allowed=False)
    except OutgoingError as error:
        if error.code == "unknown_name":
            raise PrinterUnreachable("The printer's name is not known on this network") from None
        raise AddressRefused(error.code) from None
    return CheckedAddress(found.scheme, found.host, found.port, found.ip, path_prefix=prefix)

"""Which address a printer may have: staff type it, and must not reach the inside of the server with it."""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from printing.backends.base import PrinterError, PrinterUnreachable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# Metadata services of hosting providers outside the link-local range (AWS IPv6, Alibaba, Azure).
METADATA = frozenset(ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_.])?")
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
class CheckedAddress:
    """An accepted address and the one IP to dial: what the name server says later changes nothing."""

    scheme: str
    host: str
    port: int
    ip: IPAddress
    path_prefix: str = ""

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`, without the path prefix and without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def checked_address(url: str, networks: Sequence[str]) -> CheckedAddress:
    """The address, if every IP its name stands for lies in `networks` (CIDR).

    Link-local, multicast, unspecified, reserved and metadata addresses are always refused; loopback only
    passes when a loopback network is listed. Asks the name server.

    Raises:
        AddressRefused: the form or the network is not accepted.
        PrinterUnreachable: the name stands for nothing at the moment.
        ValueError: `networks` holds something that is no network.
    """
    allowed = [ipaddress.ip_network(network, strict=False) for network in networks]
    parts = _split(url)
    host = _host(parts)
    port = _port(parts)
    prefix = parts.path.rstrip("/")
    if not _PATH_PREFIX.fullmatch(prefix):
        raise AddressRefused("path")
    addresses = _resolve(host, port)
    for address in addresses:
        _refuse_outside(address, allowed)
    # A printer's server often listens on IPv4 only, whatever the name server says.
    ip = min(addresses, key=lambda address: address.version)
    return CheckedAddress(scheme=parts.scheme, host=host, port=port, ip=ip, path_prefix=prefix)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise AddressRefused("host") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise AddressRefused("scheme")
    if "@" in parts.netloc:
        raise AddressRefused("userinfo")
    if parts.query or parts.fragment:
        raise AddressRefused("query")
    return parts


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise AddressRefused("port") from None
    if port == 0:
        raise AddressRefused("port")
    return port or DEFAULT_PORTS[parts.scheme]


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host or "%" in host:
        raise AddressRefused("host")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = host.encode("idna").decode().lower()
    except UnicodeError:
        raise AddressRefused("host") from None
    if not _HOST.fullmatch(name):
        raise AddressRefused("host")
    return name


def _resolve(host: str, port: int) -> list[IPAddress]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise PrinterUnreachable("The printer's name is not known on this network") from None
    return [ipaddress.ip_address(str(answer[4][0])) for answer in answers]


def _refuse_outside(address: IPAddress, allowed: Sequence[IPNetwork]) -> None:
    inner = getattr(address, "ipv4_mapped", None) or address
    if _is_never_a_printer(inner):
        raise AddressRefused("forbidden")
    containing = [network for network in allowed if inner.version == network.version and inner in network]
    if inner.is_loopback:
        # 0.0.0.0/0 means "anywhere out there", not "this server".
        if not any(network.is_loopback for network in containing):
            raise AddressRefused("loopback")
    elif not containing:
        raise AddressRefused("network")


def _is_never_a_printer(address: IPAddress) -> bool:
    if address.is_loopback:
        return False  # ::1 counts as reserved
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address in METADATA
    )

"""Which address the server may be sent to by somebody who typed it: never its own inside, never its host's."""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
# The addresses that a name stands for; raises OSError or UnicodeError where it stands for none.
Resolver = Callable[[str, int], Sequence[str]]

# Metadata services of hosting providers outside the link-local range (AWS IPv6, Alibaba, Azure).
METADATA = frozenset(ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_.])?")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


class OutgoingError(Exception):
    """Something typed was not fetched; `code` says why.

    Codes of the address: scheme, userinfo, host, port, unknown_name, forbidden, loopback, network.
    Codes of the answer: unreachable, too_slow, too_large, redirect, status, certificate, encoding, unintelligible.
    """

    def __init__(self, code: str, *, status: int | None = None) -> None:
        super().__init__(code if status is None else f"{code} {status}")
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class PinnedAddress:
    """An accepted address and the one IP to dial: what the name server says later changes nothing."""

    scheme: str
    host: str
    port: int
    ip: IPAddress

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def ask_name_server(host: str, port: int) -> list[str]:
    """The addresses that the system knows for the name; numbers in any writing stand for themselves."""
    return [str(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def split_address(url: str, *, schemes: Sequence[str]) -> SplitResult:
    """The parts of what was typed.

    Raises:
        OutgoingError: scheme, userinfo or host.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise OutgoingError("host") from None
    if parts.scheme not in schemes:
        raise OutgoingError("scheme")
    if "@" in parts.netloc:
        raise OutgoingError("userinfo")
    return parts


def pinned_address(
    parts: SplitResult, *, allowed: Sequence[str], is_public_allowed: bool, resolve: Resolver = ask_name_server
) -> PinnedAddress:
    """The address, if every IP that its name stands for may be dialled. Asks the name server, once.

    `allowed` are networks (CIDR) inside which addresses are accepted besides the public ones, or instead of them.
    Link-local, multicast, unspecified, reserved and metadata addresses are always refused; loopback only passes
    when a loopback network is listed.

    Raises:
        OutgoingError: host, port, unknown_name, forbidden, loopback or network.
        ValueError: `allowed` holds something that is no network.
    """
    networks = [ipaddress.ip_network(network, strict=False) for network in allowed]
    host, port = _host(parts), _port(parts)
    try:
        addresses = [ipaddress.ip_address(answer) for answer in resolve(host, port)]
    except (OSError, UnicodeError):
        addresses = []
    if not addresses:
        raise OutgoingError("unknown_name")
    for address in addresses:
        _refuse_outside(_innermost(address), networks, is_public_allowed)
    # Small servers often listen on IPv4 only, whatever the name server says.
    ip = min(addresses, key=lambda address: address.version)
    return PinnedAddress(scheme=parts.scheme, host=host, port=port, ip=ip)


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise OutgoingError("port") from None
    if port == 0:
        raise OutgoingError("port")
    return port or DEFAULT_PORTS[parts.scheme]


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host or "%" in host:
        raise OutgoingError("host")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = host.encode("idna").decode().lower()
    except UnicodeError:
        raise OutgoingError("host") from None
    if not _HOST.fullmatch(name):
        raise OutgoingError("host")
    return name


def _innermost(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one carries to, whatever the wrapping."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    through_teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or through_teredo or address


def _refuse_outside(address: IPAddress, networks: Sequence[IPNetwork], is_public_allowed: bool) -> None:
    if _is_never_to_be_dialled(address):
        raise OutgoingError("forbidden")
    containing = [network for network in networks if address.version == network.version and address in network]
    if address.is_loopback:
        # 0.0.0.0/0 means "anywhere out there", not "this server".
        if not any(network.is_loopback for network in containing):
            raise OutgoingError("loopback")
    elif not containing and not (is_public_allowed and address.is_global):
        raise OutgoingError("network")


def _is_never_to_be_dialled(address: IPAddress) -> bool:
    if address.is_loopback:
        return False  # ::1 counts as reserved
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address in METADATA
    )

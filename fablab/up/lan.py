"""The lab on the local network: which addresses people type, and what the web server shows them."""

import datetime as dt
import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from fablab.lib.certificates import covers
from fablab.lib.hosts import is_this_machine_only
from fablab.up.errors import CannotStart
from fablab.up.tls import Tls, given_tls, own_tls

EVERYWHERE = {"0.0.0.0": socket.AF_INET, "::": socket.AF_INET6}  # noqa: S104
DEFAULT_PORT, DEFAULT_HTTP_PORT = 8443, 8080
# Registered for MQTT over TLS.
DEFAULT_MQTT_TLS_PORT = 8883
# Bridges to machines inside this machine, and tunnels to elsewhere: no phone in the room uses them.
BRIDGES = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "podman", "cni", "lxc", "lxd")
TUNNELS = ("tun", "tap", "utun", "wg", "ppp", "tailscale", "zt")
# Set aside for examples (RFC 5737): nothing is sent, the system only says which way it would go.
SOMEWHERE_ELSE = {socket.AF_INET: "198.51.100.1", socket.AF_INET6: "2001:db8::1"}
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Lan:
    """One opening on the local network. `urls` are what people may type, the best first."""

    urls: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    tls: Tls
    http_port: int
    # Whoever set PUBLIC_URL has one address for everybody; else people stay on the address they came by.
    is_address_fixed: bool = False

    @property
    def public_url(self) -> str:
        return self.urls[0]

    @property
    def short_address(self) -> str:
        """What is shorter to type than `public_url`, and leads there."""
        host = bracketed(urlsplit(self.public_url).hostname or "")
        return f"{host}{'' if self.http_port == 80 else f':{self.http_port}'}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asked for: `host` is an address of this machine, or everywhere."""

    host: str
    port: int
    http_port: int
    public_url: str = ""
    certificate_file: Path | None = None
    key_file: Path | None = None
    lab_name: str = "Fablab"


def opened_lan(wish: Wish, data_dir: Path, now: dt.datetime) -> tuple[Lan, list[str]]:
    """Addresses and certificate for this wish, and sentences for the person; may write in `data_dir`/tls.

    Raises:
        CannotStart: no address, an address that makes no sense, or a certificate that cannot serve.
    """
    addresses = reached_by(wish.host)
    public_host = _public_host(wish.public_url)
    computer = _computer_names()
    names = tuple(dict.fromkeys([*filter(None, [public_host]), *addresses, *computer, "localhost", "127.0.0.1", "::1"]))
    if wish.certificate_file and wish.key_file:
        tls, said = given_tls(wish.certificate_file, wish.key_file, now), list[str]()
        named = [name for name in tls.names if "*" not in name]
    else:
        tls, said = own_tls(data_dir, names=names, lab_name=wish.lab_name, now=now)
        named = []
    # A plain computer name is known to no phone; `.local` is, to most.
    shown = [host for host in dict.fromkeys([*addresses, *named, *computer[1:]]) if covers(tls.names, host)]
    if not public_host and not shown:
        raise CannotStart(
            f"The certificate {wish.certificate_file} covers no address of this machine ({', '.join(addresses)}): "
            "set PUBLIC_URL=https:// with the name that people type."
        )
    urls = [url_of(host, wish.port) for host in shown]
    if public_host:
        urls = list(dict.fromkeys([wish.public_url.rstrip("/"), *urls]))
    allowed = tuple(dict.fromkeys(bracketed(name) for name in [*names, *named]))
    return Lan(tuple(urls), allowed, tls, wish.http_port, is_address_fixed=bool(public_host)), said


def _public_host(public_url: str) -> str:
    if not public_url:
        return ""
    parts = urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname:
        raise CannotStart(
            f"PUBLIC_URL={public_url} is not an https address, and --lan speaks HTTPS only: "
            "write https://lab.example.org, or leave it out."
        )
    return parts.hostname


def reached_by(host: str) -> list[str]:
    """The addresses by which other machines reach a server that listens on `host`.

    Raises:
        CannotStart: there is none.
    """
    if host not in EVERYWHERE:
        if is_this_machine_only(host):
            raise CannotStart(f"{host} is this machine only: leave out --host, or leave out --lan.")
        return [host]
    found = usable_addresses(_interfaces(EVERYWHERE[host]), preferred=_outward_address(EVERYWHERE[host]))
    if not found:
        raise CannotStart(
            "This machine has no address on a local network: connect it by cable or Wi-Fi, or leave out --lan."
        )
    return found


def usable_addresses(interfaces: Mapping[str, Sequence[str]], *, preferred: str = "") -> list[str]:
    """Addresses that another machine can use, the preferred one first. Pure.

    Left out: this machine only, link-local ones (they change, or need an interface's name), bridges and tunnels.
    """
    found = [
        address
        for name, addresses in interfaces.items()
        if not name.startswith(BRIDGES + TUNNELS)
        for address in addresses
        if not is_this_machine_only(address) and not ipaddress.ip_address(address.partition("%")[0]).is_link_local
    ]
    return sorted(dict.fromkeys(found), key=lambda address: address != preferred)


def _interfaces(family: socket.AddressFamily) -> dict[str, list[str]]:
    states = psutil.net_if_stats()
    return {
        name: [entry.address for entry in entries if entry.family == family]
        for name, entries in psutil.net_if_addrs().items()
        if name in states and states[name].isup
    }


def _outward_address(family: socket.AddressFamily) -> str:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((SOMEWHERE_ELSE[family], 9))
        except OSError:  # no way out: a network of its own
            return ""
        return str(probe.getsockname()[0])


def _computer_names() -> list[str]:
    """This machine's name and its `.local` form; none when it is no host name."""
    name = socket.gethostname().partition(".")[0].lower()
    return [name, f"{name}.local"] if HOST_NAME.fullmatch(name) and name != "localhost" else []


def url_of(host: str, port: int) -> str:
    """https:// with the port unless it is 443."""
    return f"https://{bracketed(host)}{'' if port == 443 else f':{port}'}"


def bracketed(host: str) -> str:
    """A host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host

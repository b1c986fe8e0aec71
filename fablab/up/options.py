"""What `manage.py up` can be told, and the environment that follows from it."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from fablab.lib import env
from fablab.up.lan import DEFAULT_HTTP_PORT, DEFAULT_MQTT_TLS_PORT, DEFAULT_PORT, Lan
from iot.broker.doors import Doors

MOST_WEB_PROCESSES = 4
OWN_CERTIFICATE_HSTS_S = 86_400


@dataclass(frozen=True, slots=True)
class Options:
    """One start of the lab. `database_url` and `mqtt_url` are empty when the lab brings its own."""

    host: str
    port: int
    mqtt_port: int
    data_dir: Path
    root: Path
    web_processes: int
    is_demo: bool
    database_url: str
    mqtt_url: str
    database_password: str
    lan: Lan | None = None
    # Of the lab's own broker.
    doors: Doors | None = None

    @property
    def public_url(self) -> str:
        if self.lan:
            return self.lan.public_url
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{'127.0.0.1' if shown in ('0.0.0.0', '[::]') else shown}:{self.port}"  # noqa: S104

    @property
    def connect_host(self) -> str:
        """Where we ourselves reach the web server."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to open on (default: this machine only; with --lan, all of its own)")
    parser.add_argument("--port", type=_port, help=f"port of the web pages (default: 8000; with --lan {DEFAULT_PORT})")
    parser.add_argument("--data-dir", type=Path, help="folder for database, files and logs")
    parser.add_argument("--mqtt-port", type=_port, help="port of the embedded broker (default: 18883)")
    parser.add_argument("--no-demo", action="store_true", help="no demo data, accounts or simulated machines")
    parser.add_argument("--workers", type=_count, help="web processes (default: one per core, at most 4)")
    lan = parser.add_argument_group("on the local network")
    lan.add_argument("--lan", action="store_true", help="open to other machines, over HTTPS and without the demo")
    lan.add_argument("--tls-cert", type=Path, help="certificate chain in PEM form (default: one of the lab's making)")
    lan.add_argument("--tls-key", type=Path, help="private key of --tls-cert")
    lan.add_argument(
        "--http-port",
        type=_port,
        default=DEFAULT_HTTP_PORT,
        help=f"port that sends plain HTTP on to HTTPS (default: {DEFAULT_HTTP_PORT})",
    )
    lan.add_argument(
        "--mqtt-tls-port",
        type=_port_or_none,
        default=DEFAULT_MQTT_TLS_PORT,
        help=f"port of the embedded broker for devices, with TLS (default: {DEFAULT_MQTT_TLS_PORT}; 0: closed)",
    )
    lan.add_argument(
        "--mqtt-plain-port",
        type=_port_or_none,
        default=0,
        help="port without encryption, for plugs that know none, usually 1883 (default: closed)",
    )


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number from 1 to 65535")
    return int(text)


def _port_or_none(text: str) -> int:
    return 0 if text == "0" else _port(text)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not accepted: write a number from 1 to 64")
    return int(text)


def default_web_processes() -> int:
    return min(MOST_WEB_PROCESSES, os.cpu_count() or 1)


def wants_demo(*, is_refused: bool, is_production: bool, is_lan: bool = False) -> bool:
    """Demo data unless --no-demo, FABLAB_DEMO=0 or production; with --lan only when FABLAB_DEMO=1 asks for it."""
    return not is_refused and not is_production and env.flag("FABLAB_DEMO", default=not is_lan)


def children_environment(options: Options, database_url: str) -> dict[str, str]:
    """The environment of every Django process: ours, with what it lacks."""
    derived = {
        "DATABASE_URL": database_url,
        "FABLAB_DATA_DIR": str(options.data_dir),
        "FABLAB_DEMO": "1" if options.is_demo else "0",
        "FABLAB_MQTT_PORT": str(options.mqtt_port),
        "PYTHONUNBUFFERED": "1",
    }
    if options.doors:
        derived |= {
            "FABLAB_MQTT_TLS_PORT": str(options.doors.tls_port),
            "FABLAB_MQTT_PLAIN_PORT": str(options.doors.plain_port or 0),
        }
    environment = {**os.environ, **derived}
    if not environment.get("PUBLIC_URL", "").strip():
        environment["PUBLIC_URL"] = options.public_url
    return {**environment, **_lan_environment(options.lan)} if options.lan else environment


def _lan_environment(lan: Lan) -> dict[str, str]:
    """What the pages need to know of the network: every name they answer to, and how to trust the certificate."""
    hosts = dict.fromkeys([*env.words("FABLAB_ALLOWED_HOSTS"), *lan.allowed_hosts])
    authority = lan.tls.authority_file
    known = {
        "FABLAB_ALLOWED_HOSTS": ",".join(hosts),
        "FABLAB_ADDRESSES": ",".join(lan.urls),
        "FABLAB_TLS_AUTHORITY": str(authority or ""),
        "FABLAB_TLS_CERTIFICATE": str(lan.tls.certificate_file),
    }
    if authority and not env.text("FABLAB_HSTS_S"):
        # A lab that goes back to plain HTTP must not be out of reach for a year.
        known["FABLAB_HSTS_S"] = str(OWN_CERTIFICATE_HSTS_S)
    return known

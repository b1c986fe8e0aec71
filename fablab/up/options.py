"""What `manage.py up` can be told, and the environment that follows from it."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fablab.lib import env

MOST_WEB_PROCESSES = 4


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

    @property
    def public_url(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{'127.0.0.1' if shown in ('0.0.0.0', '[::]') else shown}:{self.port}"  # noqa: S104

    @property
    def connect_host(self) -> str:
        """Where we ourselves reach the web server."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to open on (default: this machine only)")
    parser.add_argument("--port", type=_port, default=8000, help="port of the web pages (default: 8000)")
    parser.add_argument("--data-dir", type=Path, help="folder for database, files and logs")
    parser.add_argument("--mqtt-port", type=_port, help="port of the embedded broker (default: 18883)")
    parser.add_argument("--no-demo", action="store_true", help="no demo data, accounts or simulated machines")
    parser.add_argument("--workers", type=_count, help="web processes (default: one per core, at most 4)")


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number from 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not accepted: write a number from 1 to 64")
    return int(text)


def default_web_processes() -> int:
    return min(MOST_WEB_PROCESSES, os.cpu_count() or 1)


def wants_demo(*, is_refused: bool, is_production: bool) -> bool:
    """Demo data unless --no-demo, FABLAB_DEMO=0 or production."""
    return not is_refused and not is_production and env.flag("FABLAB_DEMO", default=True)


def children_environment(options: Options, database_url: str) -> dict[str, str]:
    """The environment of every Django process: ours, with what it lacks."""
    derived: Mapping[str, str] = {
        "DATABASE_URL": database_url,
        "FABLAB_DATA_DIR": str(options.data_dir),
        "FABLAB_DEMO": "1" if options.is_demo else "0",
        "FABLAB_MQTT_PORT": str(options.mqtt_port),
        "PYTHONUNBUFFERED": "1",
    }
    environment = {**os.environ, **derived}
    if not environment.get("PUBLIC_URL", "").strip():
        environment["PUBLIC_URL"] = options.public_url
    return environment

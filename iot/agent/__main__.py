"""`fablab-agent` (or `python -m iot.agent`): report for a machine, play one, enrol, or read Bambu printers."""

import argparse
import logging
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from . import bambu
from .client import Agent
from .config import Config, ConfigError, read_config
from .device import Device
from .enrol import EnrolmentRefused, enrol
from .hardware import HardwareError
from .outbox import Outbox
from .profiles import PROFILES
from .simulate import Pace, simulate
from .state import StateLost
from .watchdog import Watchdog


def main(words: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; 1 when it cannot start or had to give up, 2 when misused."""
    words = sys.argv[1:] if words is None else words
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        if words[:1] == ["enrol"]:
            return _enrol(words[1:])
        if words[:1] == ["bambu"]:
            return bambu.main(words[1:])
        return _run(words)
    except (ConfigError, EnrolmentRefused, HardwareError, StateLost, OSError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 1


def _enrol(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fablab-agent enrol")
    parser.add_argument("url", help="the lab's address, https://lab.example.org, or the link that the lab shows")
    parser.add_argument("code", nargs="?", help="the one-time code the lab shows; after # in the link")
    parser.add_argument("--config", type=Path, default=Path("agent.toml"))
    parser.add_argument(
        "--fingerprint", default="", help="SHA-256 of the lab's own certificate authority, as its page /address/ shows"
    )
    parser.add_argument("--allow-http", action="store_true", help="send the password unencrypted")
    chosen = parser.parse_args(words)
    url, _, in_link = chosen.url.partition("#")
    code_in_link, _, fingerprint_in_link = in_link.partition(",")
    code = chosen.code or code_in_link
    if not code:
        parser.error("The one-time code is missing.")
    fingerprint = chosen.fingerprint or fingerprint_in_link
    device = enrol(url, code, chosen.config, is_http_allowed=chosen.allow_http, fingerprint=fingerprint)
    print(f"Enrolled as {device}. Start with: fablab-agent --config {chosen.config}")
    return 0


def _run(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="fablab-agent", epilog="Also: fablab-agent enrol --help, fablab-agent bambu --help"
    )
    parser.add_argument("--config", type=Path, default=Path("agent.toml"))
    parser.add_argument("--check", action="store_true", help="say whether the settings can be used, and end")
    parser.add_argument("--simulate", choices=sorted(PROFILES), help="play a machine")
    parser.add_argument("--speed", type=float, default=1.0, help="machine seconds in a second")
    chosen = parser.parse_args(words)
    if not 0 < chosen.speed <= 3600:
        parser.error("--speed is a number above 0, at most 3600.")
    config = read_config(chosen.config)
    if chosen.check:
        config.password()
        print(f"{chosen.config} can be used: {config.device} reports to {config.host}:{config.port}.")
        return 0
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    if chosen.simulate:
        return int(not _play(config, chosen.simulate, chosen.speed, stopping))
    device = Device(config)
    watchdog = Watchdog(device.pulses)
    watchdog.start()
    is_well = device.run(stopping)
    watchdog.stop()
    return int(not is_well)


def _play(config: Config, kind: str, speed: float, stopping: threading.Event) -> bool:
    """As a machine of this kind, without any hardware; whether the agent was well to the end."""
    outbox = Outbox(config.outbox_file)
    agent = Agent(
        config.device,
        config.host,
        config.port,
        config.password(),
        outbox,
        is_tls=config.is_tls,
        ca_file=config.ca_file,
        capabilities=["power_w"],
    )
    agent.start()
    playing = threading.Thread(target=simulate, args=(agent, kind, stopping), kwargs={"pace": Pace(speed=speed)})
    playing.start()
    while agent.is_alive() and playing.is_alive() and not stopping.wait(1):
        pass
    stopping.set()
    playing.join()
    is_well = agent.is_alive()
    agent.stop()
    outbox.close()
    return is_well


if __name__ == "__main__":
    sys.exit(main())

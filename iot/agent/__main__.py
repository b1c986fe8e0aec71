"""`python -m iot.agent`: report for a machine, play one, or enrol this computer."""

import argparse
import logging
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from iot.agent.battery import battery_pct
from iot.agent.client import Agent
from iot.agent.config import ConfigError, read_config
from iot.agent.enrol import EnrolmentRefused, enrol
from iot.agent.outbox import Outbox
from iot.agent.profiles import PROFILES
from iot.agent.simulate import Pace, simulate

BATTERY_EVERY_S = 60.0


def main(words: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; 1 when it cannot start or had to give up, 2 when misused."""
    words = sys.argv[1:] if words is None else words
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        if words[:1] == ["enrol"]:
            return _enrol(words[1:])
        return _run(words)
    except (ConfigError, EnrolmentRefused, OSError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 1


def _enrol(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m iot.agent enrol")
    parser.add_argument("url", help="the lab's address, https://lab.example.org")
    parser.add_argument("code", help="the one-time code the lab shows")
    parser.add_argument("--config", type=Path, default=Path("agent.toml"))
    parser.add_argument("--allow-http", action="store_true", help="send the password unencrypted")
    chosen = parser.parse_args(words)
    device = enrol(chosen.url, chosen.code, chosen.config, is_http_allowed=chosen.allow_http)
    print(f"Enrolled as {device}. Start with: python -m iot.agent --config {chosen.config}")
    return 0


def _run(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m iot.agent", epilog="To enrol: python -m iot.agent enrol")
    parser.add_argument("--config", type=Path, default=Path("agent.toml"))
    parser.add_argument("--simulate", choices=sorted(PROFILES), help="play a machine")
    parser.add_argument("--speed", type=float, default=1.0, help="machine seconds in a second")
    chosen = parser.parse_args(words)
    if not 0 < chosen.speed <= 3600:
        parser.error("--speed is a number above 0, at most 3600.")
    config = read_config(chosen.config)
    outbox = Outbox(config.outbox_file)
    capabilities = ["power_w"] if chosen.simulate else ["battery_pct"] if battery_pct() is not None else []
    agent = Agent(
        config.device,
        config.host,
        config.port,
        config.password(),
        outbox,
        is_tls=config.is_tls,
        capabilities=capabilities,
    )
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    agent.start()
    if chosen.simulate:
        _play(agent, chosen.simulate, chosen.speed, stopping)
    else:
        _report_battery(agent, stopping)
    has_failed = not agent.is_alive()
    agent.stop()
    outbox.close()
    return int(has_failed)


def _play(agent: Agent, kind: str, speed: float, stopping: threading.Event) -> None:
    playing = threading.Thread(target=simulate, args=(agent, kind, stopping), kwargs={"pace": Pace(speed=speed)})
    playing.start()
    while agent.is_alive() and playing.is_alive() and not stopping.wait(1):
        pass
    stopping.set()
    playing.join()


def _report_battery(agent: Agent, stopping: threading.Event) -> None:
    """Without a battery only the heartbeat is sent: the computer is there."""
    while agent.is_alive():
        charge_pct = battery_pct()
        if charge_pct is not None:
            agent.reading([{"battery_pct": charge_pct}])
        if stopping.wait(BATTERY_EVERY_S):
            return


if __name__ == "__main__":
    sys.exit(main())

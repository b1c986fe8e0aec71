"""The broker for machines without Mosquitto: amqtt with our accounts. `python -m iot.broker.amqtt_server`.

It knows MQTT 3.1.1 only, without shared subscriptions, and delivers some hundreds of messages a second.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from amqtt.errors import BrokerError

from iot.broker.amqtt_connections import DeviceBroker, drop_all_but
from iot.broker.amqtt_plugins import user_book
from iot.broker.files import CERTIFICATE, KEY, PID

if os.name == "posix":
    import pwd

LOOK_EVERY_S = 1.0
SHUTDOWN_WITHIN_S = 5.0
# Added to the keep-alive, which amqtt would count without the half again that MQTT allows (3.1.2.10).
KEEP_ALIVE_MARGIN_S = 10

log = logging.getLogger("iot.broker")


def main(words: list[str] | None = None) -> int:
    """Serve until SIGTERM, Ctrl-C or the parent's death; 1 when the port or the files cannot be had."""
    parser = argparse.ArgumentParser(description="The embedded MQTT broker (amqtt)")
    parser.add_argument("--folder", type=Path, required=True, help="where the broker's files are")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", help="the account to become once the port is bound")
    parser.add_argument("--host", help="where it listens on the local network, for the two ports below")
    parser.add_argument("--tls-port", type=int, help="with the certificate in the folder")
    parser.add_argument("--plain-port", type=int, help="without encryption")
    chosen = parser.parse_args(words)
    _silence()
    try:
        asyncio.run(_serve(chosen.folder, _listeners(chosen), chosen.user))
    except (BrokerError, OSError) as error:
        log.error("The broker cannot start on port %d: %s", chosen.port, error)
        return 1
    return 0


async def _serve(folder: Path, listeners: dict[str, dict[str, object]], account: str | None) -> None:
    parent = os.getppid()
    loop = asyncio.get_running_loop()
    stopping, looking = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, looking.set)
    user_book(str(folder)).names_still_valid()
    broker = DeviceBroker(_settings(folder, listeners))
    await broker.start()
    # Only now: the pid file invites SIGHUP, which kills a process that does not expect it.
    (folder / PID).write_text(str(os.getpid()))
    if account:
        _become(account)
    while not stopping.is_set() and os.getppid() == parent:
        await _look(folder, looking, stopping)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), SHUTDOWN_WITHIN_S)
    (folder / PID).unlink(missing_ok=True)


async def _look(folder: Path, looking: asyncio.Event, stopping: asyncio.Event) -> None:
    """Wait for a second or a signal, then apply what changed in the files."""
    waits = [asyncio.ensure_future(looking.wait()), asyncio.ensure_future(stopping.wait())]
    await asyncio.wait(waits, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    looking.clear()
    await drop_all_but(user_book(str(folder)).names_still_valid())


def _listeners(chosen: argparse.Namespace) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {"default": {"type": "tcp", "bind": f"127.0.0.1:{chosen.port}"}}
    host = f"[{chosen.host}]" if ":" in (chosen.host or "") else chosen.host
    if chosen.tls_port:
        files = {"certfile": str(chosen.folder / CERTIFICATE), "keyfile": str(chosen.folder / KEY)}
        found["tls"] = {"type": "tcp", "bind": f"{host}:{chosen.tls_port}", "ssl": True, **files}
    if chosen.plain_port:
        found["plain"] = {"type": "tcp", "bind": f"{host}:{chosen.plain_port}"}
    return found


def _settings(folder: Path, listeners: dict[str, dict[str, object]]) -> dict[str, object]:
    mine = {"folder": str(folder)}
    return {
        "listeners": listeners,
        "timeout_disconnect_delay": KEEP_ALIVE_MARGIN_S,
        "session_expiry_interval": 24 * 3600,
        "plugins": {
            "iot.broker.amqtt_plugins.Accounts": mine,
            "iot.broker.amqtt_plugins.Rights": dict(mine),
        },
    }


def _become(account: str) -> None:
    entry = pwd.getpwnam(account)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _silence() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s broker: %(message)s")
    # amqtt prints a stack trace for each message that a vanished client did not confirm.
    for name in ("amqtt", "transitions", "asyncio", "websockets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main())

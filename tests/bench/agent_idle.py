"""What an idle agent costs: `python -m tests.bench.agent_idle [--seconds 60]` prints one row a way of running it.

Measured from outside, in /proc: processor time over the wall clock, and the most memory it held. The agent is
connected to a Mosquitto of its own, heartbeats each 15 s, and looks at its inputs four times a second.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from iot.agent.config import write_config
from tests.contract.running_broker import PASSWORD, wait_until
from tests.iot.agent_lab import Lab

PROJECT = Path(__file__).resolve().parents[2]
CPU_MOST_PCT = 2.0
RSS_MOST_MB = 40.0
SETTLE_S = 3.0
WAYS = {
    "reports only": "",
    "machine: relay, button, busy input, emergency stop, reader": (
        "[machine]\nhardware = 'simulated'\nbutton_pin = 4\nbusy_pin = 5\n[machine.safety_pins]\nemergency_stop = 6\n"
        "[reader]\nkind = 'stdin'\n"
    ),
    "seat": "[seat]\nlock_command = ['true']\n",
}


@dataclass(frozen=True)
class Cost:
    """`cpu_pct` of one core."""

    way: str
    cpu_pct: float
    rss_mb: float

    @property
    def is_kept(self) -> bool:
        return self.cpu_pct < CPU_MOST_PCT and self.rss_mb < RSS_MOST_MB

    def row(self) -> str:
        kept = "kept" if self.is_kept else "MISSED"
        return f"| agent idle, {self.way} | {self.cpu_pct:.2f} % | {self.rss_mb:.1f} MB | < 2 %, < 40 MB: {kept} |"


def processor_s(pid: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def most_rss_mb(pid: int) -> float:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def measured(way: str, tables: str, port: int, seconds: float) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "agent.toml"
        config.write_text(tables)
        write_config(config, {"device": "laser-1", "host": "127.0.0.1", "port": port, "is_tls": False}, PASSWORD)
        lab = Lab(port)
        agent = subprocess.Popen(
            [sys.executable, "-m", "iot.agent", "--config", config],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            if not wait_until(lambda: "online" in lab.statuses, 20):
                raise SystemExit("The agent did not connect.")
            time.sleep(SETTLE_S)
            began_s, before_s = time.monotonic(), processor_s(agent.pid)
            time.sleep(seconds)
            used_s = processor_s(agent.pid) - before_s
            return Cost(way, 100 * used_s / (time.monotonic() - began_s), most_rss_mb(agent.pid))
        finally:
            agent.terminate()
            agent.communicate(timeout=20)
            lab.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    broker_program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if broker_program is None:
        raise SystemExit("Mosquitto is needed: apt-get install mosquitto.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        settings.write(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        settings.flush()
        os.chmod(settings.name, 0o644)
        broker = subprocess.Popen([broker_program, "-c", settings.name], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: listens(port), 10)
            costs = [measured(way, tables, port, seconds) for way, tables in WAYS.items()]
        finally:
            broker.terminate()
            broker.wait(10)
    print("| case | processor | memory | promised |\n|---|---|---|---|")
    print("\n".join(cost.row() for cost in costs))
    return int(not all(cost.is_kept for cost in costs))


if __name__ == "__main__":
    sys.exit(main())

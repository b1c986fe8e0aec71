"""A whole lab on this machine, whose parts are killed while its devices report: broker, database, ingest, agents."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from fablab.lib.datadir import load_secrets
from fablab.up.errors import CannotStart
from fablab.up.postgres import EmbeddedPostgres
from iot.agent.client import Agent, Timing
from iot.agent.outbox import Outbox
from iot.broker.access import BrokerUser
from iot.broker.launch import broker_command
from iot.credentials import hash_password
from tests.conftest import free_port
from tests.contract.running_broker import spawn, wait_until
from tests.migrated import fill

PROJECT = Path(__file__).resolve().parent.parent.parent
HASTY = Timing(heartbeat_s=2, resend_after_s=2, retry_least_s=0.2, retry_most_s=1)
# What kill -9 leaves in the system's cache is not lost: only a power cut needs the disk itself.
PATIENT_ONLY_WITH_PROCESSES = {"fsync": "off"}
VALUES_PER_SAMPLE = 2

MAKE_DEVICES = """
from tests.iot.builders import make_device, make_machine
for pair in range({pairs}):
    machine = make_machine(f"machine-{{pair}}")
    for side in "ab":
        make_device(f"plug-{{pair}}{{side}}", machine)
"""


@dataclass(frozen=True)
class Tally:
    """What one run of a device made, or what the database has of it."""

    messages: int
    values: int


class KilledLab:
    """Two devices for each machine. `close` it, whatever happened."""

    def __init__(self, pairs: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fablab-kills-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.names = [f"plug-{pair}{side}" for pair in range(pairs) for side in "ab"]
        self.password = secrets.token_urlsafe(12)
        ours = load_secrets(self.folder)
        self.broker_password = ours["broker_password"]
        self.database = EmbeddedPostgres(
            self.folder, password=ours["database_password"], options=PATIENT_ONLY_WITH_PROCESSES
        )
        self.broker: subprocess.Popen[bytes] | None = None
        self.ingest: subprocess.Popen[bytes] | None = None
        self.agents: list[Agent] = []
        self._feeding = threading.Event()
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._pairs = pairs

    def open(self, *, every_s: float) -> None:
        """Start everything; each agent then reports two samples every so often."""
        self.database.start()
        fill(self.database.url, "fablab")
        self._manage("shell", "--verbosity", "0", "-c", MAKE_DEVICES.format(pairs=self._pairs)).wait(60)
        self.start_broker()
        self.start_ingest()
        self._every_s = every_s
        self.agents = [
            Agent(name, "127.0.0.1", self.port, self.password, Outbox(None), timing=HASTY) for name in self.names
        ]
        for agent in self.agents:
            agent.start()
        self._feeder.start()

    def start_broker(self) -> None:
        server = BrokerUser(
            "fablab-server",
            hash_password(self.broker_password),
            writes=("fablab/v1/+/down/#",),
            reads=("fablab/#", "tele/#", "stat/#"),
        )
        hashed = hash_password(self.password)
        devices = [
            BrokerUser(name, hashed, writes=(f"fablab/v1/{name}/up/#",), reads=(f"fablab/v1/{name}/down/#",))
            for name in self.names
        ]
        self.broker = spawn(broker_command(self.folder, self.port, users=[server, *devices]))

    def start_ingest(self) -> None:
        self.ingest = self._manage("ingest")

    def start_database(self) -> None:
        # Backends that outlive their postmaster hold its memory until they notice.
        end = time.monotonic() + 20
        while True:
            try:
                self.database.start(20)
                return
            except CannotStart:
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)

    def kill_broker(self) -> None:
        assert self.broker is not None
        self.broker.kill()
        self.broker.wait(5)

    def kill_ingest(self) -> None:
        assert self.ingest is not None
        self.ingest.send_signal(signal.SIGKILL)
        self.ingest.wait(5)

    def kill_database(self) -> None:
        self.database.kill()

    def cycle(self, *, before_s: float, down_s: float) -> None:
        """Kill ingest, database and broker in turn, and start each again."""
        for kill, start in [
            (self.kill_ingest, self.start_ingest),
            (self.kill_database, self.start_database),
            (self.kill_broker, self.start_broker),
        ]:
            self._until_committing(before_s)
            kill()
            time.sleep(down_s)
            start()

    def finish(self, within_s: float) -> dict[str, int]:
        """Let the agents say no more and wait until the lab has everything; what still waits, by device."""
        self._feeding.set()
        self._feeder.join(10)
        wait_until(lambda: not any(agent.outbox.waiting() for agent in self.agents), within_s)
        return {agent.device: agent.outbox.waiting() for agent in self.agents if agent.outbox.waiting()}

    def made(self) -> dict[tuple[str, str], Tally]:
        return {
            (agent.device, agent.outbox.boot): Tally(agent.counts.messages, agent.counts.samples * VALUES_PER_SAMPLE)
            for agent in self.agents
        }

    def stored(self) -> dict[tuple[str, str], Tally]:
        """By device and boot; a message or a value that is there twice would make its number too high."""
        with psycopg.connect(self.database.url) as connection:
            rows = connection.execute(
                """
                SELECT d.slug, b.boot,
                       (SELECT count(*) FROM iot_inboxmessage i WHERE i.device_id = d.id AND i.boot = b.boot),
                       (SELECT count(*) FROM iot_reading r WHERE r.device_id = d.id AND r.boot = b.boot)
                FROM iot_deviceboot b JOIN iot_device d ON d.id = b.device_id
                """
            ).fetchall()
        return {(slug, boot): Tally(messages, values) for slug, boot, messages, values in rows}

    def count(self, table: str) -> int:
        with psycopg.connect(self.database.url) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        self._feeding.set()
        for agent in self.agents:
            agent.stop()
            agent.outbox.close()
        for process in (self.ingest, self.broker):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(5)
        self.database.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _feed(self) -> None:
        number = 0
        while not self._feeding.wait(self._every_s):
            number += 1
            # Ten ticks busy, ten idle: sessions are opened and closed all along.
            power_w = 900 if number % 20 < 10 else 3
            for agent in self.agents:
                agent.reading([{"age_ms": 10, "power_w": power_w, "energy_wh": number}, {"power_w": power_w,
                                "energy_wh": number}])  # fmt: skip

    def _until_committing(self, for_s: float) -> None:
        """News arrives, so that what is killed now is killed at work."""
        before = self.count("iot_inboxmessage")
        assert wait_until(lambda: self.count("iot_inboxmessage") > before, 30), "nothing arrives any more"
        time.sleep(for_s)

    def _manage(self, *words: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "DATABASE_URL": self.database.url,
            "FABLAB_DATA_DIR": str(self.folder),
            "FABLAB_MQTT_PORT": str(self.port),
            "MQTT_URL": "",
            "FABLAB_LOG_LEVEL": "WARNING",
        }
        return subprocess.Popen([sys.executable, "manage.py", *words], cwd=PROJECT, env=environment)


def run_and_compare(*, pairs: int, cycles: int, every_s: float, before_s: float, down_s: float) -> KilledLab:
    """Report, kill, restart, compare: nothing is missing and nothing is there twice. The lab, closed."""
    lab = KilledLab(pairs)
    try:
        lab.open(every_s=every_s)
        for _ in range(cycles):
            lab.cycle(before_s=before_s, down_s=down_s)
        waiting = lab.finish(within_s=60)

        assert waiting == {}
        assert lab.stored() == lab.made()
        assert lab.count("iot_quarantinedmessage") == 0
        assert lab.count('iot_usagesession WHERE "end" IS NULL') <= pairs
    finally:
        lab.close()
    return lab

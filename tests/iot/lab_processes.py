"""A lab on this machine as processes of its own: database, broker, ingest and worker, each of which can be killed."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from fablab.lib.datadir import load_secrets
from fablab.up.errors import CannotStart
from fablab.up.postgres import EmbeddedPostgres
from iot.agent.client import Timing
from iot.broker.access import BrokerUser
from iot.broker.launch import broker_command
from iot.credentials import hash_password
from tests.conftest import free_port
from tests.contract.running_broker import spawn
from tests.migrated import fill

PROJECT = Path(__file__).resolve().parent.parent.parent
HASTY = Timing(heartbeat_s=2, resend_after_s=2, retry_least_s=0.2, retry_most_s=1)
# What kill -9 leaves in the system's cache is not lost: only a power cut needs the disk itself.
PATIENT_ONLY_WITH_PROCESSES = {"fsync": "off"}


@dataclass(frozen=True)
class Tally:
    """What one run of a device made, or what the database has of it."""

    messages: int
    values: int


class LabProcesses:
    """The devices of these names may speak at its broker. `close` it, whatever happened."""

    def __init__(self, names: Sequence[str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fablab-kills-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        # Where the server's own processes find the broker: a test may stand in between.
        self.servers_port = self.port
        self.names = list(names)
        self.password = secrets.token_urlsafe(12)
        ours = load_secrets(self.folder)
        self.broker_password = ours["broker_password"]
        self.database = EmbeddedPostgres(
            self.folder, password=ours["database_password"], options=PATIENT_ONLY_WITH_PROCESSES
        )
        self.broker: subprocess.Popen[bytes] | None = None
        self.ingest: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None

    def open_database(self, make_devices: str) -> None:
        """A database with every table, and the devices that this program makes."""
        self.database.start()
        fill(self.database.url, "fablab")
        made = self._manage("shell", "--verbosity", "0", "-c", make_devices).wait(60)
        assert made == 0

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

    def start_worker(self) -> None:
        self.worker = self._manage("worker", "--no-printers")

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
        _kill(self.broker)

    def kill_ingest(self) -> None:
        _kill(self.ingest)

    def kill_worker(self) -> None:
        _kill(self.worker)

    def kill_database(self) -> None:
        self.database.kill()

    def stored(self) -> dict[tuple[str, str], Tally]:
        """By device and boot; a message or a value that is there twice would make its number too high."""
        rows = self.rows(
            """
            SELECT d.slug, b.boot,
                   (SELECT count(*) FROM iot_inboxmessage i WHERE i.device_id = d.id AND i.boot = b.boot),
                   (SELECT count(*) FROM iot_reading r WHERE r.device_id = d.id AND r.boot = b.boot)
            FROM iot_deviceboot b JOIN iot_device d ON d.id = b.device_id
            """
        )
        return {(slug, boot): Tally(messages, values) for slug, boot, messages, values in rows}

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]

    def close(self) -> None:
        for process in (self.worker, self.ingest, self.broker):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(5)
        self.database.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _manage(self, *words: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "DATABASE_URL": self.database.url,
            "FABLAB_DATA_DIR": str(self.folder),
            "FABLAB_MQTT_PORT": str(self.servers_port),
            "MQTT_URL": "",
            "FABLAB_LOG_LEVEL": "WARNING",
        }
        return subprocess.Popen([sys.executable, "manage.py", *words], cwd=PROJECT, env=environment)


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    assert process is not None
    process.send_signal(signal.SIGKILL)
    process.wait(5)

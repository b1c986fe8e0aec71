"""A lab to be loaded: fifty devices that report, twenty readers at machines of their own, one account for all."""

import datetime as dt
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from fablab.lib.datadir import load_secrets
from fablab.up.postgres import EmbeddedPostgres
from iot.broker.access import BrokerUser
from iot.broker.launch import broker_command
from iot.credentials import hash_password
from tests.bench.ingest.wire import Payloads, Sender, interleaved
from tests.contract.running_broker import spawn, wait_until
from tests.iot.lab_processes import PROJECT, LabProcesses

DEVICES = [f"plug-{n}" for n in range(50)]
READERS = [f"reader-{n}" for n in range(20)]
PLAYER = "fablab-bench"
MAKE = """
from django.utils import timezone
from people.badges import badge_digest
from people.models import Badge
from tests.factories import make_machine as make_open_machine, make_person, make_site
from tests.iot.builders import make_device, make_machine
for n in range({devices}):
    make_device(f"plug-{{n}}", make_machine(f"loaded-{{n}}"))
site = make_site()
for n in range({readers}):
    make_device(f"reader-{{n}}", make_open_machine(site=site), is_online=True)
    Badge.objects.create(person=make_person(), digest=badge_digest(f"04A2B91C5D{{n:04X}}"), created_at=timezone.now())
"""
DONE = "SELECT coalesce(sum(done_seq), 0)::bigint FROM iot_deviceboot WHERE boot = %s"
DECIDING = "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms) FROM iot_accessattempt"


def tell(process: subprocess.Popen[bytes], *lines: str) -> None:
    assert process.stdin is not None
    process.stdin.write("".join(f"{line}\n" for line in lines).encode())
    process.stdin.flush()


class BenchLab(LabProcesses):
    """Open it, measure, `close` it. Its database waits for the disk at each commit, as a lab's own does."""

    def __init__(self) -> None:
        super().__init__([])
        self.database = EmbeddedPostgres(self.folder, password=load_secrets(self.folder)["database_password"])
        self.consumers: list[subprocess.Popen[bytes]] = []
        self._runs = 0

    def open(self) -> None:
        self.open_database(MAKE.format(devices=len(DEVICES), readers=len(READERS)))
        self.start_broker()
        wait_until(self._is_listening, 15)
        self.connection = psycopg.connect(self.database.url, autocommit=True)

    def _is_listening(self) -> bool:
        try:
            Sender(self.port, PLAYER, self.password).close()
        except OSError:
            return False
        return True

    def start_broker(self) -> None:
        own = BrokerUser(
            "fablab-server", hash_password(self.broker_password), writes=("fablab/v1/+/down/#",), reads=("#",)
        )
        player = BrokerUser(
            PLAYER, hash_password(self.password), writes=("fablab/v1/+/up/#",),
            reads=("fablab/v1/+/down/#", "fablab/v1/+/up/#"),
        )  # fmt: skip
        self.broker = spawn(broker_command(self.folder, self.port, users=[own, player]))

    def start_consumers(self, count: int) -> None:
        """So many, sharing the work when there are several; returns once all are connected."""
        for n in range(count):
            words = ["--name", str(n + 1), *(["--shared"] if count > 1 else [])]
            self.consumers.append(self._manage("ingest", *words))
        if not wait_until(lambda: self._connected() == count, 60):
            raise SystemExit("The consumers did not connect.")
        # What they found out since: which devices there are.
        time.sleep(1)

    def _connected(self) -> int:
        texts = [file.read_text() for file in (self.folder / "run").glob("ingest-*.json")]
        return sum('"is_connected": true' in text for text in texts)

    def stop_consumers(self) -> None:
        for consumer in self.consumers:
            consumer.terminate()
        for consumer in self.consumers:
            consumer.wait(30)
        self.consumers.clear()

    def new_run(self, samples: int) -> tuple[str, Payloads]:
        """The name of a run of every device, and what it says."""
        self._runs += 1
        boot = f"run-{self._runs}"
        return boot, Payloads(boot, dt.datetime.now(dt.UTC).isoformat(), samples)

    def send(self, payloads: Payloads, count: int, *, begin: int = 0, a_second: float | None = None) -> None:
        """The run's messages up to this number, from this one on."""
        sender = Sender(self.port, PLAYER, self.password)
        try:
            sender.send(interleaved(DEVICES, payloads, count, begin), a_second=a_second)
        finally:
            sender.close()

    def done(self, boot: str) -> int:
        """How many messages of this run are committed."""
        row = self.connection.execute(DONE, [boot]).fetchone()
        return int(row[0]) if row else 0

    def deciding_p95_ms(self) -> float:
        """As the decisions themselves wrote it down."""
        row = self.connection.execute(DECIDING).fetchone()
        return float(row[0]) if row and row[0] is not None else 0.0

    def wait_for(self, boot: str, count: int, within_s: float) -> None:
        if not wait_until(lambda: self.done(boot) >= count, within_s):
            raise SystemExit(f"Only {self.done(boot)} of {count} messages were stored within {within_s:.0f} s.")

    def rss_mb(self) -> float:
        """What the first consumer holds in memory now."""
        status = Path(f"/proc/{self.consumers[0].pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def halt(self) -> None:
        """The consumers stand still, and the broker keeps for them what is sent meanwhile."""
        for consumer in self.consumers:
            consumer.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        for consumer in self.consumers:
            consumer.send_signal(signal.SIGCONT)

    def start_paho_alone(self, count: int) -> subprocess.Popen[bytes]:
        alone = self._paho("paho_alone", count)
        self.consumers.append(alone)
        return alone

    def start_paho_sender(self, payloads: Payloads, count: int) -> subprocess.Popen[bytes]:
        """Connected, and waiting for a line."""
        return self._paho("paho_sender", count, json.dumps(payloads.told | {"devices": DEVICES}))

    def _paho(self, program: str, count: int, *lines: str) -> subprocess.Popen[bytes]:
        words = ["-m", f"tests.bench.ingest.{program}", str(self.port), PLAYER, str(count)]
        paho = subprocess.Popen([sys.executable, *words], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        tell(paho, self.password, *lines)
        assert paho.stdout is not None
        assert paho.stdout.readline() == b"ready\n"
        return paho

    def close(self) -> None:
        for consumer in self.consumers:
            consumer.kill()
            consumer.wait(5)
        if hasattr(self, "connection"):
            self.connection.close()
        super().close()

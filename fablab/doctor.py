"""Is this installation well? Each check looks at one part, never raises, and says what to mend."""

import datetime as dt
import enum
import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import django
import paho.mqtt.client as mqtt
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django.utils import timezone

from fablab.health import worker_beats
from fablab.served_certificate import ENDS_SOON, certificate_ends_at
from iot.ingest.consumer import broker_client
from iot.ingest_health import ingest_health
from iot.models import Device, InboxMessage
from reservations.models import Reservation

LEAST_PYTHON = (3, 11)
LEAST_POSTGRES = 15
BROKER_WITHIN_S = 4.0
LEAST_FREE_BYTES = 10**9
# Devices say something every 30 s.
HEARD_WITHIN = dt.timedelta(minutes=5)
CLOCKS_APART_WARN = dt.timedelta(seconds=2)
CLOCKS_APART_MOST = dt.timedelta(seconds=30)
# Nobody ran this program earlier: an older date is a computer that lost its clock.
FIRST_YEAR = 2026


class Verdict(enum.StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` is empty when nothing needs mending."""

    check: str
    verdict: Verdict
    detail: str
    remedy: str = ""


Check = Callable[[], Finding]


def examined(checks: Sequence[tuple[str, Check]] | None = None) -> list[Finding]:
    """Every check's finding, in their order. A part that cannot even be asked is a FAIL, not an exception."""
    return [_asked(name, check) for name, check in (CHECKS if checks is None else checks)]


def _asked(name: str, check: Check) -> Finding:
    try:
        return check()
    except DatabaseTrouble as error:
        detail = f"the database did not answer: {_first_line(error)}"
        return Finding(
            name, Verdict.FAIL, detail, "Start the database (manage.py up, or your own), or correct DATABASE_URL."
        )
    except (OSError, ValueError) as error:
        return Finding(name, Verdict.FAIL, _first_line(error), "Look at the settings in .env.example.")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0]


def versions() -> Finding:
    python = ".".join(map(str, sys.version_info[:3]))
    detail = f"Python {python}, Django {django.get_version()}"
    if sys.version_info < LEAST_PYTHON:
        return Finding("versions", Verdict.FAIL, detail, "Install Python 3.11 or newer and make .venv again.")
    return Finding("versions", Verdict.OK, detail)


def database() -> Finding:
    """Reachable, and new enough."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000")
        version, major = cursor.fetchone()
    detail = f"PostgreSQL {version.split()[0]}, database {settings.DATABASES['default']['NAME']}"
    if major < LEAST_POSTGRES:
        return Finding("database", Verdict.FAIL, detail, f"Move to PostgreSQL {LEAST_POSTGRES} or newer.")
    return Finding("database", Verdict.OK, detail)


def migrations() -> Finding:
    """Every migration of the code is applied."""
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        executor.loader.check_consistent_history(connection)
    except InconsistentMigrationHistory as error:
        return Finding("migrations", Verdict.FAIL, _first_line(error), "Restore the backup made before the update.")
    if plan:
        first = f"{plan[0][0].app_label}.{plan[0][0].name}"
        detail = f"{len(plan)} not applied, the first is {first}"
        return Finding("migrations", Verdict.FAIL, detail, "Run: manage.py migrate")
    return Finding("migrations", Verdict.OK, "all applied")


def broker() -> Finding:
    """A message of ours goes to the broker and comes back, with our own credential."""
    where = f"{settings.BROKER['host']}:{settings.BROKER['port']}"
    problem = _round_trip(f"fablab/doctor/{secrets.token_hex(8)}")
    if problem is None:
        return Finding("broker", Verdict.OK, f"a message went to {where} and came back")
    return Finding("broker", Verdict.FAIL, f"{where}: {problem[0]}", problem[1])


def _round_trip(topic: str) -> tuple[str, str] | None:
    """None when the message came back, else what went wrong and what to do."""
    trip = _Trip(topic)
    client = trip.client
    try:
        client.connect(str(settings.BROKER["host"]), int(str(settings.BROKER["port"])), keepalive=10)
    except OSError as error:
        return _first_line(error), "Start the broker (manage.py up, or your own), or correct MQTT_URL."
    client.loop_start()
    try:
        trip.over.wait(BROKER_WITHIN_S)
    finally:
        client.disconnect()
        client.loop_stop()
    if trip.came_back:
        return None
    if trip.refusal:
        return f"it refuses us ({trip.refusal})", "Correct user and password in MQTT_URL, or write its files anew."
    return "the message did not come back", f"Let our user write and read {topic.rpartition('/')[0]}/#."


class _Trip:
    """One message there and back: subscribe, then publish, then wait."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.over = threading.Event()
        self.came_back = False
        self.refusal = ""
        self.client = broker_client(topic.replace("/", "-"))
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda client, *_: client.publish(topic, b"well?", qos=1)
        self.client.on_message = self._received

    def _connected(self, client: mqtt.Client, userdata: object, flags: object, reason: object, props: object) -> None:
        if getattr(reason, "is_failure", False):
            self.refusal = str(reason)
            self.over.set()
        else:
            client.subscribe(self.topic, qos=1)

    def _received(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        client.ack(message.mid, message.qos)
        self.came_back = message.topic == self.topic
        self.over.set()


def worker() -> Finding:
    """Some worker's heart beat within the last minute."""
    if worker_beats():
        return Finding("worker", Verdict.OK, "its heart beats")
    return Finding("worker", Verdict.FAIL, "no heartbeat within the last minute", "Start: manage.py worker")


def ingest() -> Finding:
    """Devices were heard lately, and what they say is stored as it comes. Silence may be theirs: a warning."""
    devices = Device.objects.filter(revoked_at=None)
    heard = devices.aggregate(latest=Max("last_seen_at"))["latest"]
    if not devices.exists():
        return Finding("ingest", Verdict.OK, "no device is enrolled yet")
    health = ingest_health(timezone.now())
    if health.is_behind:
        detail = f"{health.queue} messages wait, the last ones for {health.lag_s:.0f} s"
        remedy = "Let two share the work: manage.py ingest --shared --name 1, and --name 2 (in place of the one)."
        return Finding("ingest", Verdict.WARN, detail, remedy)
    if heard is not None and timezone.now() - heard <= HEARD_WITHIN:
        rate = f", {health.messages_a_second:.1f} messages a second are stored" if health.running else ""
        return Finding("ingest", Verdict.OK, f"a device was heard at {heard:%H:%M:%S} UTC{rate}")
    last = f"no device was heard since {heard:%Y-%m-%d %H:%M} UTC" if heard else "no device was ever heard"
    return Finding("ingest", Verdict.WARN, last, "See that `manage.py ingest` runs and that the devices have power.")


def disk() -> Finding:
    free_bytes = shutil.disk_usage(_existing(settings.DATA_DIR)).free
    detail = f"{free_bytes / 10**9:.1f} GB free for {settings.DATA_DIR}"
    if free_bytes < LEAST_FREE_BYTES:
        return Finding("disk", Verdict.WARN, detail, "Make room, or move the data folder (FABLAB_DATA_DIR).")
    return Finding("disk", Verdict.OK, detail)


def certificate() -> Finding:
    """The one that the lab serves itself is valid for some time: it is looked at only when the lab is opened."""
    ends_at = certificate_ends_at()
    if ends_at is None:
        return Finding("certificate", Verdict.OK, "none of the lab's own")
    if ends_at - timezone.now() < ENDS_SOON:
        remedy = (
            "Close the lab and open it again: it makes its own anew; renew one that you gave first. If the lab is no "
            "longer opened with --lan, move the folder tls/ away."
        )
        return Finding("certificate", Verdict.WARN, f"ends on {ends_at:%Y-%m-%d}", remedy)
    return Finding("certificate", Verdict.OK, f"valid until {ends_at:%Y-%m-%d}")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def clock() -> Finding:
    """Our clock agrees with the database's, and neither stands before what is already stored."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        apart = abs(cursor.fetchone()[0] - now)
    stored = last_stored()
    remedy = "Set the clock by the network (timedatectl set-ntp true), on the server and on the database's machine."
    detail = f"{now:%Y-%m-%d %H:%M:%S} UTC, {apart.total_seconds():.2f} s from the database's"
    if now.year < FIRST_YEAR or apart > CLOCKS_APART_MOST:
        return Finding("clock", Verdict.FAIL, detail, remedy)
    if stored is not None and stored > now + CLOCKS_APART_MOST:
        return Finding("clock", Verdict.FAIL, f"{detail}, but something was stored at {stored:%Y-%m-%d %H:%M}", remedy)
    if apart > CLOCKS_APART_WARN:
        return Finding("clock", Verdict.WARN, detail, remedy)
    return Finding("clock", Verdict.OK, detail)


def last_stored() -> dt.datetime | None:
    """When the newest reservation was made or the newest message received, by key: years of rows cost nothing."""
    made = Reservation.objects.order_by("-pk").values_list("created_at", flat=True).first()
    received = InboxMessage.objects.order_by("-pk").values_list("received_at", flat=True).first()
    return max((instant for instant in (made, received) if instant), default=None)


def data_folder() -> Finding:
    """Ours to write, and its secrets nobody else's to read."""
    folder: Path = settings.DATA_DIR
    probe = folder / f".doctor-{secrets.token_hex(4)}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        detail = f"{folder} cannot be written ({error.strerror})"
        return Finding("data folder", Verdict.FAIL, detail, "Give the folder to the account that runs the lab.")
    kept = folder / "secrets.json"
    if kept.exists() and kept.stat().st_mode & 0o077:
        return Finding("data folder", Verdict.FAIL, f"others may read {kept}", f"Run: chmod 600 {kept}")
    return Finding("data folder", Verdict.OK, str(folder))


CHECKS: tuple[tuple[str, Check], ...] = (
    ("versions", versions),
    ("database", database),
    ("migrations", migrations),
    ("broker", broker),
    ("worker", worker),
    ("ingest", ingest),
    ("disk", disk),
    ("clock", clock),
    ("data folder", data_folder),
    ("certificate", certificate),
)

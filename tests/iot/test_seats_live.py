"""From the desk to the screen of a public computer, over a real broker: our agent locks and unlocks by its programs."""

import datetime as dt
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from fablab.lib.secretbox import seal
from iot.agent.client import Timing
from iot.agent.config import read_config, write_config
from iot.agent.device import Device as Agent
from iot.agent.server_time import boot_clock_s
from iot.agent.state import State
from iot.ingest.consumer import Ingest
from iot.models import AccessSession, Device, DeviceCommand
from iot.seats import seat_devices
from machines.models import Machine
from people.models import Person
from reservations.desk import end_seat, extend, start_seat
from reservations.models import Reservation
from tests.contract.running_broker import PASSWORD, RunningBroker, wait_until
from tests.factories import make_category, make_machine, make_person, make_site, make_staff
from tests.iot.builders import make_device
from tests.iot.running_ingest import broker_for, ingest_at

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

KEY = "5c" * 32
QUICK = Timing(heartbeat_s=0.3, resend_after_s=0.5, retry_least_s=0.1, retry_most_s=0.3)
WRITER = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + ' ')"
HOUR, HALF = dt.timedelta(hours=1), dt.timedelta(minutes=30)


class Computer:
    """A public computer; what its programs did stands in a file."""

    def __init__(self, folder: Path, port: int) -> None:
        self.file = folder / "screen"
        lock, unlock = ([sys.executable, "-c", WRITER, str(self.file), word] for word in ("lock", "unlock"))
        seat = f"[seat]\nlock_command = {lock}\nunlock_command = {unlock}\nis_locked_when_free = true\n"
        (folder / "agent.toml").write_text(seat)
        address = {"device": "pc-1", "host": "127.0.0.1", "port": port, "is_tls": False}
        write_config(folder / "agent.toml", address, PASSWORD)
        state = State(folder / "state.sqlite3")
        state.enrolled(KEY)
        state.close()
        self.agent = Agent(read_config(folder / "agent.toml"), timing=QUICK)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.agent.run, args=[self.stopping])
        self.thread.start()

    def did(self, words: str) -> bool:
        """Waits until its programs have done this in all."""
        return wait_until(lambda: self.file.exists() and self.file.read_text().split() == words.split())

    def has_until(self, end: dt.datetime) -> bool:
        """Waits until its own end is that one, to two seconds."""
        return wait_until(lambda: abs(self._left_s() - (end - timezone.now()).total_seconds()) < 2)

    def _left_s(self) -> float:
        station = self.agent.station
        running = station.session if station is not None else None
        return running.left_s(boot_clock_s()) if running is not None else float("-inf")

    def close(self) -> None:
        self.stopping.set()
        self.thread.join(10)


@pytest.fixture
def seat(db: None) -> Machine:
    machine = make_machine(site=make_site(), category=make_category(is_seat=True))
    make_device("pc-1", machine, roster_key_sealed=seal(KEY))
    return machine


@pytest.fixture
def mo(seat: Machine) -> Person:
    return make_staff(site=seat.site)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    with broker_for("pc-1", monkeypatch) as running:
        yield running


@pytest.fixture
def ingest(broker: RunningBroker, seat: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingest]:
    with ingest_at(broker, monkeypatch) as running:
        yield running


@pytest.fixture
def computer(ingest: Ingest, broker: RunningBroker, tmp_path: Path) -> Iterator[Computer]:
    made = Computer(tmp_path, broker.port)
    try:
        assert wait_until(lambda: Device.objects.get(slug="pc-1").is_online and seat_devices().exists())
        yield made
    finally:
        made.close()


def session() -> AccessSession:
    return AccessSession.objects.order_by("pk").latest("pk")


def started(seat: Machine, mo: Person) -> Reservation:
    return start_seat(machine=seat, length=HOUR, holder=make_person(), by=mo, now=timezone.now())


def test_seat_given_lengthened_and_ended_at_the_desk_is_so_on_the_screen(
    computer: Computer, seat: Machine, mo: Person
) -> None:
    assert computer.did("lock")

    given = started(seat, mo)
    assert computer.did("lock unlock")
    assert computer.has_until(given.end)
    assert wait_until(lambda: session().energised_at is not None)

    longer = extend(reservation=given, by=mo, now=timezone.now(), length=HALF)
    assert longer.end > given.end
    assert computer.has_until(longer.end)

    end_seat(reservation=longer, by=mo, now=timezone.now())
    assert computer.did("lock unlock lock")
    assert wait_until(lambda: not DeviceCommand.objects.exclude(is_done=True).exists())
    assert (session().stop_reason, AccessSession.objects.count()) == ("normal", 1)

    # The next one sits down at once.
    again = started(seat, mo)
    assert computer.did("lock unlock lock unlock")
    assert computer.has_until(again.end)

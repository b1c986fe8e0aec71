"""From a badge at a reader to power, over a real broker: our agent on one side, the whole ingest on the other."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from fablab.lib.secretbox import seal
from iot.access.who import new_start_code, wait_for_badge
from iot.agent.client import Timing
from iot.agent.config import read_config, write_config
from iot.agent.device import Device as Station
from iot.agent.hardware import Hardware
from iot.agent.hardware.simulated import (
    SimulatedButton,
    SimulatedDisplay,
    SimulatedInput,
    SimulatedReader,
    SimulatedRelay,
)
from iot.agent.state import State
from iot.agent.station import BOUNCE_S
from iot.ingest.consumer import Ingest
from iot.models import AccessAttempt, AccessSession, Device, DeviceCommand, MachineAccess
from iot.orders import Kind, order
from machines.closing_services import lift_outage
from machines.models import Machine, Outage
from people.models import Badge, Person
from reservations.life import check_in
from tests.contract.running_broker import PASSWORD, RunningBroker, wait_until
from tests.factories import make_machine, make_person, make_site, make_staff, minutes, reserve
from tests.iot.builders import make_device
from tests.iot.readers import NUMBER, with_badge
from tests.iot.running_ingest import broker_for, ingest_at

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

KEY = "5c" * 32
QUICK = Timing(heartbeat_s=0.3, resend_after_s=0.5, retry_least_s=0.1, retry_most_s=0.3)
MACHINE = "[machine]\nhardware = 'simulated'\nbutton_pin = 4\nbusy_pin = 5\n[machine.safety_pins]\nemergency_stop = 6\n"


class Bench:
    """A laser with a reader, a button, a relay and an emergency stop, run by our agent."""

    def __init__(self, folder: Path, port: int) -> None:
        address = {"device": "laser-1", "host": "127.0.0.1", "port": port, "is_tls": False}
        (folder / "agent.toml").write_text(MACHINE)
        write_config(folder / "agent.toml", address, PASSWORD)
        state = State(folder / "state.sqlite3")
        state.enrolled(KEY)
        state.close()
        self.relay, self.button, self.reader = SimulatedRelay(), SimulatedButton(), SimulatedReader()
        self.stop, self.busy, self.display = SimulatedInput(), SimulatedInput(), SimulatedDisplay()
        hardware = Hardware(
            relay=self.relay, display=self.display, button=self.button, reader=self.reader, busy=self.busy,
            safety={"emergency_stop": self.stop}, keypad=self.reader,
        )  # fmt: skip
        self._folder, self._hardware = folder, hardware
        self.start()

    def start(self) -> None:
        """A run of the agent; another one, after `close`, takes up what its folder holds."""
        self.station = Station(read_config(self._folder / "agent.toml"), hardware=self._hardware, timing=QUICK)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.station.run, args=[self.stopping])
        self.thread.start()

    def close(self) -> None:
        self.stopping.set()
        self.thread.join(10)


@pytest.fixture
def camille(db: None) -> Person:
    return with_badge()


@pytest.fixture
def laser(db: None) -> Machine:
    machine = make_machine(site=make_site())
    MachineAccess.objects.create(machine=machine, needs_button=True)
    make_device("laser-1", machine, roster_key_sealed=seal(KEY))
    return machine


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    with broker_for("laser-1", monkeypatch) as running:
        yield running


@pytest.fixture
def ingest(broker: RunningBroker, laser: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingest]:
    with ingest_at(broker, monkeypatch) as running:
        yield running


@pytest.fixture
def bench(ingest: Ingest, broker: RunningBroker, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, broker.port)
    assert wait_until(lambda: Device.objects.get(slug="laser-1").is_online)
    yield made
    made.close()


def session() -> AccessSession | None:
    return AccessSession.objects.order_by("pk").last()


def test_badge_then_button_switches_on_and_the_badge_again_switches_off(bench: Bench, camille: Person) -> None:
    bench.reader.tap(NUMBER)
    assert wait_until(lambda: bool(session()) and session().state == "waiting_button")
    assert not bench.relay.is_on

    assert wait_until(lambda: (bench.button.press(), bench.relay.is_on)[1])
    assert wait_until(lambda: session().energised_at is not None)

    # A badge held too long is one tap.
    time.sleep(BOUNCE_S + 0.2)
    bench.reader.tap(NUMBER)
    assert wait_until(lambda: not bench.relay.is_on)
    assert wait_until(lambda: session().ended_at is not None)
    assert (session().person, AccessSession.objects.count()) == (camille, 1)


def test_code_of_a_phone_is_typed_while_a_badge_is_waited_for(bench: Bench, laser: Machine) -> None:
    now, ada = timezone.now(), make_person(first_name="Ada")
    reader = Device.objects.get(slug="laser-1")
    assert wait_until(lambda: "keypad" in Device.objects.get(slug="laser-1").capabilities)
    wait_for_badge(device=reader, person=make_person(), by=make_staff(site=laser.site), now=now)

    bench.reader.type(new_start_code(machine=laser, person=ada, now=now))

    assert wait_until(lambda: bool(session()) and session().state == "waiting_button")
    assert wait_until(lambda: (bench.button.press(), bench.relay.is_on)[1])
    assert (session().person, Badge.objects.count()) == (ada, 0)


def test_button_alone_begins_what_is_checked_in(bench: Bench, laser: Machine) -> None:
    now, ada = timezone.now(), make_person(first_name="Ada")
    hour = now.replace(minute=0, second=0, microsecond=0)
    bench.button.press()
    assert wait_until(lambda: AccessAttempt.objects.filter(codes=["badge_first"]).exists())
    was_on = bench.relay.is_on
    made = reserve(machine=laser, holder=ada, start=hour, end=hour + minutes(60), now=hour - minutes(90))
    check_in(reservation=made, now=now, by=ada)

    bench.button.press()

    assert wait_until(lambda: bench.relay.is_on)
    assert wait_until(lambda: session().energised_at is not None)
    assert (was_on, session().person, session().state) == (False, ada, "active")


def test_unknown_badge_is_told_why_and_switches_nothing(bench: Bench) -> None:
    bench.reader.tap("0400000000")

    assert wait_until(lambda: "badge" in bench.display.shown)
    assert bench.relay.switched == []


def test_emergency_stop_is_lifted_by_a_person_and_then_the_machine_runs_again(
    bench: Bench, laser: Machine, camille: Person
) -> None:
    held = Outage.objects.filter(machine=laser, kind=Outage.Kind.LOCK_OUT, end=None)
    bench.stop.turn(True)
    assert wait_until(held.exists)

    # Neither the button pulled out nor a new run of the agent lifts it: a badge is told why, and nothing is switched.
    bench.stop.turn(False)
    bench.close()
    bench.start()
    assert wait_until(lambda: Device.objects.get(slug="laser-1").is_locked)
    bench.reader.tap(NUMBER)
    assert wait_until(lambda: "Emergency stop" in bench.display.shown or "Arrêt d’urgence" in bench.display.shown)
    assert (held.count(), bench.relay.switched, session()) == (1, [], None)

    lift_outage(outage=held.get(), by=make_staff(site=laser.site), now=timezone.now())

    assert wait_until(lambda: not Device.objects.get(slug="laser-1").is_locked)
    time.sleep(BOUNCE_S + 0.2)
    bench.reader.tap(NUMBER)
    assert wait_until(lambda: bool(session()) and session().state == "waiting_button")
    assert wait_until(lambda: (bench.button.press(), bench.relay.is_on)[1])
    assert wait_until(lambda: session().energised_at is not None)
    assert (session().person, held.exists()) == (camille, False)


def test_order_is_carried_out_once_and_answered(bench: Bench, laser: Machine) -> None:
    told = order(
        device=Device.objects.get(slug="laser-1"), kind=Kind.MESSAGE, by=make_staff(site=laser.site),
        now=timezone.now(), data={"text": "Ten minutes left"},
    )  # fmt: skip

    assert wait_until(lambda: DeviceCommand.objects.get(pk=told.pk).is_done)
    assert wait_until(lambda: "Ten minutes left" in bench.display.shown)


def test_roster_reaches_the_device(bench: Bench, ingest: Ingest) -> None:
    ingest.downlink.send_rosters(timezone.now())

    assert wait_until(lambda: bench.station.station is not None and bench.station.station.roster_version > 0)

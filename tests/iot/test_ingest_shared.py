"""Two ingest processes share the work: both receive, nothing is stored twice, and each device's order is kept, also
when one of them is far behind the other."""

import datetime as dt
import json
import signal
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from iot.ingest.figures import Figures, read_figures
from tests.conftest import require_program
from tests.contract.running_broker import Client, wait_until
from tests.iot.builders import iso
from tests.iot.lab_processes import LabProcesses

pytestmark = pytest.mark.serial

NAMES = [f"lathe-{n}" for n in range(3)]
# Busy and idle in turn, one event a second.
EVENTS = 60
SENT = EVENTS * len(NAMES)
MAKE_DEVICES = f"""
from tests.iot.builders import make_device, make_machine
for name in {NAMES!r}:
    make_device(name, make_machine(name))
"""
SESSIONS = """
SELECT m.slug, s.start, s."end" FROM iot_usagesession s JOIN machines_machine m ON m.id = s.machine_id
ORDER BY m.slug, s.start
"""
HALFWAY = """
SELECT (SELECT count(*) FROM iot_inboxmessage)::int, (SELECT sum(done_seq) FROM iot_deviceboot)::int
"""
DONE = "SELECT d.slug, b.done_seq FROM iot_deviceboot b JOIN iot_device d ON d.id = b.device_id ORDER BY d.slug"


class SharedLab(LabProcesses):
    """Two consumers, as the handbook starts them: `ingest --shared --name 1` and `--name 2`."""

    def __init__(self) -> None:
        super().__init__(NAMES)
        self.consumers: list[subprocess.Popen[bytes]] = []
        self.began_at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=EVENTS)

    def open(self) -> None:
        self.open_database(MAKE_DEVICES)
        self.start_broker()
        self.consumers = [self._manage("ingest", "--shared", "--name", name) for name in ("1", "2")]
        assert wait_until(lambda: [told.is_connected for told in self.figures()] == [True, True], 60)

    def figures(self) -> list[Figures]:
        return read_figures(self.folder / "run")

    def speak(self) -> None:
        """Every device tells the same, all in turn; the broker has it when this returns."""
        for name in NAMES:
            device = Client(SimpleNamespace(port=self.port), name, self.password).open()
            for number in range(1, EVENTS + 1):
                device.say(f"fablab/v1/{name}/up/event", self._event(number))
            device.close()

    def at(self, number: int) -> dt.datetime:
        return self.began_at + dt.timedelta(seconds=number)

    def _event(self, number: int) -> bytes:
        told = {"event": "busy" if number % 2 else "idle"}
        whole = {"v": 1, "boot": "boot-1", "seq": number, "at": iso(self.at(number)), "uptime_s": number, "data": told}
        return json.dumps(whole).encode()

    def close(self) -> None:
        for consumer in self.consumers:
            consumer.kill()
            consumer.wait(5)
        super().close()


@pytest.fixture
def lab() -> Iterator[SharedLab]:
    require_program("mosquitto")
    made = SharedLab()
    try:
        made.open()
        yield made
    finally:
        made.close()


def test_two_consumers_share_the_work_and_keep_each_devices_order(lab: SharedLab) -> None:
    first, _second = lab.consumers
    first.send_signal(signal.SIGSTOP)
    lab.speak()
    assert wait_until(lambda: lab.count("iot_inboxmessage") >= SENT // 4, 30)
    [(by_one, done_by_one)] = lab.rows(HALFWAY)
    first.send_signal(signal.SIGCONT)
    assert wait_until(lambda: lab.rows(DONE) == [(name, EVENTS) for name in NAMES], 30)
    assert wait_until(lambda: sum(told.messages for told in lab.figures()) >= SENT, 30)

    # The one that goes on has its share only, and what it has beyond a hole is made nothing of yet.
    assert done_by_one < by_one < SENT
    # Each message was received by one of them, and is there once.
    shares = [told.messages for told in lab.figures()]
    assert (sum(shares), min(shares) > 0) == (SENT, True)
    assert lab.count("iot_inboxmessage") == SENT
    assert lab.count("iot_quarantinedmessage") == 0
    # Busy, idle, busy, idle: told in another order, uses would be missing, or longer.
    uses = [(name, lab.at(number), lab.at(number + 1)) for name in NAMES for number in range(1, EVENTS, 2)]
    assert lab.rows(SESSIONS) == uses

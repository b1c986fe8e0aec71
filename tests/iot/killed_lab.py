"""A whole lab on this machine, whose parts are killed while its devices report: broker, database, ingest, agents."""

import threading
import time

from iot.agent.client import Agent
from iot.agent.outbox import Outbox
from tests.contract.running_broker import wait_until
from tests.iot.lab_processes import HASTY, LabProcesses, Tally

VALUES_PER_SAMPLE = 2

MAKE_DEVICES = """
from tests.iot.builders import make_device, make_machine
for pair in range({pairs}):
    machine = make_machine(f"machine-{{pair}}")
    for side in "ab":
        make_device(f"plug-{{pair}}{{side}}", machine)
"""


class KilledLab(LabProcesses):
    """Two devices for each machine."""

    def __init__(self, pairs: int) -> None:
        super().__init__([f"plug-{pair}{side}" for pair in range(pairs) for side in "ab"])
        self.agents: list[Agent] = []
        self._feeding = threading.Event()
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._pairs = pairs

    def open(self, *, every_s: float) -> None:
        """Start everything; each agent then reports two samples every so often."""
        self.open_database(MAKE_DEVICES.format(pairs=self._pairs))
        self.start_broker()
        self.start_ingest()
        self._every_s = every_s
        self.agents = [
            Agent(name, "127.0.0.1", self.port, self.password, Outbox(None), timing=HASTY) for name in self.names
        ]
        for agent in self.agents:
            agent.start()
        self._feeder.start()

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

    def close(self) -> None:
        self._feeding.set()
        for agent in self.agents:
            agent.stop()
            agent.outbox.close()
        super().close()

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

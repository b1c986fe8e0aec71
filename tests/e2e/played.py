"""A device that the test plays, by the program that runs at real machines: the demo plays all but one of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fablab.demo.kept import DEVICES, read_kept
from fablab.demo.lab import UNREACHABLE
from iot.agent.client import Agent
from iot.agent.outbox import Outbox
from tests.e2e.conftest import Lab

EVERY_S = 0.5


@contextmanager
def drawing(lab: Lab, power_w: float) -> Iterator[None]:
    """The machine that is not heard in the demo is plugged in, and draws so much until the end of the block."""
    password = read_kept(lab.data_dir, DEVICES)[UNREACHABLE]
    outbox = Outbox(lab.data_dir / "played.sqlite3")
    agent = Agent(UNREACHABLE, "127.0.0.1", lab.mqtt_port, password, outbox, is_tls=False, capabilities=["power_w"])
    is_over = threading.Event()

    def report() -> None:
        while not is_over.wait(EVERY_S):
            agent.reading([{"age_ms": 0, "power_w": power_w}])

    reporting = threading.Thread(target=report, name="played", daemon=True)
    agent.start()
    reporting.start()
    try:
        yield
    finally:
        is_over.set()
        reporting.join()
        agent.stop()
        outbox.close()

"""A broker that knows a device or several, and the whole ingest listening to it in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from iot.broker.access import BrokerUser
from iot.credentials import hash_password
from iot.ingest.consumer import Ingest
from tests.contract.running_broker import PASSWORD, RunningBroker, device_user, wait_until


@contextmanager
def broker_for(slug: str, monkeypatch: pytest.MonkeyPatch, *others: str) -> Iterator[RunningBroker]:
    """Mosquitto with the server's user, this device's and those of others."""
    server = BrokerUser("server", hash_password(PASSWORD), writes=("fablab/v1/+/down/#",), reads=("#",))
    running = RunningBroker("mosquitto", [server, *map(device_user, (slug, *others))], monkeypatch)
    running.start()
    try:
        yield running
    finally:
        running.close()


@contextmanager
def ingest_at(broker: RunningBroker, monkeypatch: pytest.MonkeyPatch, kind: type[Ingest] = Ingest) -> Iterator[Ingest]:
    """Connected when it is given out; its threads have ended afterwards."""
    ours = {"host": "127.0.0.1", "port": broker.port, "username": "server", "password": PASSWORD, "is_tls": False}
    monkeypatch.setattr(settings, "BROKER", ours)
    running = kind(client_id="test-ingest", clock=timezone.now)

    def run() -> None:
        running.run()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert wait_until(running.connected.is_set)
        yield running
    finally:
        # Also after a test that failed: its threads would keep the whole run from ending.
        running.stop()
        for each in (thread, running.asking.thread, running.downlink.thread):
            each.join(10)

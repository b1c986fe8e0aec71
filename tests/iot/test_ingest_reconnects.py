"""A broker that was away for a moment: what devices of other makes say next is heard, for nobody sends it again."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from iot.broker.access import BrokerUser
from iot.credentials import hash_password
from iot.ingest import consumer
from iot.models import Device, DriverKind, UsageSession
from tests.contract.running_broker import PASSWORD, Client, RunningBroker, wait_until
from tests.iot.builders import make_device, make_machine
from tests.iot.running_ingest import broker_for, ingest_at

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    octoprint = BrokerUser("octo", hash_password(PASSWORD), writes=("octoPrint/octo/#",), reads=())
    with broker_for("agent-1", monkeypatch) as running:
        running.users.append(octoprint)
        running.set_users(running.users)
        yield running


def test_print_that_begins_just_after_the_broker_is_back_is_seen(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_device("octo", make_machine("prusa"), kind=DriverKind.OCTOPRINT, topic="octoPrint/octo")
    # One look at which devices there are, and no other while the test lasts.
    monkeypatch.setattr(consumer, "LOOKS_EVERY_S", 3600)
    with ingest_at(broker, monkeypatch) as ingest:
        assert wait_until(lambda: any(topic.startswith("octoPrint/octo") for topic in ingest.subscribed))
        broker.kill()
        assert wait_until(lambda: not ingest.connected.is_set())

        broker.start()
        assert wait_until(ingest.connected.is_set, 20)
        printer = Client(broker, "octo").open()
        printer.say("octoPrint/octo/event/PrintStarted", b'{"_event": "PrintStarted", "name": "vase.gcode"}')

        assert wait_until(UsageSession.objects.exists)
        printer.close()
    assert Device.objects.get().is_online

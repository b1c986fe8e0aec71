"""A credential is good for its own device only, whatever its kind; a lost one is worth nothing within a moment."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from iot.broker.access import BrokerUser, may_publish, may_receive, may_subscribe
from iot.models import Device, DriverKind
from iot.selectors import broker_users, topics_of
from iot.services import revoke, set_password
from tests.contract.running_broker import Client, RunningBroker, wait_until
from tests.iot.builders import make_device

# Two of each kind, named alike wherever a careless pattern would let one speak for the other.
TOPICS: dict[str, tuple[str, str]] = {
    DriverKind.FABLAB: ("", ""),
    DriverKind.TASMOTA: ("plug-04", "plug-0"),
    DriverKind.SHELLY: ("shellies/plug-s", "plus"),
    DriverKind.ZIGBEE2MQTT: ("zigbee2mqtt/saw", "zigbee2mqtt/saw/hall"),
    DriverKind.ESPHOME: ("press", "press/sensor"),
    DriverKind.OCTOPRINT: ("octoprint", "octoprint/event"),
    DriverKind.MOONRAKER: ("voron", "voron/klipper"),
    DriverKind.BAMBU: ("01S00A2B3C", "01S00A2B3D"),
    DriverKind.RFID: ("door", "door/side"),
}
# The state of a bridge is told to all of its plugs, and each of them is granted it.
SHARED = {"zigbee2mqtt/bridge/state"}
NOBODY_S = (
    "fablab/v1/fablab-0/down/command",
    "fablab/v1/fablab-0/down/decision",
    "fablab/v1/fablab-0/down/roster",
    "cmnd/plug-04/POWER",
    "shellies/plug-s/relay/0/command",
    "plus/rpc",
    "zigbee2mqtt/saw/set",
    "zigbee2mqtt/bridge/request/permit_join",
    "press/switch/relay/command",
    "voron/moonraker/api/request",
    "device/01S00A2B3C/request",
    "homeassistant/switch/plug/config",
    "fablab/doctor/now",
    "$SYS/broker/version",
)


@dataclass
class Fleet:
    """Devices of every kind with a credential each, and what the broker is told of them."""

    devices: list[Device]
    passwords: dict[str, str]

    @property
    def users(self) -> dict[str, BrokerUser]:
        return {user.username: user for user in broker_users()}

    def own(self, device: Device) -> list[str]:
        """A topic for each pattern on which it publishes."""
        return [pattern.replace("#", "event").replace("+", "SENSOR") for pattern in topics_of(device)[0]]


@pytest.fixture
def fleet(db: None) -> Fleet:
    made = [
        make_device(f"{kind}-{number}", kind=kind, topic=topic)
        for kind, topics in TOPICS.items()
        for number, topic in enumerate(topics)
    ]
    return Fleet(made, {device.slug: set_password(device, now=timezone.now()) for device in made})


def test_every_kind_of_device_is_looked_at() -> None:
    assert set(TOPICS) == set(DriverKind.values)


@pytest.mark.parametrize("kind", DriverKind.values)
def test_device_may_write_what_its_driver_reads_and_nothing_of_another(fleet: Fleet, kind: str) -> None:
    users = fleet.users
    for device in [device for device in fleet.devices if device.kind == kind]:
        user, own = users[device.slug], fleet.own(device)
        foreign = {topic for other in fleet.devices for topic in fleet.own(other) if other != device} - SHARED

        assert own
        assert [topic for topic in own if not may_publish(user, topic)] == []
        assert [topic for topic in foreign if may_publish(user, topic)] == []
        assert [topic for topic in NOBODY_S if may_publish(user, topic)] == []


@pytest.mark.parametrize("kind", DriverKind.values)
def test_device_hears_what_is_meant_for_it_and_nothing_else(fleet: Fleet, kind: str) -> None:
    users = fleet.users
    for device in [device for device in fleet.devices if device.kind == kind]:
        user, reads = users[device.slug], topics_of(device)[1]
        foreign = {pattern for other in fleet.devices for pattern in topics_of(other)[1] if other != device}
        told = {topic for other in fleet.devices for topic in fleet.own(other)}

        assert [pattern for pattern in reads if not may_subscribe(user, pattern)] == []
        assert [pattern for pattern in (*foreign, "#", "+/#", "$SYS/#") if may_subscribe(user, pattern)] == []
        # Nor what others, or it itself, report: badges are among it.
        assert [topic for topic in told if may_receive(user, topic)] == []


def test_lab_may_order_whatever_a_device_listens_to(fleet: Fleet) -> None:
    server = fleet.users[str(django_settings.BROKER["username"])]
    patterns = {pattern for device in fleet.devices for pattern in topics_of(device)[1]}
    orders = [pattern.replace("#", "command").replace("+", "x") for pattern in patterns]

    assert [topic for topic in orders if not may_publish(server, topic)] == []
    assert [topic for device in fleet.devices for topic in fleet.own(device) if not may_receive(server, topic)] == []


def test_device_that_is_revoked_or_was_never_enrolled_has_no_account(fleet: Fleet) -> None:
    make_device("never-enrolled")
    revoke(device=fleet.devices[0], now=timezone.now())

    assert set(fleet.users) == {"fablab-server", *(device.slug for device in fleet.devices[1:])}


# --- on real brokers ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[RunningBroker]:
    """The lab's own: what changes in the database is told to it."""
    running = RunningBroker(request.param, [], monkeypatch)
    settings.DATA_DIR, settings.MQTT_PORT, settings.MQTT_URL = running.data_dir, running.port, ""
    yield running
    running.close()


def opened(broker: RunningBroker, fleet: Fleet, name: str, password: str = "") -> Client:
    return Client(broker, name, password or fleet.passwords[name]).open()


def start(broker: RunningBroker) -> None:
    broker.users = list(broker_users())
    broker.start()


@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(django_settings.INSTALLED_APPS))
def test_each_kind_of_device_reaches_the_lab_with_its_own_words_only(broker: RunningBroker, fleet: Fleet) -> None:
    start(broker)
    lab = Client(broker, "fablab-server", str(django_settings.BROKER["password"])).open().listen("#")
    tried = [fleet.own(device)[0] for device in fleet.devices] + [topic for topic in NOBODY_S if topic[0] != "$"]

    for device in fleet.devices:
        client = opened(broker, fleet, device.slug)
        assert client.paho.is_connected()
        for topic in tried:
            client.paho.publish(topic, device.slug.encode(), qos=0)
        # After all the others, on the same connection: once this has come, whatever will come has come.
        client.say(fleet.own(device)[0], b"last of " + device.slug.encode())
        assert wait_until(lambda name=device.slug: f"last of {name}".encode() in lab.payloads())
        client.close()

    came = {(topic, payload.decode()) for topic, payload, _ in lab.got if not payload.startswith(b"last of")}
    assert came == {(fleet.own(device)[0], device.slug) for device in fleet.devices}
    lab.close()


def milliseconds(since_s: float) -> str:
    return f"{(time.monotonic() - since_s) * 1000:.0f} ms"


def shut_out(device: Device) -> str:
    revoke(device=device, now=timezone.now())
    return ""


def given_another(device: Device) -> str:
    return set_password(device, now=timezone.now())


def followed(client: Client, into: list[str], name: str) -> None:
    client.paho.on_disconnect = lambda *_: into.append(f"{name} dropped")


@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(django_settings.INSTALLED_APPS))
@pytest.mark.parametrize("change", [shut_out, given_another], ids=["revoked", "new password"])
def test_credential_is_worth_nothing_within_a_moment(
    broker: RunningBroker, fleet: Fleet, change: Callable[[Device], str]
) -> None:
    start(broker)
    lost, other = fleet.devices[:2]
    happened: list[str] = []
    client, witness = opened(broker, fleet, lost.slug), opened(broker, fleet, other.slug)
    followed(client, happened, "lost")
    followed(witness, happened, "other")

    began_s = time.monotonic()
    password = change(lost)

    # Below a second here; five leave room for a busy machine.
    assert wait_until(lambda: happened, 5)
    print(f"\n{broker.program}: dropped {milliseconds(began_s)} after the change began")
    assert happened[0] == "lost dropped"
    assert opened(broker, fleet, lost.slug).refusals
    if password:
        assert opened(broker, fleet, lost.slug, password).paho.is_connected()
        print(f"{broker.program}: let in with the new password {milliseconds(began_s)} after the change began")
    assert witness.paho.is_connected()
    assert "other dropped" not in happened

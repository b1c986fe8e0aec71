"""The lab's own broker on the local network: encrypted, by account, and nobody throws another out."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from iot.broker.doors import Doors
from iot.broker.launch import broker_command
from tests.contract.running_broker import (
    PASSWORD,
    Client,
    RunningBroker,
    device_user,
    free_port,
    listens,
    server_user,
    spawn,
    wait_until,
)
from tests.contract.tls_broker import Authority, authority, certificate_of

pytestmark = pytest.mark.serial
USERS = [server_user(), device_user("laser"), device_user("printer")]


class OpenBroker(RunningBroker):
    """With both doors open, on this machine."""

    def __init__(self, program: str, monkeypatch: pytest.MonkeyPatch, made_by: Authority) -> None:
        super().__init__(program, USERS, monkeypatch)
        certificate, key = self.data_dir / "server.crt", self.data_dir / "server.key"
        for file, content in zip((certificate, key), certificate_of(made_by, "127.0.0.1"), strict=True):
            file.write_bytes(content)
            # As the web server's: of root alone, where the lab runs as root.
            file.chmod(0o600)
        self.doors = Doors("127.0.0.1", free_port(), certificate, key, plain_port=free_port())

    def start(self) -> None:
        self.process = spawn(broker_command(self.data_dir, self.port, users=self.users, doors=self.doors))
        assert wait_until(lambda: all(map(listens, (self.port, self.doors.tls_port, self.doors.plain_port or 0))), 15)


class Through(Client):
    """A device that comes in by one of the doors."""

    def __init__(self, broker: OpenBroker, name: str, door: str, believes: Path, **options) -> None:
        super().__init__(broker, name, options.pop("password", PASSWORD), **options)
        self.port = broker.doors.tls_port if door == "tls" else broker.doors.plain_port or 0
        if door == "tls":
            self.paho.tls_set(ca_certs=str(believes))


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return authority(tmp_path, "ours")


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, ours: Authority) -> Iterator[OpenBroker]:
    running = OpenBroker(request.param, monkeypatch, ours)
    running.start()
    yield running
    running.close()


@pytest.mark.parametrize("door", ["tls", "plain"])
def test_device_speaks_through_the_door_and_the_lab_hears_it(broker: OpenBroker, ours: Authority, door: str) -> None:
    lab = Client(broker, "server").open().listen("fablab/v1/+/up/#")
    laser = Through(broker, "laser", door, ours.file).open()

    laser.say("fablab/v1/laser/up/event", b"{}")

    assert wait_until(lambda: lab.payloads() == [b"{}"])
    laser.close()
    lab.close()


def test_door_wants_the_password(broker: OpenBroker, ours: Authority) -> None:
    stranger = Through(broker, "laser", "tls", ours.file, password="wrong").open()

    assert stranger.refusals
    assert not stranger.paho.is_connected()
    stranger.close()


def test_device_that_does_not_believe_the_certificate_stays_outside(broker: OpenBroker) -> None:
    with (
        socket.create_connection(("127.0.0.1", broker.doors.tls_port), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")


def test_device_that_is_revoked_is_thrown_out_of_the_door(broker: OpenBroker, ours: Authority) -> None:
    laser = Through(broker, "laser", "tls", ours.file).open()

    assert broker.set_users([server_user(), device_user("printer")])

    assert wait_until(lambda: not laser.paho.is_connected())
    laser.close()


def test_nobody_throws_another_out_under_its_name(broker: OpenBroker, ours: Authority) -> None:
    laser = Through(broker, "laser", "tls", ours.file, client_id="laser").open()
    lost: list[mqtt.DisconnectFlags] = []
    laser.paho.on_disconnect = lambda _client, _data, flags, _reason, _properties: lost.append(flags)

    thief = Through(broker, "printer", "tls", ours.file, client_id="laser").open()
    thief.say("fablab/v1/printer/up/event", b"{}")

    assert (lost, laser.paho.is_connected(), thief.paho.is_connected()) == ([], True, True)
    for client in (laser, thief):
        client.close()

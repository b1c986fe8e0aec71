"""A real broker for one test, started as the supervisor starts it, and a plain client for it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from iot.broker.access import BrokerUser
from iot.broker.files import reload_broker
from iot.broker.launch import BrokerCommand, broker_command, broker_folder, write_current_accounts
from iot.credentials import hash_password

PASSWORD = "correct horse battery staple"


def device_user(name: str, password: str = PASSWORD) -> BrokerUser:
    root = f"fablab/v1/{name}"
    return BrokerUser(name, hash_password(password), writes=(f"{root}/up/#",), reads=(f"{root}/down/#",))


def server_user() -> BrokerUser:
    return BrokerUser("server", hash_password(PASSWORD), writes=("fablab/v1/+/down/#",), reads=("fablab/v1/+/up/#",))


def wait_until(condition: Callable[[], object], within_s: float = 8.0) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


class RunningBroker:
    """A broker in a folder of its own, which the unprivileged account can enter."""

    def __init__(self, program: str, users: Sequence[BrokerUser], monkeypatch: pytest.MonkeyPatch) -> None:
        _need(program)
        monkeypatch.setenv("FABLAB_BROKER", program)
        self.program = program
        self.data_dir = Path(tempfile.mkdtemp(prefix="fablab-broker-"))
        self.data_dir.chmod(0o755)
        self.port = free_port()
        self.users = list(users)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = broker_command(self.data_dir, self.port, users=self.users)
        self.process = spawn(command)
        if not wait_until(lambda: listens(self.port), 15):
            self.close()
            raise AssertionError(f"{self.program} did not open port {self.port}")

    def set_users(self, users: Sequence[BrokerUser]) -> bool:
        """Write the files anew and tell the broker; whether one was told."""
        write_current_accounts(self.data_dir, users=users)
        return reload_broker(broker_folder(self.data_dir))

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(5)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.data_dir, ignore_errors=True)


def spawn(command: BrokerCommand) -> subprocess.Popen[bytes]:
    """Start the command as its account, without any other group of ours."""
    as_other = {"user": command.user, "group": _group_of(command.user), "extra_groups": []}
    return subprocess.Popen(command.argv, env=os.environ | command.env, cwd="/", **(as_other if command.user else {}))


class Client:
    """A paho client that remembers what happened to it."""

    def __init__(self, broker: RunningBroker, username: str | None, password: str = PASSWORD, **options) -> None:
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.pop("client_id", ""),
            protocol=mqtt.MQTTv311,
            **options,
        )
        if username:
            self.paho.username_pw_set(username, password)
        self.port = broker.port
        self.refusals: list[str] = []
        self.got: list[tuple[str, bytes, bool]] = []
        self.subscribed = 0
        self.paho.on_connect = self._connected
        self.paho.on_subscribe = self._subscribed
        self.paho.on_message = lambda _c, _u, m: self.got.append((m.topic, m.payload, m.retain))

    def _connected(self, _client, _data, _flags, reason, _properties) -> None:
        if reason.is_failure:
            self.refusals.append(str(reason))

    def _subscribed(self, *_details) -> None:
        self.subscribed += 1

    def open(self) -> "Client":
        self.paho.connect("127.0.0.1", self.port, keepalive=30)
        self.paho.loop_start()
        wait_until(lambda: self.paho.is_connected() or self.refusals)
        return self

    def listen(self, topic_filter: str) -> "Client":
        before = self.subscribed
        self.paho.subscribe(topic_filter, qos=1)
        assert wait_until(lambda: self.subscribed > before)
        return self

    def say(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self.paho.publish(topic, payload, qos=1, retain=retain).wait_for_publish(8)

    def payloads(self) -> list[bytes]:
        return [payload for _topic, payload, _retain in self.got]

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


def _group_of(account: str | None) -> int | None:
    if account is None:
        return None
    import pwd

    return pwd.getpwnam(account).pw_gid


def _need(program: str) -> None:
    if program != "mosquitto" or shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("Mosquitto is not installed, and CI=true. Install it: apt-get install mosquitto.")
    pytest.skip("Mosquitto is not installed: its half of the contract is not checked here.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0

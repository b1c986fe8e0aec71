"""Mosquitto and amqtt keep the same promises. Each test runs against both, as real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from iot.broker.files import running_pid
from iot.broker.launch import broker_command, broker_folder
from tests.contract.running_broker import (
    PASSWORD,
    Client,
    RunningBroker,
    device_user,
    server_user,
    spawn,
    wait_until,
)

pytestmark = pytest.mark.serial

USERS = [server_user(), device_user("laser"), device_user("printer")]
LASER_UP = "fablab/v1/laser/up/event"


Connect = Callable[..., Client]


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    running = RunningBroker(request.param, USERS, monkeypatch)
    running.start()
    yield running
    running.close()


@pytest.fixture
def connect(broker: RunningBroker) -> Iterator[Connect]:
    opened: list[Client] = []

    def _connect(username: str | None, password: str = PASSWORD, **options) -> Client:
        opened.append(Client(broker, username, password, **options))
        return opened[-1].open()

    yield _connect
    for client in opened:
        client.close()


def test_password_decides_who_connects(connect: Connect):
    good = connect("laser")
    bad = connect("laser", "wrong")
    unknown = connect("nobody-we-know")
    anonymous = connect(None)

    assert good.paho.is_connected()
    assert [client.paho.is_connected() for client in (bad, unknown, anonymous)] == [False] * 3
    assert all(client.refusals for client in (bad, unknown, anonymous))


def test_device_message_reaches_server(connect: Connect):
    server = connect("server").listen("fablab/v1/+/up/#")

    connect("laser").say(LASER_UP, b"busy")

    assert wait_until(lambda: server.got == [(LASER_UP, b"busy", False)])


def test_server_message_reaches_its_device_only(connect: Connect):
    laser = connect("laser").listen("fablab/v1/laser/down/#")
    printer = connect("printer").listen("fablab/v1/printer/down/#")

    connect("server").say("fablab/v1/laser/down/command", b"lock")

    assert wait_until(lambda: laser.payloads() == [b"lock"])
    assert printer.got == []


@pytest.mark.parametrize(
    "topic",
    [
        pytest.param(LASER_UP, id="another's up"),
        pytest.param("fablab/v1/printer/down/command", id="own down"),
        pytest.param("fablab/v1/laser/down/command", id="another's down"),
    ],
)
def test_forged_publish_never_arrives(connect: Connect, topic: str):
    server = connect("server").listen("fablab/v1/+/up/#")
    victims = [connect(name).listen(f"fablab/v1/{name}/down/#") for name in ("laser", "printer")]
    printer = connect("printer")

    printer.say(topic, b"forged")
    printer.say("fablab/v1/printer/up/event", b"honest")

    assert wait_until(lambda: b"honest" in server.payloads())
    assert [client.payloads() for client in (server, *victims)] == [[b"honest"], [], []]


@pytest.mark.parametrize(
    "topic_filter", ["fablab/v1/laser/down/#", "fablab/v1/+/down/#", "fablab/v1/laser/up/#", "#", "+/+/+/+/+"]
)
def test_foreign_subscription_gives_nothing(connect: Connect, topic_filter: str):
    laser = connect("laser").listen("fablab/v1/laser/down/#")
    spy = connect("printer").listen(topic_filter)

    laser.say(LASER_UP, b"private")
    connect("server").say("fablab/v1/laser/down/decision", b"secret")

    assert wait_until(lambda: laser.payloads() == [b"secret"])
    time.sleep(0.2)
    assert spy.got == []


def test_last_will_arrives_when_socket_closes_abruptly(connect: Connect, broker: RunningBroker):
    server = connect("server").listen("fablab/v1/+/up/status")
    device = _with_will(broker, "laser", "fablab/v1/laser/up/status")

    device.paho.socket().shutdown(socket.SHUT_RDWR)

    assert wait_until(lambda: server.payloads() == [b"offline"])
    device.paho.loop_stop()


def test_last_will_on_anothers_topic_never_arrives(connect: Connect, broker: RunningBroker):
    server = connect("server").listen("fablab/v1/+/up/#")
    device = _with_will(broker, "printer", "fablab/v1/laser/up/status")

    if device.paho.socket():
        device.paho.socket().shutdown(socket.SHUT_RDWR)
    device.paho.loop_stop()

    connect("laser").say(LASER_UP, b"afterwards")
    assert wait_until(lambda: b"afterwards" in server.payloads())
    assert server.payloads() == [b"afterwards"]


def test_last_will_arrives_when_device_falls_silent(connect: Connect, broker: RunningBroker):
    server = connect("server").listen("fablab/v1/+/up/status")
    silent = _connect_packet("laser", PASSWORD, keep_alive_s=1, will="fablab/v1/laser/up/status")

    with socket.create_connection(("127.0.0.1", broker.port)) as line:
        line.sendall(silent)

        assert wait_until(lambda: server.payloads() == [b"gone"], within_s=20)


def test_retained_status_is_delivered_to_a_late_listener(connect: Connect):
    connect("laser").say("fablab/v1/laser/up/status", b"online", retain=True)

    server = connect("server").listen("fablab/v1/+/up/status")

    assert wait_until(lambda: server.got == [("fablab/v1/laser/up/status", b"online", True)])


def test_large_payload_does_not_disturb_others(connect: Connect):
    server = connect("server").listen("fablab/v1/+/up/#")
    laser, printer = connect("laser"), connect("printer")

    printer.say("fablab/v1/printer/up/event", b"x" * 1_000_000)
    laser.say(LASER_UP, b"still here")

    assert wait_until(lambda: sorted(map(len, server.payloads())) == [10, 1_000_000])
    assert printer.paho.is_connected()


def test_packet_beyond_the_limit_costs_its_sender_the_connection(connect: Connect, broker: RunningBroker):
    server = connect("server").listen("fablab/v1/+/up/#")
    with socket.create_connection(("127.0.0.1", broker.port)) as line:
        line.settimeout(5)
        line.sendall(_connect_packet("printer", PASSWORD, keep_alive_s=60))
        assert line.recv(4) == b"\x20\x02\x00\x00"

        line.sendall(b"\x32\xff\xff\xff\x7f" + b"\x00\x1afablab/v1/printer/up/event\x00\x01")

        assert _is_closed(line)
    connect("laser").say(LASER_UP, b"still here")
    assert wait_until(lambda: server.payloads() == [b"still here"])


@pytest.mark.parametrize("case", ["account removed", "password changed"])
def test_revoked_device_is_dropped_and_refused(connect: Connect, broker: RunningBroker, case: str):
    laser, printer = connect("laser"), connect("printer")
    assert laser.paho.is_connected()
    still = [server_user(), USERS[2]]
    if case == "password changed":
        still.append(device_user("laser", "another"))

    is_told = broker.set_users(still)

    assert is_told
    assert wait_until(lambda: laser.refusals)
    assert not laser.paho.is_connected()
    assert printer.paho.is_connected()
    assert connect("laser").refusals


def test_new_device_connects_after_reload(connect: Connect, broker: RunningBroker):
    server = connect("server").listen("fablab/v1/+/up/#")
    assert connect("plug").refusals

    broker.set_users([*USERS, device_user("plug")])

    assert wait_until(lambda: connect("plug").paho.is_connected())
    connect("plug").say("fablab/v1/plug/up/event", b"hello")
    assert wait_until(lambda: server.payloads() == [b"hello"])


@pytest.mark.parametrize("is_clean", [True, False], ids=["clean session", "kept session"])
def test_stranger_cannot_take_over_a_session_by_its_client_id(connect: Connect, broker: RunningBroker, is_clean: bool):
    laser = connect("laser", client_id="laser-1", clean_session=is_clean).listen("fablab/v1/laser/down/#")

    stranger = connect("laser", "wrong", client_id="laser-1", clean_session=is_clean)

    assert stranger.refusals
    connect("server").say("fablab/v1/laser/down/command", b"lock")
    assert wait_until(lambda: laser.payloads() == [b"lock"])


def test_second_connection_with_the_same_client_id_ends_the_first(connect: Connect, broker: RunningBroker):
    with socket.create_connection(("127.0.0.1", broker.port)) as line:
        line.settimeout(5)
        line.sendall(_connect_packet("laser", PASSWORD, keep_alive_s=60, client_id="laser-1"))
        assert line.recv(4) == b"\x20\x02\x00\x00"

        second = connect("laser", client_id="laser-1")

        assert _is_closed(line)
        assert second.paho.is_connected()


def test_broker_runs_without_root_rights(broker: RunningBroker):
    if os.geteuid() != 0:
        pytest.skip("Only root has rights to give up.")
    pid = running_pid(broker_folder(broker.data_dir))

    # Just begun, it may not have come to giving them up yet.
    until_s = time.monotonic() + 10
    while "0" in (uids := uids_of(pid)) and time.monotonic() < until_s:
        time.sleep(0.1)

    assert "0" not in uids


def uids_of(pid: int) -> list[str]:
    with open(f"/proc/{pid}/status") as status:
        return next(line for line in status if line.startswith("Uid:")).split()[1:]


def test_broker_ends_cleanly_on_sigterm(broker: RunningBroker, connect: Connect):
    connect("laser").listen("fablab/v1/laser/down/#")

    broker.process.send_signal(signal.SIGTERM)

    assert broker.process.wait(8) == 0


def test_amqtt_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch):
    unstarted = RunningBroker("amqtt", USERS, monkeypatch)
    command = broker_command(unstarted.data_dir, unstarted.port, users=USERS)
    parent = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"
    process = spawn(type(command)((sys.executable, "-c", parent, *command.argv), None, command.env, "amqtt", 1))
    folder = broker_folder(unstarted.data_dir)
    assert wait_until(lambda: running_pid(folder), 15)
    pid = running_pid(folder)

    process.kill()
    process.wait(5)

    assert wait_until(lambda: not _is_alive(pid))
    unstarted.close()


def _with_will(broker: RunningBroker, username: str, topic: str) -> Client:
    client = Client(broker, username)
    client.paho.will_set(topic, b"offline", qos=1, retain=True)
    client.paho.reconnect_delay_set(60, 60)
    return client.open()


def _connect_packet(
    username: str, password: str, *, keep_alive_s: int, will: str = "", client_id: str = "raw"
) -> bytes:
    flags = 0xC2 | (0x0C if will else 0)
    texts = [client_id, *([will, "gone"] if will else []), username, password]
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + keep_alive_s.to_bytes(2, "big")
    body += b"".join(len(text).to_bytes(2, "big") + text.encode() for text in texts)
    return b"\x10" + bytes([len(body)]) + body


def _is_closed(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def _is_alive(pid: int) -> bool:
    stat = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(stat.strip()) and not stat.startswith("Z")

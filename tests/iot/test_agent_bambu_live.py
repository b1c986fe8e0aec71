"""The connector between two real brokers: a printer's, over TLS with a certificate of its maker's, and the lab's."""

import gc
import hashlib
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iot.agent.bambu import ASK_EVERY_S, ASK_FOR_ALL, Connector, shown_certificate
from iot.agent.bambu_settings import BambuPrinter, LabBroker
from iot.broker.access import BrokerUser
from iot.credentials import hash_password
from iot.drivers import bambu as driver
from iot.protocol import Event, Reading
from tests.contract.running_broker import PASSWORD, Client, RunningBroker, wait_until
from tests.contract.tls_broker import Authority, TlsBroker, authority, certificate_of
from tests.iot.agent_rig import Clock
from tests.iot.recorded import lines_of

SERIAL = "01P00A000000002"
REPORT, REQUEST = f"device/{SERIAL}/report", f"device/{SERIAL}/request"
CODE = "12345678"
pytestmark = [
    pytest.mark.serial,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
Connect = Callable[..., Connector]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Here, and not in some later test."""
    yield
    gc.collect()


@pytest.fixture
def maker(tmp_path: Path) -> Authority:
    return authority(tmp_path, "maker")


@pytest.fixture
def certificate(maker: Authority) -> tuple[bytes, bytes]:
    """It names the serial number, and no address."""
    return certificate_of(maker, SERIAL.lower())


@pytest.fixture
def printer(certificate: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsBroker]:
    users = [
        # More than it needs, so that whatever it would send arrives.
        BrokerUser("bblp", hash_password(CODE), writes=("device/#",), reads=("device/#",)),
        BrokerUser("itself", hash_password(PASSWORD), writes=("device/#",), reads=("device/#",)),
    ]
    running = TlsBroker(users, monkeypatch, *certificate)
    running.start()
    yield running
    running.close()


@pytest.fixture
def itself(printer: TlsBroker) -> Iterator[Client]:
    """The printer behind its broker; it hears whatever is said there."""
    client = Client(printer, "itself")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client.paho.tls_set_context(context)
    client.paho.tls_insecure_set(True)
    yield client.open().listen("device/#")
    client.close()


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    """As the lab grants it: what the driver says that the device may write."""
    users = [
        BrokerUser("bambu-1", hash_password(PASSWORD), writes=driver.writes(SERIAL), reads=driver.reads(SERIAL)),
        BrokerUser("server", hash_password(PASSWORD), writes=(), reads=("device/#",)),
    ]
    running = RunningBroker("mosquitto", users, monkeypatch)
    running.start()
    yield running
    running.close()


@pytest.fixture
def ingest(lab: RunningBroker) -> Iterator[Client]:
    client = Client(lab, "server").open().listen("device/#")
    yield client
    client.close()


@pytest.fixture
def connect(printer: TlsBroker, lab: RunningBroker, certificate: tuple[bytes, bytes]) -> Iterator[Connect]:
    """A connector that is ticked; `clock` moves its time, `pin` and `code` may be wrong."""
    stopping, running = threading.Event(), []

    def made(*, clock: Callable[[], float] = time.monotonic, pin: str = "", code: str = CODE) -> Connector:
        shown = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate[0].decode())).hexdigest()
        told = BambuPrinter("bambu-1", PASSWORD, SERIAL, "127.0.0.1", code, pin or shown, printer.port)
        connector = Connector(told, LabBroker("127.0.0.1", lab.port, False), clock_s=clock)
        connector.start()
        ticking = threading.Thread(target=lambda: [connector.tick() for _ in iter(lambda: stopping.wait(0.05), True)])
        ticking.start()
        running.append((connector, ticking))
        return connector

    yield made
    stopping.set()
    for connector, ticking in running:
        ticking.join()
        connector.stop()


def requests(itself: Client) -> list[bytes]:
    return [payload for topic, payload, _retain in itself.got if topic != REPORT]


def test_what_the_printer_says_reaches_the_lab_and_its_driver(itself: Client, ingest: Client, connect: Connect) -> None:
    connect()
    assert wait_until(lambda: requests(itself))

    itself.say(REPORT, lines_of("bambu", "p1s-parts")[2][1])
    assert wait_until(lambda: ingest.got)

    (topic, payload, is_retained), *_rest = ingest.got
    found = driver.parse(SERIAL, "device/report", payload)
    assert (topic, is_retained) == (REPORT, False)
    assert set(json.loads(payload)["print"]) == {"command", "gcode_state", "nozzle_temper"}
    assert [type(thing) for thing in found] == [Reading, Event]


def test_printer_is_asked_for_all_once_and_told_nothing_else(itself: Client, ingest: Client, connect: Connect) -> None:
    """However much it says meanwhile, and however often the lab comes and goes."""
    connect()
    assert wait_until(lambda: requests(itself))
    for _topic, payload in lines_of("bambu", "x1c-whole") + lines_of("bambu", "p1s-parts"):
        itself.say(REPORT, payload)
    assert wait_until(lambda: ingest.got)
    time.sleep(0.5)

    assert requests(itself) == [ASK_FOR_ALL]
    assert {topic for topic, _payload, _retain in itself.got} == {REPORT, REQUEST}


def test_printer_that_comes_back_is_asked_again_only_after_five_minutes(
    printer: TlsBroker, itself: Client, connect: Connect
) -> None:
    clock = Clock()
    connector = connect(clock=clock)
    assert wait_until(lambda: requests(itself))

    printer.kill()
    printer.start()
    assert wait_until(lambda: itself.paho.is_connected(), 15)
    itself.listen("device/#")
    assert wait_until(lambda: connector._theirs.is_connected(), 15)
    time.sleep(0.5)
    early = requests(itself)
    clock.now_s += ASK_EVERY_S
    assert wait_until(lambda: len(requests(itself)) > len(early))

    assert early == [ASK_FOR_ALL]
    assert requests(itself) == [ASK_FOR_ALL] * 2


def test_lab_that_was_away_is_told_the_whole_state_again(
    lab: RunningBroker, itself: Client, ingest: Client, connect: Connect
) -> None:
    connector = connect()
    assert wait_until(lambda: requests(itself))
    itself.say(REPORT, b'{"print":{"command":"push_status","gcode_state":"RUNNING","mc_percent":7}}')
    assert wait_until(lambda: ingest.got)

    lab.kill()
    lab.start()
    assert wait_until(lambda: ingest.paho.is_connected(), 15)
    ingest.listen("device/#")
    ingest.got.clear()
    assert wait_until(lambda: connector._ours.is_connected() and ingest.got, 15)

    told = json.loads(ingest.got[0][1])["print"]
    assert (told["gcode_state"], told["mc_percent"]) == ("RUNNING", 7)


def test_code_is_told_to_nobody_who_shows_another_certificate(
    itself: Client, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "fablab-agent")

    connector = connect(pin="00" * 32)
    assert wait_until(lambda: "another certificate" in caplog.text)
    time.sleep(0.5)

    assert not connector._theirs.is_connected()
    assert requests(itself) == []
    assert CODE not in caplog.text


def test_not_one_byte_is_said_to_whoever_shows_another_certificate(
    certificate: tuple[bytes, bytes], lab: RunningBroker, tmp_path: Path
) -> None:
    """A server that takes anything, and writes down what it is told once the encryption stands."""
    files = [tmp_path / "their.crt", tmp_path / "their.key"]
    for file, content in zip(files, certificate, strict=True):
        file.write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    told = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        stranger = BambuPrinter("bambu-1", PASSWORD, SERIAL, "127.0.0.1", CODE, "00" * 32, server.getsockname()[1])
        connector = Connector(stranger, LabBroker("127.0.0.1", lab.port, False))
        connector.start()
        plain, _address = server.accept()
        with context.wrap_socket(plain, server_side=True) as talk:
            talk.settimeout(5)
            told.append(talk.recv(4096))
        connector.stop()

    assert told == [b""]


def test_wrong_code_is_said_once(itself: Client, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "fablab-agent")

    connect(code="00000000")
    assert wait_until(lambda: "access code" in caplog.text)
    time.sleep(2.5)

    assert caplog.text.count("access code") == 1
    assert "00000000" not in caplog.text


def test_certificate_that_a_printer_shows_is_that_which_is_pinned(
    printer: TlsBroker, certificate: tuple[bytes, bytes]
) -> None:
    der = ssl.PEM_cert_to_DER_cert(certificate[0].decode())

    assert shown_certificate("127.0.0.1", printer.port) == hashlib.sha256(der).hexdigest()

"""With an authority of one's own: the lab and its agents believe its certificates, and nobody else's."""

import gc
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from fablab import settings as settings_module
from fablab.demo.simulation import Broker
from fablab.demo.single_devices import SingleDevices
from fablab.demo.tasmota import Plug
from iot.agent.client import Agent, Timing
from iot.agent.config import ConfigError, read_config, write_config
from iot.agent.outbox import Outbox
from iot.broker.authority import authority_pem
from iot.ingest.consumer import Ingest, broker_client
from iot.models import InboxMessage
from tests.conftest import ROOT, require_program
from tests.contract.running_broker import PASSWORD, device_user, server_user, wait_until
from tests.contract.tls_broker import Authority, TlsBroker, authority, certificate_of
from tests.iot.builders import make_device, make_machine

SOON = Timing(heartbeat_s=1, resend_after_s=1, retry_least_s=0.1, retry_most_s=0.2)
# paho lets go of a connection whose certificate it refused without closing it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
MakeAgent = Callable[[Path | None], Agent]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Here, and not in some later test."""
    yield
    gc.collect()


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return authority(tmp_path, "ours")


@pytest.fixture
def another(tmp_path: Path) -> Authority:
    return authority(tmp_path, "another")


@pytest.fixture
def broker(ours: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsBroker]:
    running = TlsBroker(
        [server_user(), device_user("laser")], monkeypatch, *certificate_of(ours, "127.0.0.1", "localhost")
    )
    running.start()
    yield running
    running.close()


@pytest.fixture
def make_agent(broker: TlsBroker) -> Iterator[MakeAgent]:
    made: list[Agent] = []

    def make(ca_file: Path | None) -> Agent:
        agent = Agent(
            "laser", "127.0.0.1", broker.port, PASSWORD, Outbox(None), is_tls=True, ca_file=ca_file, timing=SOON
        )
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.stop()
        agent.outbox.close()


def told_where(monkeypatch: pytest.MonkeyPatch, url: str, ca_file: Path | None) -> dict[str, object]:
    """What the settings make of these two variables."""
    monkeypatch.setattr(settings_module, "MQTT_URL", url)
    monkeypatch.setattr(settings_module, "MQTT_CA", str(ca_file or ""))
    return settings_module._broker()


def url_of(broker: TlsBroker) -> str:
    return f"mqtts://server:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{broker.port}"


@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(django_settings.INSTALLED_APPS))
def test_agent_and_lab_speak_over_tls(
    broker: TlsBroker, ours: Authority, make_agent: MakeAgent, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_device("laser", make_machine())
    settings.BROKER = told_where(monkeypatch, url_of(broker), ours.file)
    ingest = Ingest(client_id="over-tls", clock=timezone.now)

    def run() -> None:
        ingest.run()
        connection.close()

    running = threading.Thread(target=run)
    running.start()
    agent = make_agent(ours.file)
    agent.start()
    agent.event("busy")

    assert wait_until(lambda: InboxMessage.objects.count() == 2 and not agent.outbox.waiting(), 20)
    ingest.stop()
    running.join(15)
    for beside in (ingest.asking, ingest.downlink):
        beside.thread.join(15)


@pytest.mark.serial
@pytest.mark.parametrize("believed", ["another authority", "the system's authorities"])
def test_agent_tells_nothing_to_a_broker_it_does_not_believe(
    another: Authority, make_agent: MakeAgent, believed: str, caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(another.file if believed == "another authority" else None)

    agent.start()

    assert wait_until(lambda: "CERTIFICATE_VERIFY_FAILED" in caplog.text)
    assert (agent.is_connected, agent.is_alive(), agent.outbox.waiting()) == (False, True, 1)


@pytest.mark.serial
def test_commands_of_the_guide_make_an_authority_that_an_agent_believes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_program("openssl")
    guide = (ROOT / "docs" / "devices.md").read_text().partition("## Encrypted")[2]
    commands = guide.partition("```sh\n")[2].partition("```")[0]
    assert commands.count("\n") == 4
    here = commands.replace("IP:192.168.1.10", "IP:127.0.0.1")

    subprocess.run(["sh", "-ec", here], cwd=tmp_path, check=True, capture_output=True)

    files = [(tmp_path / name).read_bytes() for name in ("broker.crt", "broker.key")]
    broker = TlsBroker([device_user("laser")], monkeypatch, *files)
    broker.start()
    agent = Agent(
        "laser", "127.0.0.1", broker.port, PASSWORD, Outbox(None), is_tls=True, ca_file=tmp_path / "ca.crt", timing=SOON
    )
    agent.start()
    assert wait_until(lambda: agent.is_connected)
    agent.stop()
    agent.outbox.close()
    broker.close()


@pytest.mark.serial
def test_agent_does_not_believe_a_certificate_for_another_name(
    ours: Authority, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = TlsBroker([device_user("laser")], monkeypatch, *certificate_of(ours, "localhost"))
    elsewhere.start()
    agent = Agent(
        "laser", "127.0.0.1", elsewhere.port, PASSWORD, Outbox(None), is_tls=True, ca_file=ours.file, timing=SOON
    )

    agent.start()

    assert wait_until(lambda: "CERTIFICATE_VERIFY_FAILED" in caplog.text)
    assert not agent.is_connected
    agent.stop()
    agent.outbox.close()
    elsewhere.close()


@pytest.mark.serial
@pytest.mark.parametrize("believed", ["another authority", "the system's authorities"])
def test_lab_tells_its_password_to_no_broker_it_does_not_believe(
    broker: TlsBroker, another: Authority, settings, monkeypatch: pytest.MonkeyPatch, believed: str
) -> None:
    ca_file = another.file if believed == "another authority" else None
    settings.BROKER = told_where(monkeypatch, url_of(broker), ca_file)
    client = broker_client("doubting")

    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        client.connect("127.0.0.1", broker.port)


def test_authority_that_cannot_be_read_is_named_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"FABLAB_MQTT_CA=.*none\.crt holds no certificate"):
        told_where(monkeypatch, "mqtts://lab@broker", tmp_path / "none.crt")


def test_address_without_tls_needs_no_authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broker = told_where(monkeypatch, "mqtt://lab@broker", tmp_path / "none.crt")

    assert (broker["is_tls"], broker["ca_file"], broker["port"]) == (False, None, 1883)


HEAD = 'device = "laser-1"\nhost = "lab"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + 'ca_file = "ours.crt"', "line 3: ca_file = 'ours.crt': is_tls = true beside it is expected."),
        (HEAD + 'is_tls = true\nca_file = "none.crt"', "line 4: ca_file = 'none.crt': a file with the authority's"),
        (HEAD + 'is_tls = true\nca_file = "agent.toml"', "line 4: ca_file = 'agent.toml': a file with the authority's"),
    ],
    ids=["without TLS", "no such file", "no certificate"],
)
def test_agent_names_an_authority_that_is_of_no_use(tmp_path: Path, ours: Authority, text: str, said: str) -> None:
    (tmp_path / "agent.toml").write_text(text)

    with pytest.raises(ConfigError) as error:
        read_config(tmp_path / "agent.toml")

    assert said in str(error.value)


def test_agent_finds_its_authority_beside_its_settings(tmp_path: Path, ours: Authority) -> None:
    (tmp_path / "agent.toml").write_text(HEAD + 'is_tls = true\nca_file = "ours.crt"')

    assert read_config(tmp_path / "agent.toml").ca_file == ours.file


@pytest.mark.serial
def test_devices_that_are_played_believe_our_own_authority(broker: TlsBroker, ours: Authority) -> None:
    where = Broker.of_settings({"host": "127.0.0.1", "port": broker.port, "is_tls": True, "ca_file": str(ours.file)})
    devices = SingleDevices(["laser"], "plug", {"laser": PASSWORD}, where, speed=1)

    devices.start()

    assert wait_until(devices.is_connected, 15)
    devices.stop()


@pytest.mark.serial
def test_plug_of_the_demo_believes_our_own_authority(broker: TlsBroker, ours: Authority) -> None:
    plug = Plug("bench")

    plug.start("127.0.0.1", broker.port, "laser", PASSWORD, is_tls=True, ca_file=ours.file)

    assert wait_until(lambda: plug.is_connected, 15)
    plug.stop()


ADDRESS = {"device": "laser", "host": "127.0.0.1", "is_tls": True}


@pytest.mark.serial
def test_device_checks_the_broker_by_what_its_enrolment_brought(
    broker: TlsBroker, ours: Authority, tmp_path: Path, make_agent: MakeAgent
) -> None:
    file = tmp_path / "device" / "agent.toml"
    write_config(file, ADDRESS | {"port": broker.port, "ca": authority_pem(str(ours.file))}, PASSWORD)
    config = read_config(file)

    agent = make_agent(config.ca_file)
    agent.start()

    assert config.ca_file == file.parent / "ca.crt"
    assert wait_until(lambda: agent.is_connected, 15)


def test_next_enrolment_brings_the_authority_of_the_next_broker(ours: Authority, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text("ca_file = 'by-hand.crt'\n")
    pem = authority_pem(str(ours.file))

    write_config(file, ADDRESS | {"port": 8883, "ca": pem}, PASSWORD)
    first = read_config(file)
    write_config(file, ADDRESS | {"port": 1883, "is_tls": False, "ca": pem}, PASSWORD)

    assert first.ca_file is not None
    assert first.ca_file.read_text() == pem
    assert read_config(file).ca_file is None


def test_authority_named_by_hand_stays_where_the_lab_names_none(ours: Authority, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(f"ca_file = '{ours.file}'\n")

    write_config(file, ADDRESS | {"port": 8883, "ca": ""}, PASSWORD)

    assert read_config(file).ca_file == ours.file


@pytest.mark.parametrize("ca", ["none", 7, ["x"], "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_answer_with_no_certificate_in_it_is_not_used(tmp_path: Path, ca: object) -> None:
    with pytest.raises(ConfigError, match="ca: a certificate in PEM form"):
        write_config(tmp_path / "agent.toml", ADDRESS | {"port": 8883, "ca": ca}, PASSWORD)

    assert not list(tmp_path.iterdir())


def test_authority_is_told_without_a_key_beside_it(ours: Authority, tmp_path: Path) -> None:
    pem, both = ours.file.read_text(), tmp_path / "both.pem"
    both.write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n" + pem)

    assert "PRIVATE" not in authority_pem(str(both))
    assert authority_pem(str(both)) == pem


def test_no_authority_is_told_where_there_is_none_or_a_whole_collection(ours: Authority, tmp_path: Path) -> None:
    many = tmp_path / "many.pem"
    many.write_text(ours.file.read_text() * 100)

    assert [authority_pem(name) for name in (None, "", str(tmp_path / "none"), str(many))] == [""] * 4

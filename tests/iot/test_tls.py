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
from iot.agent.client import Agent, Timing
from iot.agent.config import ConfigError, read_config
from iot.agent.outbox import Outbox
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

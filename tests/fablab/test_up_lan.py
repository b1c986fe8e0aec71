"""The lab on the local network: its addresses, its refusals, its page, and one real opening over HTTPS."""

import datetime as dt
import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from django.test import Client
from django.urls import reverse

from fablab.lib.certificates import certificate_pem, fingerprint, make_authority
from fablab.lib.datadir import load_secrets
from fablab.up import checks
from fablab.up.errors import CannotStart
from fablab.up.lan import Wish, opened_lan, reached_by, usable_addresses
from fablab.up.options import children_environment
from fablab.up.plan import default_plan
from fablab.up.postgres import EmbeddedPostgres
from fablab.up.redirect import location
from tests.conftest import free_port, skip_or_fail
from tests.fablab.test_up import names, options
from tests.fablab.test_up_processes import ROOT, descendants, eventually, living
from tests.migrated import fill_folder

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
SETTLED_ELSEWHERE = ("DATABASE_URL", "MQTT_URL", "FABLAB_DATA_DIR", "FABLAB_MQTT_PORT", "PUBLIC_URL", "FABLAB_DEMO")
ONE_DEMO_PERSON = "from people.models import Person; Person.objects.create(contact_email='admin@demo.example')"

ONE_DEVICE = """
from django.utils import timezone
from iot.models import Device
from iot.services import make_enrolment_code
device = Device.objects.create(slug="laser-1", name="Laser 1")
print(make_enrolment_code(device=device, by=None, now=timezone.now()))
"""


# --- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interfaces", "preferred", "expected"),
    [
        pytest.param({"lo": ["127.0.0.1"]}, "", [], id="no network"),
        pytest.param({"eth0": ["192.168.1.20"]}, "", ["192.168.1.20"], id="no way out"),
        pytest.param({"eth0": ["10.0.0.5"], "wlan0": ["192.168.1.20"]}, "192.168.1.20", ["192.168.1.20", "10.0.0.5"],
                     id="the way out comes first"),
        pytest.param({"docker0": ["172.17.0.1"], "br-3f": ["172.18.0.1"], "wg0": ["10.8.0.2"], "eth0": ["10.0.0.5"]},
                     "10.8.0.2", ["10.0.0.5"], id="bridges and tunnels"),
        pytest.param({"eth0": ["169.254.3.4", "fe80::1%eth0", "fd00::2"]}, "", ["fd00::2"], id="link-local"),
    ],
)  # fmt: skip
def test_usable_addresses(interfaces, preferred, expected):
    assert usable_addresses(interfaces, preferred=preferred) == expected


def test_lan_on_this_machine_only_is_refused():
    with pytest.raises(CannotStart, match=r"127\.0\.0\.1 is this machine only: leave out --host"):
        reached_by("127.0.0.1")


def test_machine_without_a_network_is_refused(monkeypatch):
    monkeypatch.setattr("psutil.net_if_addrs", dict)

    with pytest.raises(CannotStart, match="has no address on a local network"):
        reached_by("0.0.0.0")


def test_public_url_comes_first_and_is_for_everybody(tmp_path):
    lan, _ = opened_lan(Wish("192.168.1.20", 443, 80, public_url="https://lab.example/"), tmp_path, NOW)

    assert lan.urls[:2] == ("https://lab.example", "https://192.168.1.20")
    assert lan.is_address_fixed
    assert lan.short_address == "lab.example"
    assert "lab.example" in lan.tls.names


def test_public_url_without_https_is_refused(tmp_path):
    with pytest.raises(CannotStart, match=r"PUBLIC_URL=http://lab\.example is not an https address"):
        opened_lan(Wish("192.168.1.20", 443, 80, public_url="http://lab.example"), tmp_path, NOW)


@pytest.mark.parametrize(
    ("line", "reached_at", "fixed", "expected"),
    [
        ("GET /a?b=c HTTP/1.1", "10.0.0.5", "", "https://10.0.0.5:8443/a?b=c"),
        ("GET / HTTP/1.1", "::ffff:10.0.0.5", "", "https://10.0.0.5:8443/"),
        ("GET / HTTP/1.1", "fd00::2", "", "https://[fd00::2]:8443/"),
        ("GET /a HTTP/1.1", "10.0.0.5", "https://lab.example", "https://lab.example/a"),
        ("GET //evil.example/ HTTP/1.1", "10.0.0.5", "", "https://10.0.0.5:8443//evil.example/"),
        ("GET @evil.example HTTP/1.1", "10.0.0.5", "", "https://10.0.0.5:8443/"),
        ("GET /a\rSet-Cookie:x HTTP/1.1", "10.0.0.5", "", "https://10.0.0.5:8443/"),
        ("\x16\x03\x01", "10.0.0.5", "", "https://10.0.0.5:8443/"),
    ],
    ids=["path", "IPv4 on IPv6", "IPv6", "fixed address", "two slashes", "no path", "hidden header", "TLS"],
)
def test_plain_http_is_sent_to_https(line, reached_at, fixed, expected):
    assert location(line, reached_at=reached_at, port=8443, fixed_url=fixed) == expected


# --- the plan -----------------------------------------------------------------------------------------------------


def test_plan_on_the_network_looks_for_demo_data_first_and_redirects(tmp_path):
    lan, _ = opened_lan(Wish("192.168.1.20", 8123, 8080), tmp_path, NOW)
    theirs = options(tmp_path, host="192.168.1.20", is_demo=False, lan=lan)

    with checks.listening_socket("127.0.0.1", 0, "") as pages, checks.listening_socket("127.0.0.1", 0, "") as plain:
        plan = default_plan(theirs, pages, plain)

    assert names(plan) == [
        ["database"],
        "preparation",
        "no demo data",
        ["broker"],
        ["web-1", "web-2", "redirect"],
        ["ingest", "worker"],
    ]


def test_plan_without_demo_on_all_addresses_looks_for_demo_data_too(tmp_path):
    with checks.listening_socket("127.0.0.1", 0, "") as pages:
        plan = default_plan(options(tmp_path, host="0.0.0.0", is_demo=False), pages)

    assert "no demo data" in names(plan)


def test_children_environment_tells_the_pages_of_the_network(tmp_path, monkeypatch):
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    monkeypatch.setenv("FABLAB_ALLOWED_HOSTS", "lab.example")
    lan, _ = opened_lan(Wish("192.168.1.20", 8443, 8080), tmp_path, NOW)

    environment = children_environment(options(tmp_path, is_demo=False, lan=lan), "")

    assert environment["PUBLIC_URL"] == "https://192.168.1.20:8443"
    assert environment["FABLAB_ADDRESSES"].split(",")[0] == "https://192.168.1.20:8443"
    assert {"lab.example", "192.168.1.20", "localhost", "[::1]"} <= set(environment["FABLAB_ALLOWED_HOSTS"].split(","))
    assert environment["FABLAB_TLS_AUTHORITY"] == str(tmp_path / "tls" / "ca.crt")
    assert environment["FABLAB_HSTS_S"] == "86400"


# --- the page -----------------------------------------------------------------------------------------------------


def test_address_page_shows_address_code_and_fingerprint(client: Client, settings, tmp_path, db):
    certificate = make_authority(name="Atelier", own_names=[], now=NOW).certificate
    (tmp_path / "ca.crt").write_bytes(certificate_pem(certificate))
    settings.ADDRESSES = ["https://192.168.1.20:8443", "https://atelier.local:8443"]
    settings.TLS_AUTHORITY = str(tmp_path / "ca.crt")

    page = client.get(reverse("address")).content.decode()
    download = client.get(reverse("address-ca"))

    assert all(url in page for url in settings.ADDRESSES)
    assert 'src="data:image/svg+xml' in page
    assert fingerprint(certificate) in page.replace("<br>", ":")
    assert download["Content-Type"] == "application/x-x509-ca-cert"
    assert x509.load_pem_x509_certificate(download.content) == certificate


def test_address_page_on_this_machine_only_says_how_to_open(client: Client, settings, db):
    settings.ADDRESSES, settings.TLS_AUTHORITY = ["http://127.0.0.1:8000"], ""

    page = client.get(reverse("address")).content.decode()

    assert "make run LAN=1" in page
    assert "data:image" not in page
    assert "The demo stays on this computer" not in page
    assert client.get(reverse("address-ca")).status_code == 404


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----"], ids=["missing", "empty", "a key"])
def test_authority_that_cannot_be_read_is_not_offered(client: Client, settings, tmp_path, content, db):
    settings.TLS_AUTHORITY = str(tmp_path / "ca.crt")
    if content is not None:
        (tmp_path / "ca.crt").write_bytes(content)

    assert client.get(reverse("address-ca")).status_code == 404


# --- the real thing -----------------------------------------------------------------------------------------------


def run_up(folder: Path, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if name not in SETTLED_ELSEWHERE}
    command = [sys.executable, "-m", "fablab.up", "--data-dir", folder, "--mqtt-port", str(free_port()), *arguments]
    with (folder / "said.txt").open("wb") as said:
        return subprocess.Popen(command, cwd=ROOT, env=inherited | env, stdout=said, stderr=subprocess.STDOUT)


@pytest.mark.serial
@pytest.mark.parametrize(
    ("arguments", "env", "sentence"),
    [
        (["--lan"], {"FABLAB_DEMO": "1"}, "accounts are public, so it opens on this machine only: leave out --lan"),
        (["--host", "0.0.0.0"], {}, "accounts are public, so it opens on this machine only, not on 0.0.0.0"),
        (["--lan", "--tls-cert", "lab.pem"], {}, "A certificate needs its key"),
        (["--no-demo", "--tls-cert", "lab.pem", "--tls-key", "lab.key"], {}, "--tls-cert is for a lab on the network"),
        (["--lan", "--tls-cert", "lab.pem", "--tls-key", "lab.key"], {}, "The certificate lab.pem cannot be read"),
        (["--lan", "--host", "localhost"], {}, "localhost is this machine only: leave out --host"),
        (["--lan"], {"PUBLIC_URL": "http://lab.example"}, "is not an https address"),
    ],
    ids=["demo asked for", "demo on all addresses", "no key", "no --lan", "unreadable", "loopback", "plain address"],
)
def test_up_refuses_in_one_sentence(short_folder, arguments, env, sentence):
    process = run_up(short_folder, *arguments, **env)

    code = process.wait(60)

    said = (short_folder / "said.txt").read_text().splitlines()
    assert code == 1
    assert len(said) == 1, said
    assert sentence in said[0]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str


def asked(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> Answer:
    with closing(connection):
        connection.request("GET", path, headers={"Accept-Language": "en"} | headers)
        with connection.getresponse() as response:
            return Answer(response.status, response.headers, response.read().decode())


class Opened:
    """A lab that answers on the network, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.http_port, self.mqtt_port = folder, free_port(), free_port(), free_port()
        ports = {"--port": self.port, "--http-port": self.http_port, "--mqtt-tls-port": self.mqtt_port}
        self.arguments = ["--lan", "--workers", "2", *(str(word) for pair in ports.items() for word in pair)]
        self.process = run_up(folder, *self.arguments)

    def wait(self) -> None:
        assert eventually(lambda: "Ctrl-C closes it" in self.said or self.process.poll() is not None, 240), self.said
        assert self.process.poll() is None, self.said
        self.address = re.search(r"The lab is open: https://(\S+):\d+", self.said)[1]

    @property
    def database_url(self) -> str:
        return EmbeddedPostgres(self.folder, password=load_secrets(self.folder)["database_password"]).url

    def shell(self, code: str) -> str:
        """What these lines print in the lab's own Django."""
        env = os.environ | {"DATABASE_URL": self.database_url, "FABLAB_DATA_DIR": str(self.folder)}
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text()

    def get(self, host: str, path: str, **headers: str) -> Answer:
        """Over HTTPS, verified against the lab's own authority only."""
        context = ssl.create_default_context(cafile=self.folder / "tls" / "ca.crt")
        return asked(http.client.HTTPSConnection(host, self.port, timeout=10, context=context), path, headers)


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    try:
        reached_by("0.0.0.0")
    except CannotStart as refusal:
        skip_or_fail(str(refusal))
    folder = Path(tempfile.mkdtemp(prefix="fablab-"))
    folder.chmod(0o755)
    fill_folder(folder)
    lab = Opened(folder)
    try:
        lab.wait()
        yield lab
    finally:
        lab.process.kill()
        lab.process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.serial
def test_lan_answers_over_https_on_every_name(opened):
    statuses = {host: opened.get(host, "/healthz").status for host in ("127.0.0.1", "localhost", opened.address)}

    assert set(statuses.values()) == {200}, statuses


@pytest.mark.serial
def test_lan_pages_insist_on_https_and_show_the_address(opened):
    page = opened.get(opened.address, "/address/")

    assert page.status == 200
    assert page.headers["Strict-Transport-Security"] == "max-age=86400"
    assert f"https://{opened.address}:{opened.port}" in page.body
    mark = re.search(r"SHA-256 fingerprint: (\S+)", opened.said)[1]
    assert mark in page.body.replace("<br>", ":")
    assert re.search(rf"https://localhost:{opened.port}/first-run/\?key=[a-z2-7]{{20}}", opened.said)
    assert "Secure" in opened.get(opened.address, "/accounts/login/").headers["Set-Cookie"]


@pytest.mark.serial
def test_lan_sends_plain_http_to_https(opened):
    plain = http.client.HTTPConnection(opened.address, opened.http_port, timeout=5)

    response = asked(plain, "/machines/?free=1", {"Host": "evil.example"})

    assert response.status == 307
    assert response.headers["Location"] == f"https://{opened.address}:{opened.port}/machines/?free=1"


@pytest.mark.serial
def test_lan_refuses_a_foreign_host_name(opened):
    assert opened.get(opened.address, "/address/", Host="evil.example").status == 400


def run_agent(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "iot.agent", *words], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.serial
def test_device_elsewhere_in_the_building_enrols_and_is_heard(opened, tmp_path):
    code, settings_file = opened.shell(ONE_DEVICE).split()[-1], tmp_path / "agent.toml"
    enrol = ["enrol", f"https://{opened.address}:{opened.port}", code, "--config", str(settings_file)]
    mark = re.search(r"SHA-256 fingerprint: (\S+)", opened.said)[1]

    unknown = run_agent(*enrol)
    forged = run_agent(*enrol, "--fingerprint", mark[:-2] + ("00" if mark[-2:] != "00" else "01"))
    enrolled = run_agent(*enrol, "--fingerprint", mark)

    assert (unknown.returncode, "Add --fingerprint" in unknown.stderr) == (1, True)
    assert (forged.returncode, "do not go on" in forged.stderr) == (1, True)
    assert enrolled.returncode == 0, enrolled.stderr
    told = tomllib.loads(settings_file.read_text())
    assert (told["host"], told["port"], told["is_tls"]) == (opened.address, opened.mqtt_port, True)
    agent = subprocess.Popen([sys.executable, "-m", "iot.agent", "--config", settings_file], cwd=ROOT)
    try:
        with psycopg.connect(opened.database_url, autocommit=True) as database:
            heard = "SELECT count(*) FROM iot_device WHERE slug = 'laser-1' AND is_online"
            assert eventually(lambda: database.execute(heard).fetchone() == (1,), 30)
    finally:
        agent.terminate()
        agent.wait(20)


@pytest.mark.serial
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_lan_closes_without_a_process_left_and_stays_closed_with_demo_accounts(opened):
    opened.shell(ONE_DEMO_PERSON)
    below = descendants(opened.process.pid)

    opened.process.send_signal(signal.SIGINT)
    code = opened.process.wait(30)
    process = run_up(opened.folder, *opened.arguments)

    assert code == 0
    assert len(below) >= 6
    assert living(below) == set()
    assert process.wait(180) == 1
    assert "This data folder holds the demo, whose accounts and passwords are public" in opened.said

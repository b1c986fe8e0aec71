"""deploy/: the units and the compose file start the same processes, and those open a lab on servers of one's own."""

import configparser
import http.client
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import CommandError, call_command

from fablab.up.accounts import unprivileged_account
from fablab.up.checks import accepts_connections, is_healthy
from fablab.up.postgres import EmbeddedPostgres
from iot.broker.launch import BrokerCommand
from iot.services import ACCOUNTS_CHANGED
from tests.conftest import free_port, postgres_binaries, require_program, skip_or_fail
from tests.contract.running_broker import spawn
from tests.fablab.test_up_processes import ROOT, eventually

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
STAYING = ("web", "ingest", "worker")
# Tenths of systemd's scale from 0 (shut in) to 10 (open).
MOST_EXPOSED = 20


class Unit(configparser.RawConfigParser):
    """A systemd unit; of a key that stands twice, the last."""

    optionxform = staticmethod(str)

    def __init__(self, name: str) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.read(DEPLOY / "systemd" / name)

    @property
    def command(self) -> str:
        return self["Service"]["ExecStart"]


def unit(name: str) -> Unit:
    return Unit(f"fablab-{name}.service")


def compose() -> dict[str, dict]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


def settings_example() -> dict[str, str]:
    lines = (DEPLOY / "fablab.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", ["migrate", "broker", *STAYING])
def test_compose_runs_the_command_of_the_unit(name):
    assert shlex.split(compose()[name]["command"]) == shlex.split(unit(name).command)


def test_every_service_of_the_lab_is_in_both():
    ours = {name for name, service in compose().items() if service.get("image") == "fablab"}

    assert {path.stem.removeprefix("fablab-") for path in UNITS} == ours == {"migrate", "broker", *STAYING}


def test_target_starts_what_stays_and_what_comes_before():
    target = Unit("fablab.target")

    services = {f"fablab-{name}.service" for name in ("migrate", *STAYING)}
    assert set(target["Unit"]["Wants"].split()) == services | {"fablab-broker.path"}
    for name in STAYING:
        assert unit(name)["Unit"]["Requires"] == "fablab-migrate.service"
        assert unit(name)["Unit"]["PartOf"] == "fablab.target"


def test_accounts_are_written_when_the_lab_says_that_they_changed():
    path = Unit("fablab-broker.path")["Path"]

    assert path["PathChanged"] == f"{settings_example()['FABLAB_DATA_DIR']}/run/{ACCOUNTS_CHANGED}"
    assert path["Unit"] == "fablab-broker.service"


def test_services_of_compose_wait_for_what_exists():
    services = compose()

    waited = {name for service in services.values() for name in service.get("depends_on", ())}

    assert waited <= set(services)


def test_proxy_lets_through_what_the_lab_takes():
    """Else a file that the lab would take gets an answer without a word, and from somebody else."""
    number, unit = re.search(r"max_size (\d+)(\w+)", (DEPLOY / "Caddyfile").read_text()).groups()

    # Caddy reads MB as 10^6 and MiB as 2^20: github.com/dustin/go-humanize.
    most_bytes = int(number) * {"MB": 10**6, "MiB": 2**20}[unit]

    # As `fablab.asgi` bounds a body: the file, and what a form adds to it.
    assert most_bytes > (settings.UPLOAD_MAX_MB + 1) * 2**20


def mapped(text: str, places: dict[str, str]) -> str:
    """The text with paths and ports of a server replaced by ours, the longest first."""
    for name in sorted(places, key=len, reverse=True):
        text = text.replace(name, places[name])
    return text


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_units_are_understood_by_systemd(tmp_path):
    here = {"/opt/fablab/.venv/bin/python": sys.executable, "/opt/fablab": str(ROOT)}
    copies = [tmp_path / path.name for path in (DEPLOY / "systemd").iterdir()]
    for copy in copies:
        copy.write_text(mapped((DEPLOY / "systemd" / copy.name).read_text(), here))

    done = analyze("verify", "--man=no", "--recursive-errors=no", *map(str, copies))

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_unit_is_shut_in(path):
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(path))

    assert done.returncode == 0, done.stdout


# --- the commands, against servers of one's own ----------------------------------------------------------------


class TcpPostgres(EmbeddedPostgres):
    """Somebody else's server: another version, reached over TCP."""

    def __init__(self, folder: Path, port: int, binaries: Path | None) -> None:
        options = {"fsync": "off", "listen_addresses": "127.0.0.1", "port": str(port)}
        super().__init__(folder, binaries=binaries, password="test", options=options)
        self._port = port

    def _url(self, database: str) -> str:
        return f"postgresql://fablab:test@127.0.0.1:{self._port}/{database}"


class Server:
    """A machine on which PostgreSQL and Mosquitto run, and the lab as its units say."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.web_port, self.mqtt_port = folder, free_port(), free_port()
        self.database = TcpPostgres(folder / "postgres", free_port(), postgres_binaries("15"))
        self.broker_folder = folder / "mosquitto"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.places = {
            "/opt/fablab/.venv/bin/python": sys.executable,
            "/opt/fablab": str(ROOT),
            "--port 8000": f"--port {self.web_port}",
            "/var/lib/mosquitto/fablab": str(self.broker_folder),
            "listener 1883": f"listener {self.mqtt_port} 127.0.0.1",
        }
        ours = {
            "FABLAB_DATA_DIR": str(folder / "data"),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FABLAB_FIELD_KEYS": Fernet.generate_key().decode(),
            "DATABASE_URL": self.database.url,
            "MQTT_URL": f"mqtt://fablab-server:{secrets.token_urlsafe(12)}@127.0.0.1:{self.mqtt_port}",
        }
        # As systemd would: nothing of our own environment but the path.
        self.environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | settings_example() | ours

    def start_servers(self) -> None:
        (self.folder / "data").mkdir()
        (self.folder / "postgres").mkdir()
        self.database.start()
        self.run_once("migrate")
        self.run_once("broker")
        self._start_mosquitto()

    def _start_mosquitto(self) -> None:
        account = unprivileged_account()
        settings = self.folder / "mosquitto.conf"
        settings.write_text(mapped((DEPLOY / "mosquitto" / "mosquitto.conf").read_text(), self.places))
        if account:
            for path in (self.broker_folder, *self.broker_folder.iterdir()):
                shutil.chown(path, account.uid, account.gid)
        argv = (require_program("mosquitto"), "-c", str(settings))
        command = BrokerCommand(argv, account.name if account else None, {}, "mosquitto", signal.SIGHUP)
        self.processes["mosquitto"] = spawn(command)
        assert eventually(lambda: accepts_connections("127.0.0.1", self.mqtt_port), 10)

    def argv(self, name: str) -> list[str]:
        return shlex.split(mapped(unit(name).command, self.places))

    def run_once(self, name: str) -> None:
        done = subprocess.run(
            self.argv(name), cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                self.argv(name), cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )

    def get(self, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=10)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def readiness(self) -> dict[str, bool]:
        return json.loads(self.get("/readyz")[1])["checks"]

    def stop(self, name: str) -> int:
        self.processes[name].terminate()
        return self.processes[name].wait(30)

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.database.kill()


@pytest.fixture
def server(short_folder) -> Iterator[Server]:
    if sys.platform != "linux":
        skip_or_fail("the units are for Linux")
    machine = Server(short_folder)
    yield machine
    machine.close()


@pytest.mark.serial
def test_commands_of_the_units_open_a_lab_on_servers_of_ones_own(server):
    server.start_servers()
    for name in STAYING:
        server.start(name)

    assert eventually(lambda: is_healthy("127.0.0.1", server.web_port), 90), logs(server)
    assert eventually(lambda: all(server.readiness().values()), 90), (server.readiness(), logs(server))
    through_proxy = {"Host": "lab.example.org", "X-Forwarded-Proto": "https"}
    page, body = server.get("/address/", **through_proxy)
    findings = server_findings(server)
    ended = {name: server.stop(name) for name in STAYING}

    assert page.status == 200
    assert b"<main" in body
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert findings["broker"] == "ok"
    assert findings["database"] == "ok"
    assert set(ended.values()) <= {0, -signal.SIGTERM}


def logs(server: Server) -> str:
    return "\n".join(path.read_text(errors="replace")[-2000:] for path in server.folder.glob("*.log"))


def server_findings(server: Server) -> dict[str, str]:
    """What `doctor` says of each part; its message to the broker must come back under the rights we wrote."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=ROOT,
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return {found["check"]: found["verdict"] for found in json.loads(done.stdout)}


def test_accounts_of_the_embedded_broker_are_not_written_by_hand(settings, tmp_path):
    settings.MQTT_URL = ""

    with pytest.raises(CommandError, match="writes the files of its own broker by itself"):
        call_command("broker_accounts", str(tmp_path))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.serial
@pytest.mark.parametrize("name", ["SECRET_KEY", "FABLAB_FIELD_KEYS", "DATABASE_URL", "MQTT_URL", "PUBLIC_URL"])
def test_command_without_a_secret_refuses_in_production(short_folder, name):
    environment = {"PATH": os.environ["PATH"]} | settings_example() | {name: "", "FABLAB_DATA_DIR": str(short_folder)}

    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert re.search(rf"{name} is missing\. Production needs it", done.stderr)

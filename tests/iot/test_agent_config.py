import ast
import http.server
import json
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot.agent.__main__ import main
from iot.agent.battery import battery_pct
from iot.agent.config import ConfigError, read_config, write_config
from iot.agent.enrol import EnrolmentRefused, enrol

ANSWER = {"device": "laptop-3", "password": "s3cret", "host": "lab.local", "port": 8883, "is_tls": True}


class _Desk(http.server.BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes]] = {}
    asked: list[tuple[str, dict]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, body))
        status, answer = self.answers.get(body["code"], (403, b"{}"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_words) -> None:
        return


@pytest.fixture
def lab_url() -> Iterator[str]:
    _Desk.asked = []
    _Desk.answers = {
        "GOOD": (200, json.dumps(ANSWER).encode()),
        "PAGE": (200, b"<html>"),
        "LIST": (200, b"[]"),
        "BARE": (200, json.dumps(ANSWER | {"password": ""}).encode()),
        "NAME": (200, json.dumps(ANSWER | {"device": "../../etc"}).encode()),
        "MOVED": (302, b""),
    }
    with http.server.HTTPServer(("127.0.0.1", 0), _Desk) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_enrol_writes_settings_and_private_password(lab_url: str, tmp_path: Path, capsys):
    file = tmp_path / "etc" / "agent.toml"

    code = main(["enrol", f"{lab_url}/", "GOOD", "--config", str(file)])

    config = read_config(file)
    assert code == 0
    assert _Desk.asked == [("/api/v1/devices/enrol", {"code": "GOOD"})]
    assert (config.device, config.host, config.port, config.is_tls) == ("laptop-3", "lab.local", 8883, True)
    assert config.password() == "s3cret"
    assert config.outbox_file == file.parent / "outbox.sqlite3"
    assert {stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()} == {0o600}
    assert "s3cret" not in file.read_text() + capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("USED", "refused the code"),
        ("MOVED", "refused the code"),
        ("PAGE", "Check the address"),
        ("LIST", "Check the address"),
        ("BARE", "no password"),
        ("NAME", "device ="),
    ],
)
def test_enrol_says_why_it_failed_and_writes_nothing(lab_url: str, tmp_path: Path, code: str, said: str):
    with pytest.raises(EnrolmentRefused, match=said):
        enrol(lab_url, code, tmp_path / "agent.toml")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["http://lab.example.org", "ftp://lab.example.org", "lab.example.org", "file:///x"])
def test_enrol_refuses_an_address_that_would_leak_the_password(url: str, tmp_path: Path):
    with pytest.raises(EnrolmentRefused):
        enrol(url, "GOOD", tmp_path / "agent.toml")


def test_enrol_says_when_the_lab_is_away(tmp_path: Path):
    with pytest.raises(EnrolmentRefused, match="cannot be reached"):
        enrol("http://127.0.0.1:9", "GOOD", tmp_path / "agent.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("device = 'a", "not TOML"),
        ("host = 'lab'", "device"),
        ("device = 'Laser 1'\nhost = 'lab'", "small letters"),
        ("device = 'laser'", "host"),
        ("device = 'laser'\nhost = 'lab'\nport = '1883'", "port"),
        ("device = 'laser'\nhost = 'lab'\nport = 70000", "port"),
        ("device = 'laser'\nhost = 'lab'\nport = true", "port"),
        ("device = 'laser'\nhost = 'lab'\nis_tls = 'yes'", "is_tls"),
        ("device = 'laser'\nhost = 'lab'\npassword_file = 3", "password_file"),
    ],
)
def test_read_config_names_what_is_wrong(tmp_path: Path, text: str, said: str):
    (tmp_path / "agent.toml").write_text(text)

    with pytest.raises(ConfigError, match=said):
        read_config(tmp_path / "agent.toml")


def test_write_config_replaces_an_earlier_enrolment(tmp_path: Path):
    file = tmp_path / "agent.toml"
    write_config(file, ANSWER, "first")

    write_config(file, ANSWER | {"device": "laptop-4"}, "second")

    assert (read_config(file).device, read_config(file).password()) == ("laptop-4", "second")


def test_main_without_settings_says_what_to_do(tmp_path: Path, capsys):
    code = main(["--config", str(tmp_path / "none.toml")])

    assert code == 1
    assert "enrol" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("capacities", "expected"),
    [({}, None), ({"AC": "1"}, None), ({"BAT0": "87\n"}, 87.0), ({"BAT0": "?", "BAT1": "101"}, 100.0)],
    ids=["desktop", "charger only", "laptop", "odd firmware"],
)
def test_battery_pct_reads_the_first_battery_that_answers(tmp_path: Path, capacities: dict, expected):
    for name, text in capacities.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "capacity").write_text(text)

    assert battery_pct(tmp_path) == expected


def test_agent_needs_paho_and_the_standard_library_only():
    folder = Path(__file__).resolve().parents[2] / "iot" / "agent"
    imported = set()
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module)

    foreign = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in foreign if not name.startswith(("iot.agent.", "paho.mqtt."))} == set()

import http.server
import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot.agent.__main__ import main
from iot.agent.battery import battery_pct
from iot.agent.config import ConfigError, read_config, write_config
from iot.agent.enrol import EnrolmentRefused, enrol
from iot.agent.settings import Settings
from iot.agent.state import State
from iot.agent.wiring import kind_of

ROSTER_KEY = "0f" * 32
ANSWER = {
    "device": "laptop-3",
    "password": "s3cret",
    "host": "lab.local",
    "port": 8883,
    "is_tls": True,
    "roster_key": ROSTER_KEY,
}


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
    said = file.read_text() + capsys.readouterr().out
    assert "s3cret" not in said
    assert ROSTER_KEY not in said
    assert State(config.state_file).get("enrolment") == {"roster_key": ROSTER_KEY}


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


def test_enrol_takes_the_link_of_the_device_page(lab_url: str, tmp_path: Path):
    code = main(["enrol", f"{lab_url}/#GOOD", "--config", str(tmp_path / "agent.toml")])

    assert code == 0
    assert _Desk.asked == [("/api/v1/devices/enrol", {"code": "GOOD"})]


def test_enrol_does_not_spend_the_code_on_settings_that_cannot_be_used(lab_url: str, tmp_path: Path):
    (tmp_path / "agent.toml").write_text("[machine]\nrelay_pin = 99\n")

    with pytest.raises(EnrolmentRefused, match=r"line 2: machine\.relay_pin"):
        enrol(lab_url, "GOOD", tmp_path / "agent.toml")

    assert _Desk.asked == []


@pytest.mark.parametrize("key", [None, 7, "", "xyz", "ab", "0f" * 65], ids=repr)
def test_enrol_without_a_usable_key_lets_nobody_in_offline(lab_url: str, tmp_path: Path, key: object):
    _Desk.answers["GOOD"] = (200, json.dumps(ANSWER | {"roster_key": key}).encode())

    enrol(lab_url, "GOOD", tmp_path / "agent.toml")

    assert State(tmp_path / "state.sqlite3").get("enrolment") == {"roster_key": ""}


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


HEAD = "device = 'laser'\nhost = 'lab'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "device = 'laser'\nhost = 'lab'\nport = 70000",
            "agent.toml, line 3: port = 70000: a whole number from 1 to 65535 is expected.",
        ),
        (HEAD + "prot = 1883", "agent.toml, line 3: prot is not a setting; did you mean port?"),
        (HEAD + "[machine]", "agent.toml, line 3: machine.relay_pin is missing: the BCM number of the relay's pin"),
        (HEAD + "[machine]\nrelay_pin = 'GPIO17'", "line 4: machine.relay_pin = 'GPIO17': a whole number from 0 to 27"),
        (HEAD + "\n# pins\n[machine]\nrelay_pin = 17\nbutton_pin = 17", "two things on one pin"),
        (
            HEAD + "[machine]\nrelay_pin = 1\n[machine.safety_pins]\n'Not Aus' = 2",
            "line 6: machine.safety_pins.Not Aus = 2: a name of small letters",
        ),
        (HEAD + "[machine]\nrelay_pin = 1\n[machine.safety_pins]\nlid = 44", "line 6: machine.safety_pins.lid = 44"),
        (HEAD + "machine = 3", "line 3: machine = 3: a table: write [machine] on a line of its own is expected."),
        (HEAD + "[machine]\nhardware = 'simulated'\n[seat]\nlock_command = ['x']", "line 5: seat"),
        (HEAD + "[seat]\nwarn_command = ['x']", "line 3: seat.lock_command is missing"),
        (
            HEAD + "[seat]\nlock_command = 'loginctl lock-session'",
            "line 4: seat.lock_command = 'loginctl lock-session'",
        ),
        (HEAD + "[reader]\nkind = 'stdin'", "line 3: reader"),
        (HEAD + "[seat]\nlock_command = ['x']\n[reader]\nkind = 'usb'", "kind = 'usb': one of keyboard, serial, stdin"),
        (HEAD + "[seat]\nlock_command = ['x']\n[reader]\nkind = 'serial'", "line 5: reader.path is missing"),
        (
            HEAD + "[seat]\nlock_command = ['x']\n[reader]\nkind = 'serial'\npath = 'p'\nbaud = 9601",
            "line 8: reader.baud",
        ),
        (HEAD + "[settings]\nwarn_s = nan", "line 4: settings.warn_s = nan: a number from 0 to 3600 is expected."),
        (HEAD + "[settings]\nlanguage = 'de'", "line 4: settings.language = 'de': one of en, fr is expected."),
        (HEAD + "is_clock_trusted = 'yes'", "line 3: is_clock_trusted = 'yes': true or false is expected."),
        (HEAD + "[settings\n", "agent.toml is not TOML: "),
    ],
)
def test_read_config_says_line_key_and_what_is_expected(tmp_path: Path, text: str, said: str):
    (tmp_path / "agent.toml").write_text(text)

    with pytest.raises(ConfigError) as error:
        read_config(tmp_path / "agent.toml")

    assert said in str(error.value)


def test_read_config_takes_the_whole_example(tmp_path: Path):
    (tmp_path / "agent.toml").write_text(
        """
device = "laser-1"
host = "lab.local"
reboot_command = ["systemctl", "reboot"]
[machine]
relay_pin = 17
is_relay_active_high = false
button_pin = 27
busy_pin = 22
[machine.safety_pins]
emergency_stop = 5
lid = 6
[reader]
kind = "serial"
path = "/dev/ttyUSB0"
uid = "decimal"
[display]
path = "/dev/tty1"
[settings]
is_two_step = true
warn_s = 120
"""
    )

    config = read_config(tmp_path / "agent.toml")

    assert config.machine
    assert config.machine.safety_pins == {"emergency_stop": 5, "lid": 6}
    assert config.reader
    assert (config.reader.uid, config.reader.baud) == ("decimal", 9600)
    assert config.settings == Settings(is_two_step=True, warn_s=120.0)
    assert config.reboot_command == ("systemctl", "reboot")


def test_enrolling_again_keeps_what_was_set_by_hand(tmp_path: Path):
    file = tmp_path / "agent.toml"
    file.write_text(
        "# our laser\ndevice = 'old'\nhost = 'old'\noutbox_most_mb = 8\n[machine]\nrelay_pin = 17\n[reader]\n"
        "kind = 'keyboard'\npath = '/dev/input/event0'\n"
    )

    write_config(file, ANSWER, "second")

    config = read_config(file)
    assert (config.device, config.host, config.port, config.outbox_most_mb) == ("laptop-3", "lab.local", 8883, 8)
    assert config.machine
    assert config.machine.relay_pin == 17
    assert "# our laser" in file.read_text()


def test_check_says_that_the_settings_can_be_used(tmp_path: Path, capsys):
    write_config(tmp_path / "agent.toml", ANSWER, "s3cret")

    code = main(["--config", str(tmp_path / "agent.toml"), "--check"])

    assert (code, capsys.readouterr().out) == (
        0,
        f"{tmp_path / 'agent.toml'} can be used: laptop-3 reports to lab.local:8883.\n",
    )


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


def test_what_follows_other_machines_waits_for_nobody(tmp_path: Path):
    file = tmp_path / "agent.toml"
    file.write_text("[machine]\nhardware = 'simulated'\nis_follower = true\n")
    write_config(file, {"device": "fan-1", "host": "127.0.0.1", "port": 1, "is_tls": False}, "secret")

    kind = kind_of(read_config(file))

    assert (kind.is_confirmed_here, kind.is_cut_at_end) == (False, True)
